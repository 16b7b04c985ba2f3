//! Lines with their bytes, for the formats that are made of lines.

use std::ops::Range;

/// One line without its line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) start: usize,
    pub(crate) text: &'a str,
}

/// The lines of a text, whichever way they end.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let at = start;
        start += line.len();
        let text = line.strip_suffix('\n').unwrap_or(line);
        let text = text.strip_suffix('\r').unwrap_or(text);
        Line { start: at, text }
    })
}

impl Line<'_> {
    /// Leading blanks.
    pub(crate) fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }

    /// The bytes of what is not blank.
    pub(crate) fn span(&self) -> Range<usize> {
        let start = self.start + self.indent();
        start..start + self.text.trim().len()
    }

    /// Whether there is nothing but blanks and a `#` comment.
    pub(crate) fn is_blank(&self) -> bool {
        let text = self.text.trim_start();
        text.is_empty() || text.starts_with('#')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_either_way_and_know_their_bytes() {
        let text = "a\r\n\n  é # x\nlast";
        let lines: Vec<_> = lines(text).collect();
        let texts: Vec<_> = lines.iter().map(|l| l.text).collect();
        assert_eq!(texts, ["a", "", "  é # x", "last"]);
        assert_eq!(&text[lines[2].span()], "é # x");
        assert_eq!(lines[3].span(), 13..17);
        assert!(lines[1].is_blank() && !lines[2].is_blank());
    }
}
