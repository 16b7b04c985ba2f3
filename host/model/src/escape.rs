//! Text from outside made safe to print: on a terminal, in a log line, in a report.

use std::fmt::Write as _;

/// Whether a character may be printed as it is: no control characters (C0, C1, DEL), no line or
/// paragraph separators, no bidirectional controls or invisible format characters.
pub fn is_printable(c: char) -> bool {
    !(c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'))
}

/// `text` in one printable line of at most `max` bytes: what may not be printed becomes `\u{..}`,
/// and a cut is marked with `…`.
pub fn one_line(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    for c in text.chars() {
        if out.len() + c.len_utf8() > max {
            out.push('…');
            break;
        }
        if is_printable(c) {
            out.push(c);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_bidi_are_spelt_out() {
        assert_eq!(one_line("a\u{1b}[2J\nb\u{202e}", 100), "a\\u{1b}[2J\\u{a}b\\u{202e}");
        assert_eq!(one_line("Größe ✓", 100), "Größe ✓");
        assert_eq!(one_line("abcdef", 3), "abc…");
    }
}
