//! The forms in which findings leave the host.

pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod sarif;
pub(crate) mod table;

use certus_model::escape::{is_printable, one_line};

/// A text of a manifest as it may be shown: line feeds stay, whatever else may not be printed is spelt
/// out. Who signs a manifest may still wish to write on an operator's screen.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        if c == '\n' || is_printable(c) {
            out.push(c);
        } else if c == '\t' {
            out.push(' ');
        } else if c != '\r' {
            out.push_str(&one_line(c.encode_utf8(&mut [0; 4]), usize::MAX));
        }
    }
    out
}
