//! Byte offsets turned into lines and columns, in one pass over a file.

use std::collections::{BTreeMap, BTreeSet};

use crate::place::Position;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The position of each of `offsets` in `content`. The cost is one pass over the content, however many
/// offsets there are and however long its lines: a plugin chooses both.
pub(super) fn positions(content: &[u8], offsets: &BTreeSet<usize>) -> BTreeMap<usize, Position> {
    let mut at = if content.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let mut here = Position { line: 1, column: 1 };
    let mut found = BTreeMap::new();
    for offset in offsets {
        let target = character_start(content, *offset).max(at);
        advance(&mut here, &content[at..target]);
        at = target;
        found.insert(*offset, here);
    }
    found
}

fn advance(here: &mut Position, segment: &[u8]) {
    let mut rest = segment;
    if let Some(last) = segment.iter().rposition(|byte| *byte == b'\n') {
        here.line += segment.iter().filter(|byte| **byte == b'\n').count() as u64;
        here.column = 1;
        rest = &segment[last + 1..];
    }
    for chunk in rest.utf8_chunks() {
        let units: usize = chunk.valid().chars().map(char::len_utf16).sum();
        here.column += units as u64 + u64::from(!chunk.invalid().is_empty());
    }
}

/// `offset`, moved back to the start of the character it lies within.
fn character_start(content: &[u8], offset: usize) -> usize {
    let end = offset.min(content.len());
    let within = |at: &usize| content.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    (end.saturating_sub(3)..=end).rev().find(|at| !within(at)).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_utf16_units() {
        for (name, content, offset, expected) in [
            ("start", &b"abc"[..], 0, (1, 1)),
            ("ascii", b"abc", 2, (1, 3)),
            ("end", b"abc", 3, (1, 4)),
            ("second line", b"a\nbc", 3, (2, 2)),
            ("carriage return", b"a\r\nbc", 4, (2, 2)),
            ("two bytes, one unit", "é=x".as_bytes(), 2, (1, 2)),
            ("four bytes, two units", "😀x".as_bytes(), 4, (1, 3)),
            ("within a character", "😀x".as_bytes(), 2, (1, 1)),
            ("not UTF-8", b"\xff\xfex", 2, (1, 3)),
            ("byte order mark", b"\xef\xbb\xbfab", 4, (1, 2)),
            ("before the byte order mark", b"\xef\xbb\xbfab", 0, (1, 1)),
            ("empty file", b"", 0, (1, 1)),
        ] {
            let found = positions(content, &BTreeSet::from([offset]));
            assert_eq!((found[&offset].line, found[&offset].column), expected, "{name}");
        }
    }

    #[test]
    fn one_pass_gives_what_single_passes_give() {
        let content = "ä😀\nb\r\n\n\u{feff}c".as_bytes();
        let all: BTreeSet<usize> = (0..=content.len()).collect();
        let together = positions(content, &all);
        for offset in all {
            assert_eq!(positions(content, &BTreeSet::from([offset]))[&offset], together[&offset], "{offset}");
        }
    }
}
