//! How an identifier is written, and whether bytes are written so.

use std::ops::Range;

/// A way to write an identifier: `9` is a digit, `A` an upper-case letter, a blank stands for a blank
/// or a hyphen, the same throughout, and everything else for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape(pub(crate) &'static str);

impl Shape {
    /// Length of the first word: only words of that length can begin an identifier of this shape.
    pub(crate) fn first_word(self) -> usize {
        self.0.bytes().take_while(u8::is_ascii_alphanumeric).count()
    }

    /// Whether it is written in groups, which hardly any other number is.
    pub(crate) fn is_grouped(self) -> bool {
        self.first_word() < self.0.len()
    }

    /// The length of the identifier that `rest` begins with.
    pub(crate) fn read(self, rest: &[u8]) -> Option<usize> {
        let mut separator = None;
        let fits = |(&byte, shape): (&u8, u8)| match shape {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_uppercase(),
            b' ' => matches!(byte, b' ' | b'-') && *separator.get_or_insert(byte) == byte,
            other => byte == other,
        };
        let length = self.0.len();
        (rest.len() >= length && rest.iter().zip(self.0.bytes()).all(fits)).then_some(length)
    }
}

/// Whether nothing around `span` says that it is a part of something longer: a longer number, a
/// decimal, a path, a UUID, an amount.
pub(crate) fn stands_apart(content: &[u8], span: &Range<usize>) -> bool {
    let separator = content[span.clone()].iter().copied().find(|byte| !byte.is_ascii_alphanumeric());
    let before = match content[..span.start] {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'/' | b'+' | b'-' | b'.' | b'$' | b'%' | b'@' | b'~'] => false,
        [.., other, blank] if Some(blank) == separator => !other.is_ascii_digit(),
        [.., last] => !is_word(last),
        [] => true,
    };
    let after = match content[span.end..] {
        [b'.' | b'-' | b'/' | b'@' | b'~' | b'%' | b'+' | b':', other, ..] => !is_word(other),
        [blank, other, ..] if Some(blank) == separator => !other.is_ascii_digit(),
        [first, ..] => !is_word(first),
        [] => true,
    };
    before && after
}

/// Whether a byte is part of a word. Beyond ASCII nothing is: quotes and blanks stand there too.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A number that somebody typed rather than was given: digits that count up or down, too few
/// different ones, or each again and again.
pub(crate) fn is_typed(digits: &[u8]) -> bool {
    let mut seen = [false; 256];
    digits.iter().for_each(|&byte| seen[usize::from(byte)] = true);
    let distinct = seen.iter().filter(|&&seen| seen).count();
    let changes = digits.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let few = if digits.len() < 13 { 2 } else { 3 };
    distinct <= few || changes * 3 < digits.len() || has_row(digits, 1) || has_row(digits, 9)
}

/// One digit six times in a row; in an account's number that is padding.
pub(crate) fn has_run(digits: &[u8]) -> bool {
    has_row(digits, 0)
}

/// Six digits of which each is `step` more than the one before, modulo ten.
fn has_row(digits: &[u8], step: u8) -> bool {
    let follows = |pair: &[u8]| pair[0].is_ascii_digit() && pair[1] == b'0' + (pair[0] - b'0' + step) % 10;
    digits.windows(6).any(|window| window.windows(2).all(follows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_reads_what_is_written_so() {
        let shape = Shape("999 99 9999");
        assert_eq!((shape.first_word(), shape.is_grouped()), (3, true));
        // text, length
        let table = [
            ("898-07-5402", Some(11)),
            ("898 76 5402 and more", Some(11)),
            ("898-76 5402", None),
            ("898.76.5402", None),
            ("898-7", None),
            ("89a-76-5402", None),
        ];
        for (text, length) in table {
            assert_eq!(shape.read(text.as_bytes()), length, "{text}");
        }
        assert_eq!(Shape("99999999-A").read(b"12345678-z"), None);
    }

    #[test]
    fn what_is_part_of_something_longer_does_not_stand_apart() {
        // before, after, stands apart
        let table = [
            ("", "", true),
            ("ssn=", ",", true),
            ("\"", "\"", true),
            ("(", ").", true),
            (r"\n", r"\n", true),
            ("of ", ". Then", true),
            ("0.", "", false),
            ("/", "", false),
            ("a-", "", false),
            ("- ", "", true),
            ("-", "", false),
            ("$-", "", false),
            ("7-", "", false),
            ("", "-7", false),
            ("", ".7", false),
            ("", "e", false),
            ("id_", "", false),
            ("\u{201c}", "\u{201d}", true),
        ];
        for (before, after, expected) in table {
            let text = format!("{before}898-07-5402{after}");
            let span = before.len()..before.len() + 11;
            assert_eq!(stands_apart(text.as_bytes(), &span), expected, "{text}");
        }
    }

    #[test]
    fn typed_numbers_are_told_from_given_ones() {
        for digits in
            ["1111111111111111", "1234567890123456", "4444333322221111", "111223333", "9876543210", "1212121212"]
        {
            assert!(is_typed(digits.as_bytes()), "{digits}");
        }
        assert!(!is_typed(b"4929077007707709") && !has_run(b"4929077007707709"));
        assert!(has_run(b"4929000000707709") && !is_typed(b"4929000000707709"));
    }
}
