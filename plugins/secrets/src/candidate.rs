use std::ops::Range;

use crate::place::Place;

/// Bytes that an expression took for a secret, with what stands around them.
pub(crate) struct Candidate<'a> {
    pub(crate) content: &'a [u8],
    pub(crate) place: &'a Place,
    /// Where the keyword begins.
    pub(crate) hit: usize,
    /// Length of the keyword.
    pub(crate) keyword: usize,
    /// Everything that the expression matched.
    pub(crate) whole: Range<usize>,
    /// What may be the secret.
    pub(crate) secret: Range<usize>,
}

/// What a check makes of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Judgement {
    /// Nothing speaks against it.
    Keep,
    /// Reported, with low confidence.
    Doubt,
    /// Not a secret.
    Drop,
}

impl<'a> Candidate<'a> {
    pub(crate) fn secret(&self) -> &'a [u8] {
        &self.content[self.secret.clone()]
    }

    /// The secret without the prefix that its format prescribes.
    pub(crate) fn body(&self) -> &'a [u8] {
        let prefix = if self.secret.start == self.hit { self.keyword } else { 0 };
        self.secret().get(prefix..).unwrap_or_default()
    }

    /// The line up to the secret, at most 512 bytes of it.
    pub(crate) fn line_before(&self) -> &'a [u8] {
        let before = &self.content[self.secret.start.saturating_sub(512)..self.secret.start];
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        &before[start..]
    }

    /// The identifier around the keyword, as in `MY_API_KEY_2`, at most 64 bytes to either side.
    pub(crate) fn name(&self) -> &'a [u8] {
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let before = self.content[..self.hit].iter().rev().take(64).take_while(is_part).count();
        let after = self.content[self.hit..].iter().take(self.keyword + 64).take_while(is_part).count();
        &self.content[self.hit - before..self.hit + after]
    }

    /// Whether that identifier is the name of an element of XML, as in `<password>`.
    pub(crate) fn is_element(&self) -> bool {
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
        let before = self.content[..self.hit].iter().rev().take(64).take_while(is_part).count();
        self.content[..self.hit - before].last() == Some(&b'<')
    }

    /// The rest of that identifier behind the keyword.
    pub(crate) fn name_after(&self) -> &'a [u8] {
        let rest = &self.content[(self.hit + self.keyword).min(self.content.len())..];
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        &rest[..rest.iter().take(64).take_while(is_part).count()]
    }

    /// The quote in front of the secret, if there is one.
    pub(crate) fn quote(&self) -> Option<u8> {
        let before = self.content[..self.secret.start].last().copied()?;
        matches!(before, b'"' | b'\'' | b'`').then_some(before)
    }

    /// Whether the secret ends where its format says: no letter, digit or underscore follows.
    pub(crate) fn ends(&self) -> bool {
        !self.content.get(self.secret.end).is_some_and(|&byte| is_word(byte))
    }

    /// Whether the secret begins where its format says.
    pub(crate) fn begins(&self) -> bool {
        begins_word(self.content, self.secret.start)
    }
}

/// Whether no word goes on at `start`. The `n` of an escaped line break in front is not part of one.
pub(crate) fn begins_word(content: &[u8], start: usize) -> bool {
    match content[..start] {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., last] => !is_word(last),
        [] => true,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate<'a>(content: &'a str, keyword: &str, secret: &str, place: &'a Place) -> Candidate<'a> {
        let hit = content.find(keyword).expect("the keyword is there");
        let start = content.rfind(secret).expect("the secret is there");
        Candidate {
            content: content.as_bytes(),
            place,
            hit,
            keyword: keyword.len(),
            whole: hit..start + secret.len(),
            secret: start..start + secret.len(),
        }
    }

    #[test]
    fn a_candidate_knows_what_stands_around_it() {
        let place = Place::of("a");
        let found = candidate("x = 1\nMY_API_KEY_2 = 'abc'", "API_KEY", "abc", &place);
        assert_eq!(found.name(), b"MY_API_KEY_2");
        assert_eq!(found.name_after(), b"_2");
        assert_eq!(found.line_before(), b"MY_API_KEY_2 = '");
        assert_eq!(found.quote(), Some(b'\''));
        assert_eq!(found.body(), b"abc");
    }

    #[test]
    fn a_token_stands_apart() {
        let place = Place::of("a");
        // content, begins, ends
        let table = [
            ("tok_1", true, true),
            ("atok_1", false, true),
            ("tok_1z", true, false),
            (r"\ntok_1\n", true, true),
            ("\"tok_1\"", true, true),
        ];
        for (content, begins, ends) in table {
            let found = candidate(content, "tok_", "tok_1", &place);
            assert_eq!((found.begins(), found.ends()), (begins, ends), "{content}");
            assert_eq!(found.body(), b"1");
        }
    }
}
