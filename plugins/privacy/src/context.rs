//! The words around a value that say what it is.

use std::ops::Range;

use crate::place::{Kind, Place};

/// How far before a value its name may begin.
const BEFORE: usize = 80;

/// How far behind a value a word about it may end.
const AFTER: usize = 40;

/// Words around a value that was made up.
const SAMPLES: &[&str] = &["dummy", "e.g", "example", "fake", "mock", "placeholder", "sample"];

/// What stands around a value.
pub(crate) struct Context<'a> {
    /// The name of its column, where the file has columns.
    pub(crate) column: &'a [u8],
    before: &'a [u8],
    after: &'a [u8],
}

impl<'a> Context<'a> {
    /// `field` is where the value's field begins; the file has no columns without it.
    pub(crate) fn of(
        content: &'a [u8],
        place: Place,
        span: &Range<usize>,
        column: Option<(&'a [u8], usize)>,
    ) -> Context<'a> {
        let from = span.start.saturating_sub(BEFORE).max(column.map_or(0, |(_, field)| field.min(span.start)));
        let before = &content[from..span.start];
        let line = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let before = &before[line..];
        // A record has one name a value; in a sentence what follows may say what it was.
        let (before, after) = if place.is_data() {
            (if place.kind == Kind::Records { field(before) } else { before }, &content[..0])
        } else {
            let after = &content[span.end..content.len().min(span.end + AFTER)];
            (before, after.split(|&byte| byte == b'\n').next().unwrap_or_default())
        };
        Context { column: column.map_or(&content[..0], |(name, _)| name), before, after }
    }

    /// Whether one of `words` stands there.
    pub(crate) fn mentions(&self, words: &[&str]) -> bool {
        [self.column, self.before, self.after].into_iter().any(|text| mentions(text, words))
    }

    /// Whether it says of itself that it is an example; Python's are behind a prompt.
    pub(crate) fn is_sample(&self) -> bool {
        self.before.windows(3).any(|window| window == b">>>") || self.mentions(SAMPLES)
    }
}

/// The part of a record's line that belongs to the value behind it.
fn field(before: &[u8]) -> &[u8] {
    let ends = |pair: &[u8]| matches!(pair[0], b',' | b'{' | b'}') || pair == b"</";
    match before.windows(2).rposition(ends) {
        Some(at) => &before[at + 1..],
        None => before,
    }
}

/// Whether `text` holds one of `words` as a word of its own, or as one of an identifier's: `ssn` is
/// in `user_ssn`, `userSsn` and `SSN:`, not in `classname`. A blank in a word stands for any
/// separator or none. ASCII case is folded; `words` are lower-case and begin with a letter.
pub(crate) fn mentions(text: &[u8], words: &[&str]) -> bool {
    let letter = |byte: u8| 1_u32 << (byte.to_ascii_lowercase() & 31);
    let first = words.iter().fold(0, |first, word| first | letter(word.as_bytes()[0]));
    let may_begin = |at: &usize| text[*at].is_ascii_alphabetic() && first & letter(text[*at]) != 0 && begins(text, *at);
    (0..text.len()).filter(may_begin).any(|at| words.iter().any(|word| is_at(text, at, word)))
}

fn is_at(text: &[u8], start: usize, word: &str) -> bool {
    let mut at = start;
    for letter in word.bytes() {
        match text.get(at) {
            Some(byte) if byte.to_ascii_lowercase() == letter => at += 1,
            Some(b' ' | b'_' | b'-' | b'.') if letter == b' ' => at += 1,
            _ if letter == b' ' => {}
            _ => return false,
        }
    }
    match text[at - 1..] {
        // The sine and its like, and letters in hexadecimal numbers.
        [_, b'(' | b'0'..=b'9', ..] if word.len() < 4 => false,
        [_, b's', after, ..] => !after.is_ascii_alphabetic(),
        [last, after, ..] => !after.is_ascii_alphabetic() || last.is_ascii_lowercase() && after.is_ascii_uppercase(),
        _ => true,
    }
}

fn begins(text: &[u8], at: usize) -> bool {
    match text[..at] {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., before] => !before.is_ascii_alphanumeric() || before.is_ascii_lowercase() && text[at].is_ascii_uppercase(),
        [] => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_alone_or_in_an_identifier() {
        let words = ["ssn", "social security", "date of birth"];
        for text in
            ["SSN: ", "user_ssn=", "userSsn", "ssns: ", "Social-Security no", "socialSecurityNumber", "dateOfBirth"]
        {
            assert!(mentions(text.as_bytes(), &words), "{text}");
        }
        for text in ["classname", "ssnx", "ssn(", "=ssn2", "9ssn ", "social", "", "so cial security"] {
            assert!(!mentions(text.as_bytes(), &words), "{text}");
        }
    }

    #[test]
    fn a_record_names_each_value_apart() {
        let text = br#"{"birthDate": "1980-05-31", "created": "2020-01-02"}"#;
        let context = |path, at| Context::of(text, Place::of(path), &(at..at + 10), None);
        assert!(context("a.json", 15).mentions(&["birth date"]));
        assert!(!context("a.json", 40).mentions(&["birth date"]));
        assert!(context("a.txt", 40).mentions(&["birth date"]));
    }
}
