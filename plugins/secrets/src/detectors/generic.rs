//! Guesses: a name that says what its value is, and a value that looks like it.

use certus_sdk_files::Confidence::{Low, Medium};

use crate::candidate::{Candidate, Judgement};
use crate::check::require;
use crate::check::shape::{is_password, is_random, names_a_secret};
use crate::detector::Detector;
use crate::finish;

/// The name from the keyword on, and an operator; the value follows.
const NAME: &str = r#"[A-Za-z0-9_\-]+["'\]]*[ \t]*(?::=?|=>?|,|>)[ \t]*"#;

pub(super) const ROWS: &[Detector] = &[
    // No vendor: the names under which configuration and code keep keys of services.
    Detector::value(
        "generic-secret",
        &[
            "secret",
            "token",
            "api_key",
            "apikey",
            "api-key",
            "access_key",
            "accesskey",
            "auth_key",
            "authkey",
            "private_key",
            "encryption_key",
            "signing_key",
            "credential",
            "client_key",
        ],
        NAME,
    )
    .written()
    .sure(Medium)
    .reach(128)
    .finish(finish::value)
    .checks(&[is_written_out, names_a_secret, is_random]),
    // No vendor: the names under which configuration and code keep passwords.
    Detector::value("generic-password", &["pass", "pwd"], NAME)
        .written()
        .sure(Low)
        .reach(128)
        .finish(finish::value)
        .checks(&[is_written_out, is_password_name, names_a_secret, is_password]),
];

/// In source code a value is quoted; in configuration it need not be, nor in an element of XML. Of
/// an argument, which follows a quoted name and a comma, the name says no more than that.
fn is_written_out(candidate: &Candidate<'_>) -> Judgement {
    let written = match candidate.content[..candidate.whole.end].trim_ascii_end().last() {
        Some(b',') => {
            let name = &candidate.content[candidate.whole.start..candidate.whole.end];
            let is_quoted = name.iter().any(|byte| matches!(byte, b'"' | b'\''));
            let is_exact = ["", "word", "wd", "phrase"]
                .iter()
                .any(|end| candidate.name_after().eq_ignore_ascii_case(end.as_bytes()));
            is_quoted && is_exact && candidate.secret().iter().any(u8::is_ascii_digit)
        }
        Some(b'>') if candidate.quote().is_none() => candidate.is_element() && !candidate.place.code,
        _ => candidate.quote().is_some() || !candidate.place.code,
    };
    require(written)
}

/// The name is one for a password: `password`, `passwd`, `passphrase` and their like with anything
/// around them, or `pass` and `pwd` as the last word.
fn is_password_name(candidate: &Candidate<'_>) -> Judgement {
    let after = candidate.name_after();
    let long = ["word", "wd", "phrase", "code", "key"]
        .iter()
        .find(|word| after.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes())));
    let fits = match long {
        Some(word) => after.get(word.len()).is_none_or(|byte| !byte.is_ascii_lowercase()),
        None => after.iter().all(|byte| byte.is_ascii_digit() || *byte == b'_'),
    };
    // "bypass" and "compass" end so too; `dbpass`, `user_pass` and `userPass` are meant.
    let before = candidate.content[..candidate.hit].last();
    let begins = long.is_some()
        || !before.is_some_and(u8::is_ascii_alphabetic)
        || candidate.content[candidate.hit].is_ascii_uppercase()
        || candidate.name().get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"db"));
    require(fits && begins)
}
