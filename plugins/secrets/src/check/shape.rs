//! Whether a value looks drawn at random, or chosen as a password, or is just text.

use crate::candidate::{Candidate, Judgement};
use crate::check::placeholder::{is_sample, is_stand_in};
use crate::check::{contains, prefer, require};

/// Ends of names whose value is about a secret without being one.
const ABOUT: &[&str] = &[
    "age",
    "algorithm",
    "at",
    "attempts",
    "attribute",
    "changed",
    "class",
    "count",
    "created",
    "date",
    "duration",
    "endpoint",
    "env",
    "error",
    "expiration",
    "expires",
    "expiry",
    "field",
    "file",
    "format",
    "handler",
    "hash",
    "header",
    "help",
    "hint",
    "id",
    "ids",
    "input",
    "label",
    "length",
    "limit",
    "link",
    "list",
    "location",
    "manager",
    "message",
    "method",
    "mgr",
    "mode",
    "msg",
    "name",
    "names",
    "param",
    "parameter",
    "path",
    "pattern",
    "placeholder",
    "policy",
    "prefix",
    "provider",
    "realm",
    "ref",
    "regex",
    "regexp",
    "required",
    "reset",
    "rule",
    "rules",
    "scope",
    "selector",
    "size",
    "state",
    "status",
    "store",
    "suffix",
    "text",
    "time",
    "timestamp",
    "title",
    "ttl",
    "type",
    "types",
    "updated",
    "uri",
    "url",
    "used",
    "validator",
    "version",
];

/// Tokens that protect nothing: places in a list, marks against repeating and forging a request.
const MARKS: &[&str] = &[
    "cancel",
    "change",
    "continuation",
    "cursor",
    "csrf",
    "fcm",
    "idempotency",
    "lifecycle",
    "next",
    "page",
    "purchase",
    "request",
    "sync",
    "xsrf",
];

/// Fewest hexadecimal digits of a key: shorter ones are ids and digests cut short.
const FEWEST_HEX: usize = 24;

/// Entropy in bits a byte, from the frequencies of the bytes alone.
pub(crate) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    bytes.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    let length = bytes.len() as f64;
    let bits = |&count: &u32| {
        let share = f64::from(count) / length;
        -share * share.log2()
    };
    counts.iter().filter(|&&count| count > 0).map(bits).sum()
}

/// The name does not say that the value is something about a secret: `TOKEN_URL`, `password_field`,
/// `nextToken`.
pub(crate) fn names_a_secret(candidate: &Candidate<'_>) -> Judgement {
    let after = candidate.name_after();
    let is_about = |end: &&str| {
        let Some(start) = after.len().checked_sub(end.len()) else {
            return false;
        };
        let starts_a_word =
            start == 0 || after[start].is_ascii_uppercase() || !after[start - 1].is_ascii_alphanumeric();
        starts_a_word && after[start..].eq_ignore_ascii_case(end.as_bytes())
    };
    let is_token = candidate.content[candidate.hit..].get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"token"));
    let is_mark = is_token && MARKS.iter().any(|mark| contains(candidate.name(), mark));
    require(!ABOUT.iter().any(is_about) && !is_mark)
}

/// Drawn at random: a key or a token of some service. What is random in tests is kept in doubt.
pub(crate) fn is_random(candidate: &Candidate<'_>) -> Judgement {
    let value = candidate.secret();
    let is_key =
        value.len() >= 16 && looks_random(value) && !is_sample(value) && (!is_uuid(value) || is_access(candidate));
    require(is_key && !candidate.place.lock && !candidate.place.documentation)
        .max(prefer(!candidate.place.illustrative))
}

/// Chosen as a password: not a word, not a name of something in the program.
pub(crate) fn is_password(candidate: &Candidate<'_>) -> Judgement {
    let value = candidate.secret();
    let has = |class: fn(&u8) -> bool| value.iter().any(class);
    let is_mixed = has(u8::is_ascii_alphabetic) && (has(u8::is_ascii_digit) || has(is_symbol));
    let names_itself = candidate.name().eq_ignore_ascii_case(value);
    let is_place = contains(value, "://") || value.starts_with(b"/") || value.starts_with(b"./");
    require(
        (6..=128).contains(&value.len())
            && is_mixed
            && value.iter().all(|byte| (b'!'..=b'~').contains(byte) && *byte != b'\\')
            && !is_place
            && !names_itself
            && !is_stand_in(value)
            && !is_identifier(value)
            && !candidate.place.illustrative
            && !candidate.place.lock,
    )
}

/// Not one of the words that name what belongs there; for files that hold nothing but credentials.
pub(crate) fn is_chosen(candidate: &Candidate<'_>) -> Judgement {
    require(candidate.secret().len() >= 3).max(prefer(!is_stand_in(candidate.secret())))
}

/// The same, where a stand-in means an example.
pub(crate) fn is_not_stand_in(candidate: &Candidate<'_>) -> Judgement {
    require(candidate.secret().len() >= 3 && !is_stand_in(candidate.secret()))
}

/// At least four bits a byte: base64 of random bytes has more, words and paths have less.
pub(crate) fn is_dense(candidate: &Candidate<'_>) -> Judgement {
    require(entropy(candidate.secret()) >= 4.0)
}

/// At least three bits a byte, which hexadecimal digits of random bytes have.
pub(crate) fn is_hex_dense(candidate: &Candidate<'_>) -> Judgement {
    require(entropy(candidate.secret()) >= 3.0)
}

/// Most UUIDs are ids. Those that are not stand behind a name that says so.
fn is_access(candidate: &Candidate<'_>) -> bool {
    ["api", "auth", "access", "secret"].iter().any(|word| contains(candidate.name(), word))
}

fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36 && [8, 13, 18, 23].iter().all(|&at| value[at] == b'-')
}

fn looks_random(value: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-.~:!@#%^&*".contains(byte);
    if !value.iter().all(is_part) || !value.iter().any(u8::is_ascii_digit) || is_identifier(value) {
        return false;
    }
    if contains(value, "://") || value.starts_with(b"/") || value.starts_with(b".") {
        return false;
    }
    let is_hex = value.iter().all(|&byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_hex {
        let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        return value.len() >= FEWEST_HEX && letters >= 2 && entropy(value) >= 3.0;
    }
    // Characters change class (lower, upper, digit, other) often in random text, seldom in words.
    let changes = value.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    entropy(value) >= 3.5 && changes * 10 >= value.len() * 3
}

/// Words joined by `-`, `_`, `.` or capitals, with numbers at the end of a word at most.
fn is_identifier(value: &[u8]) -> bool {
    value.split(|byte| matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b'+')).all(|part| {
        let digits = part.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let word = &part[..part.len() - digits];
        let capitals = word.iter().skip(1).filter(|byte| byte.is_ascii_uppercase()).count();
        let is_word =
            word.iter().all(u8::is_ascii_alphabetic) && (capitals * 4 <= word.len() || capitals + 1 == word.len());
        // A word with a number is how people make passwords; several words are a name.
        is_word && (digits == 0 || digits <= 2 && (word.len() > 10 || word.len() <= 2))
    })
}

fn class(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    }
}

fn is_symbol(byte: &u8) -> bool {
    byte.is_ascii_punctuation() && !matches!(byte, b'-' | b'_' | b'.' | b'/' | b':' | b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_counts_bits_a_byte() {
        assert_eq!(entropy(b"aaaa"), 0.0);
        assert_eq!(entropy(b"abcd"), 2.0);
    }

    #[test]
    fn random_text_is_told_from_names() {
        for value in ["7a2f9a4289e530bef6dbf31f4cbf63d5", "nAH2VzKrMrRjySLlt8HCdFU3tM2TUuUZ", "qT9-x_4Lw.8vZk2Yp3Rb"] {
            assert!(looks_random(value.as_bytes()), "{value}");
        }
        for value in [
            "AccessTokenExpiredException2",
            "my-secret-token-for-production",
            "application/vnd.api+json;version=2",
            "com.example.security.token.v2",
            "00000000000000000000000000000000",
        ] {
            assert!(!looks_random(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn identifiers_are_words() {
        for value in ["password_reset", "resetPassword", "FORGOT_PASSWORD", "auth.token.refresh"] {
            assert!(is_identifier(value.as_bytes()), "{value}");
        }
        for value in ["hunter22", "Pass!12345", "admin123", "s3cr3t-Key"] {
            assert!(!is_identifier(value.as_bytes()), "{value}");
        }
    }
}
