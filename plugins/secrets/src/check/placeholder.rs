//! What people write where a secret would stand.

use crate::check::contains;

/// Words that stand in a made-up token. A random token of 40 characters holds one of them by chance
/// once in some thousand times, hence none under four letters.
const SAMPLE_WORDS: &[&str] = &[
    "changeme",
    "change_me",
    "dummy",
    "example",
    "fake",
    "foobar",
    "insert",
    "placeholder",
    "redacted",
    "replace",
    "sample",
    "secret",
    "token",
    "your",
];

/// Values that name what belongs in their place.
const NAMES: &[&str] = &[
    "",
    "auth",
    "credential",
    "credentials",
    "default",
    "empty",
    "example",
    "false",
    "hidden",
    "key",
    "mypassword",
    "mysecret",
    "n/a",
    "nil",
    "no",
    "none",
    "null",
    "optional",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "placeholder",
    "prompt",
    "pw",
    "pwd",
    "redacted",
    "required",
    "sample",
    "secret",
    "secretkey",
    "secret_key",
    "string",
    "tbd",
    "todo",
    "token",
    "true",
    "undefined",
    "unset",
    "user",
    "username",
    "value",
    "yes",
];

/// Passwords that protect nothing: those of examples, tests and containers.
const WEAK: &[&str] = &[
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "abc123",
    "admin",
    "changeit",
    "changeme123",
    "dummy",
    "foo",
    "foobar",
    "guest",
    "letmein",
    "p@ssw0rd",
    "passw0rd",
    "password1",
    "password123",
    "postgres",
    "qwerty",
    "root",
    "secret123",
    "test",
    "test123",
    "test1234",
    "testing",
    "testpass",
    "testpassword",
];

/// Words that ask to be replaced.
const REQUESTS: &[&str] =
    &["change_me", "change-me", "changeme", "enter ", "example", "insert", "placeholder", "replace", "your"];

/// A made-up token: a word, a run, a row of digits, too few different characters.
pub(crate) fn is_sample(body: &[u8]) -> bool {
    body.len() >= 16 && distinct(body) < 6
        || has_run(body)
        || has_row(body)
        || is_reference(body)
        || SAMPLE_WORDS.iter().any(|word| contains(body, word))
}

/// Not the secret itself but where it comes from, or that it was taken out: `${VAR}`, `<token>`,
/// `{{ vault }}`, `%(key)s`, `****`.
pub(crate) fn is_reference(value: &[u8]) -> bool {
    let ends = |open: &[u8], close: &[u8]| value.starts_with(open) && value.ends_with(close);
    let is_mask = |byte: &u8| matches!(byte, b'*' | b'x' | b'X' | b'.' | b'-' | b'_' | b'#' | b'?');
    value.iter().all(is_mask)
        || value.starts_with(b"$")
        || ends(b"<", b">")
        || ends(b"[", b"]")
        || ends(b"{", b"}")
        || ends(b"%", b"%")
        || ends(b"__", b"__")
        || value.iter().any(|byte| b"$%{<#".contains(byte)) && has_mark(value)
        || value.ends_with(b"...")
        || value.windows(4).any(|window| matches!(window, b"****" | b"...." | b"XXXX" | b"xxxx"))
        || value.contains(&0xe2)
}

/// What templates and formatting functions replace.
fn has_mark(value: &[u8]) -> bool {
    ["${", "$(", "{{", "%(", "%s", "#{", "<%", "{}"].iter().any(|mark| contains(value, mark)) || has_field(value)
}

/// A name in braces, which a formatting function replaces: `{user}-token`.
fn has_field(value: &[u8]) -> bool {
    value.split(|&byte| byte == b'{').skip(1).any(|rest| {
        let name = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-:!".contains(byte)).count();
        name > 0 && rest.get(name) == Some(&b'}')
    })
}

/// A word that names what belongs in its place, or a password that protects nothing.
pub(crate) fn is_stand_in(value: &[u8]) -> bool {
    names_a_password(value) || is_listed(WEAK, value) || has_run(value) || distinct(value) < 4
}

/// A word that names what belongs in its place, or asks for it.
pub(crate) fn names_a_password(value: &[u8]) -> bool {
    is_listed(NAMES, value) || REQUESTS.iter().any(|word| contains(value, word))
}

fn is_listed(words: &[&str], value: &[u8]) -> bool {
    words.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}

/// One character six times in a row.
fn has_run(body: &[u8]) -> bool {
    body.windows(6).any(|window| window.iter().all(|&byte| byte == window[0]))
}

/// Eight characters in the order of the alphabet or of numbers.
fn has_row(body: &[u8]) -> bool {
    body.windows(8).any(|window| window.windows(2).all(|pair| pair[1] == next(pair[0])))
}

fn next(byte: u8) -> u8 {
    match byte {
        b'9' => b'0',
        b'z' => b'a',
        b'Z' => b'A',
        other => other.wrapping_add(1),
    }
}

fn distinct(body: &[u8]) -> usize {
    let mut seen = [false; 256];
    body.iter().for_each(|&byte| seen[usize::from(byte)] = true);
    seen.iter().filter(|&&seen| seen).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_not_values() {
        for value in [
            "${TOKEN}",
            "$TOKEN",
            "<token>",
            "{{ token }}",
            "%(token)s",
            "********",
            "$(cat f)",
            "abc...",
            "{user}-pw1",
        ] {
            assert!(is_reference(value.as_bytes()), "{value}");
        }
        for value in ["hunter22", "pa$$word", "a<b>c", "-pass-9"] {
            assert!(!is_reference(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn made_up_tokens_are_samples() {
        for body in ["your_token_here_1", "aaaaaaaaK3", "0123456789abcdef", "IOSFODNN7EXAMPLE", "12121212121212121212"]
        {
            assert!(is_sample(body.as_bytes()), "{body}");
        }
        assert!(!is_sample(b"7Gq2Zt9KxW4mPbR8vLcN"));
    }

    #[test]
    fn stand_ins_name_what_belongs_there() {
        for value in ["Password", "changeme", "your-api-key", "test1234", "aaaa"] {
            assert!(is_stand_in(value.as_bytes()), "{value}");
        }
        assert!(!is_stand_in(b"hunter22"));
    }
}
