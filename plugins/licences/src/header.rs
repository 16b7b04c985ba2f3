//! `SPDX-License-Identifier:` lines.

use std::ops::Range;

use spdx::{Expression, ParseMode};

const TAG: &[u8] = b"SPDX-License-Identifier:";

/// Words that begin a comment where no sign does.
const LEADERS: [&str; 4] = ["rem", "dnl", "c", "n"];

/// What ends a comment behind the expression.
const CLOSERS: [&str; 9] = ["*/", "-->", "--%>", "%>", "#}", "|#", "*)", "-}", "\"\"\""];

/// The expression of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// With single spaces between its parts.
    pub(crate) expression: String,
    pub(crate) span: Range<usize>,
    /// Whether SPDX knows it: deprecated ids are known, others are not.
    pub(crate) valid: bool,
}

/// The lines of a text that state a licence. A line that merely mentions the tag, in a string or in
/// prose, does not: there is something before it that is no comment sign.
pub(crate) fn headers(text: &[u8]) -> Vec<Header> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let at = start;
        start += line.len();
        let Some(tag) = position(line) else {
            continue;
        };
        if !opens_comment(&line[..tag]) {
            continue;
        }
        let value = &line[tag + TAG.len()..];
        let Some(value) = std::str::from_utf8(value).ok().map(without_closer) else {
            continue;
        };
        if value.is_empty() {
            continue;
        }
        // The value is a part of the line, so that its place follows from where it points.
        let begin = at + (value.as_ptr() as usize - line.as_ptr() as usize);
        let words: Vec<&str> = value.split_whitespace().collect();
        let expression = words.join(" ");
        found.push(Header { valid: is_valid(&expression), span: begin..begin + value.len(), expression });
    }
    found
}

fn position(line: &[u8]) -> Option<usize> {
    line.windows(TAG.len()).position(|window| window == TAG)
}

fn opens_comment(before: &[u8]) -> bool {
    let before = String::from_utf8_lossy(before).trim().to_ascii_lowercase();
    let signs = before.chars().all(|c| c.is_ascii_punctuation());
    let quoted = before.ends_with(['"', '\'', '`', '(']) && !before.ends_with("\"\"\"");
    signs && !quoted || LEADERS.contains(&before.as_str())
}

fn without_closer(value: &str) -> &str {
    let mut value = value.trim();
    while let Some(rest) = CLOSERS.iter().find_map(|closer| value.strip_suffix(closer)) {
        value = rest.trim_end();
    }
    value
}

fn is_valid(expression: &str) -> bool {
    let mode = ParseMode { allow_deprecated: true, allow_postfix_plus_on_gpl: true, ..ParseMode::STRICT };
    Expression::parse_mode(expression, mode).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_in_every_kind_of_comment() {
        for (text, expression) in [
            ("// SPDX-License-Identifier: MIT\n", "MIT"),
            ("/* SPDX-License-Identifier: MIT */\r\n", "MIT"),
            ("#!/bin/sh\n# SPDX-License-Identifier: MIT", "MIT"),
            ("<!-- SPDX-License-Identifier: MIT -->", "MIT"),
            ("REM SPDX-License-Identifier: MIT", "MIT"),
            ("{# SPDX-License-Identifier: MIT #}", "MIT"),
            ("\"\"\"SPDX-License-Identifier: MIT\"\"\"", "MIT"),
            (" * SPDX-License-Identifier:  (MIT  OR\tApache-2.0)", "(MIT OR Apache-2.0)"),
            ("// SPDX-License-Identifier: GPL-2.0+ WITH Linux-syscall-note", "GPL-2.0+ WITH Linux-syscall-note"),
            ("SPDX-License-Identifier: LicenseRef-Own", "LicenseRef-Own"),
        ] {
            let [header] = &headers(text.as_bytes())[..] else { panic!("one header in {text}") };
            assert_eq!(header.expression, expression, "{text}");
            assert!(header.valid, "{text}");
            let spelt = &text[header.span.clone()];
            let spelt: Vec<&str> = spelt.split_whitespace().collect();
            assert_eq!(spelt.join(" "), expression, "{text}");
        }
    }

    #[test]
    fn a_mention_is_no_header_and_an_unknown_name_is_not_valid() {
        for text in [
            "let tag = \"SPDX-License-Identifier: MIT\";",
            "    \"SPDX-License-Identifier: MIT\",",
            "Write SPDX-License-Identifier: MIT above it.",
            "// SPDX-License-Identifier:",
            "// SPDX-License-Identifier: \u{fffd}\n".trim_end_matches('\n'),
        ] {
            let headers = headers(text.as_bytes());
            assert!(headers.iter().all(|header| !header.valid), "{text}");
        }
        for text in ["MIT OR", "mit", "Nobody-1.0", "MIT/Apache-2.0", "MIT, BSD-3-Clause"] {
            let line = format!("// SPDX-License-Identifier: {text}\n");
            assert!(!headers(line.as_bytes())[0].valid, "{text}");
        }
        assert_eq!(headers(b"// SPDX-License-Identifier: \xff\xfe\n"), []);
    }
}
