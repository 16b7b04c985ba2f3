//! The lines of a finding as they may be shown.

use std::ops::Range;

use certus_model::escape::{is_printable, one_line};

use super::hidden::Hidden;
use super::redactor::MASK;
use crate::place::{Snippet, SnippetLine};

/// Lines of a snippet.
const MOST_LINES: u64 = 3;
/// Characters of a line; longer ones (minified code) are shown as a window round the finding.
const WIDTH: usize = 200;
/// Bytes shown before the finding where a line is longer than `WIDTH`.
const LEAD: usize = 40;

/// The lines that `span` touches, the first of which has the number `first`; none where everything is
/// hidden. Looks at no more than a few hundred bytes a line, however long lines are.
pub(super) fn snippet(content: &[u8], hidden: &Hidden, span: Range<usize>, first: u64) -> Option<Snippet> {
    if matches!(hidden, Hidden::Everything) {
        return None;
    }
    let mut lines = Vec::new();
    let mut at = span.start;
    for number in first..first + MOST_LINES {
        let window = Window::round(content, at);
        lines.push(render(content, hidden, &window, &span, number));
        at = window.bytes.end + 1 + usize::from(window.carriage_return);
        if window.cut_right || at >= span.end {
            break;
        }
    }
    Some(Snippet { lines })
}

/// The part of one line that is shown.
struct Window {
    bytes: Range<usize>,
    cut_left: bool,
    cut_right: bool,
    carriage_return: bool,
}

impl Window {
    /// The window of the line that `at` lies in: all of a short line, else a part from shortly before `at`.
    fn round(content: &[u8], at: usize) -> Self {
        let back = at.saturating_sub(WIDTH);
        let break_before = content[back..at].iter().rposition(|byte| *byte == b'\n');
        let begin = break_before.map_or(back, |found| back + found + 1);
        let is_begin = break_before.is_some() || back == 0;
        let line_end = |from: usize, most: usize| {
            let limit = most.min(content.len());
            let found = content[from..limit.max(from)].iter().position(|byte| *byte == b'\n').map(|found| from + found);
            found.or_else(|| (content.len() < most).then_some(content.len()))
        };
        let whole = is_begin && line_end(at, begin + WIDTH + 1).is_some();
        let mut start = if whole { begin } else { begin.max(at.saturating_sub(LEAD)) };
        let end = line_end(at, start + WIDTH + 1);
        let cut_left = !(is_begin && start == begin);
        let cut_right = end.is_none();
        let mut end = end.unwrap_or(start + WIDTH);
        let within = |at: usize| content.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
        for _ in 0..3 {
            start += usize::from(cut_left && start < at && within(start));
            end -= usize::from(cut_right && end > at && within(end));
        }
        let carriage_return = !cut_right && end > start && content[end - 1] == b'\r';
        Self { bytes: start..end - usize::from(carriage_return), cut_left, cut_right, carriage_return }
    }
}

fn render(content: &[u8], hidden: &Hidden, window: &Window, span: &Range<usize>, number: u64) -> SnippetLine {
    let mut text = String::new();
    if window.cut_left {
        text.push('…');
    }
    let shown = &window.bytes;
    let start = span.start.clamp(shown.start, shown.end);
    let end = span.end.clamp(start, shown.end);
    let mut masked = false;
    let mut marked = None;
    for (part, is_marked) in [(shown.start..start, false), (start..end, true), (end..shown.end, false)] {
        let from = text.len();
        let continued = masked;
        for (piece, is_hidden) in hidden.pieces(part).into_iter().filter(|(piece, _)| !piece.is_empty()) {
            if !is_hidden {
                push_printable(&mut text, &content[piece]);
            } else if !masked {
                text.push_str(MASK);
            }
            masked = is_hidden;
        }
        if is_marked {
            // A range that is hidden from before the finding on is one mask, which then is the finding's.
            let only_mask = text.len() == from && continued && start < end;
            marked = Some(if only_mask { from - MASK.len()..from } else { from..text.len() });
        }
    }
    if window.cut_right {
        text.push('…');
    }
    let mut marked = marked.unwrap_or_default();
    // Escapes are longer than what they stand for.
    if let Some((cut, _)) = text.char_indices().nth(WIDTH + 2) {
        text.truncate(cut);
        text.push('…');
        marked = marked.start.min(cut)..marked.end.min(cut);
    }
    SnippetLine { number, text, marked }
}

/// Appends `bytes` as text: tabs stay, what is not UTF-8 becomes U+FFFD, what may not be printed is spelt out.
fn push_printable(out: &mut String, bytes: &[u8]) {
    for c in String::from_utf8_lossy(bytes).chars() {
        if c == '\t' || is_printable(c) {
            out.push(c);
        } else {
            out.push_str(&one_line(c.encode_utf8(&mut [0; 4]), usize::MAX));
        }
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one hidden range is a common case")]
mod tests {
    use super::*;

    fn shown(content: &str, span: Range<usize>, secrets: Vec<Range<usize>>) -> Vec<String> {
        let snippet = snippet(content.as_bytes(), &Hidden::union(secrets), span, 1).unwrap();
        snippet.lines.iter().map(|line| line.parts().join("|")).collect()
    }

    #[test]
    fn lines_are_those_of_the_finding() {
        for (name, content, span, expected) in [
            ("middle line", "a\nlet b = 1;\nc", 6..7, &["let |b| = 1;"][..]),
            ("two lines", "a b\r\nc d\r\ne", 2..6, &["a |b|", "|c| d"]),
            ("at most three", "a\nb\nc\nd\ne", 0..9, &["|a|", "|b|", "|c|"]),
            ("empty range", "abc", 1..1, &["a||bc"]),
            ("end of file", "abc\n", 4..4, &["||"]),
            ("empty file", "", 0..0, &["||"]),
            ("line feed at the end", "ab\ncd", 0..3, &["|ab|"]),
            ("control characters", "a\u{1b}[2J\tb", 6..7, &["a\\u{1b}[2J\t|b|"]),
            ("bidirectional override", "a\u{202e}b", 0..1, &["|a|\\u{202e}b"]),
        ] {
            assert_eq!(shown(content, span, vec![]), expected, "{name}");
        }
    }

    #[test]
    fn secrets_are_one_mask_of_fixed_width() {
        assert_eq!(shown("key = \"hunter2\";", 7..14, vec![7..14]), ["key = \"|****|\";"]);
        assert_eq!(shown("key = \"hunter2\";", 0..3, vec![7..14]), ["|key| = \"****\";"]);
        assert_eq!(shown("abcdef", 3..6, vec![1..5]), ["a****|f|"], "the mask began before the finding");
        assert_eq!(shown("abcdef", 3..4, vec![1..6]), ["a|****|"]);
        assert_eq!(shown("k: s1\ns2\ns3 x", 3..11, vec![3..11]), ["k: |****|", "|****|", "|****| x"]);
    }

    #[test]
    fn long_lines_are_a_window() {
        let line = format!("{}NEEDLE{}", "x".repeat(5000), "é".repeat(5000));
        let lines = shown(&line, 5000..5006, vec![]);
        assert!(lines[0].starts_with(&format!("…{}|NEEDLE|é", "x".repeat(40))), "{lines:?}");
        assert!(lines[0].ends_with("é…") && lines[0].chars().count() <= 206);
        let hostile = "\u{202e}".repeat(66);
        assert!(shown(&hostile, 0..3, vec![])[0].chars().count() <= 206);
        let exact = "y".repeat(200);
        assert_eq!(shown(&format!("\n{exact}\nz"), 1..1, vec![]), [format!("||{exact}")]);
    }
}
