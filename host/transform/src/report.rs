//! The report of a privacy scan as a text, line by line as its readers know it.

use std::fmt::Write as _;

use crate::privacy::{PrivacyScan, summary};

/// `[BLOCK]` or `[OK]`, the object's address, what was seen in it, and where it lies now if it was moved.
pub(crate) fn text(scan: &PrivacyScan, uri: impl Fn(&str) -> String) -> String {
    if scan.objects.is_empty() {
        return "No objects scanned.\n".to_owned();
    }
    let mut text = String::new();
    for object in &scan.objects {
        let word = if object.is_clean() { "[OK]" } else { "[BLOCK]" };
        let key = certus_model::escape::one_line(&uri(&object.key), 2048);
        let mut seen = summary(&object.seen);
        if let Some(to) = &object.moved_to {
            seen = format!("{seen}; moved to {}", certus_model::escape::one_line(&uri(to), 2048));
        }
        let note = match (seen.is_empty(), object.released) {
            (true, _) => String::new(),
            (false, true) => format!(" ({seen}; released)"),
            (false, false) => format!(" ({seen})"),
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{word} {key}{note}");
    }
    text
}
