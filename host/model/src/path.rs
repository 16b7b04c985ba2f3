//! Paths inside a workspace.
//!
//! Names are bytes in git and strings in the contract. One reversible percent-escape joins the two,
//! and the same spelling stands in findings, coverage, SARIF and the ledger.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::escape::is_printable;

/// A relative, `/`-separated path in its escaped spelling: always valid UTF-8, always printable.
///
/// Bytes that are not UTF-8, characters that may not be printed and `%` itself are written `%XX`.
/// Ordered by the escaped spelling's bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(String);

/// Why a path is none that a workspace may hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("path `{path}` {reason}")]
pub struct BadPath {
    path: String,
    reason: &'static str,
}

/// Longest path in bytes of the original name (design: workspace budgets).
pub const MAX_PATH: usize = 1024;
/// Longest single name in bytes, the limit of common file systems.
pub const MAX_NAME: usize = 255;
/// Deepest nesting of directories.
pub const MAX_DEPTH: usize = 64;

impl RepoPath {
    /// Escapes and checks a path made of raw bytes.
    ///
    /// # Errors
    /// Absolute, empty, too long or too deep paths, and names that are empty, `.`, `..`, `.git` in any
    /// case, or hold NUL.
    pub fn from_bytes(raw: &[u8]) -> Result<Self, BadPath> {
        let escaped = escape(raw);
        let bad = |reason| Err(BadPath { path: crate::escape::one_line(&escaped, 200), reason });
        if raw.is_empty() {
            return bad("is empty");
        }
        if raw.len() > MAX_PATH {
            return bad("is longer than 1,024 bytes");
        }
        if raw.contains(&0) {
            return bad("holds a NUL byte");
        }
        let mut depth = 0;
        for name in raw.split(|b| *b == b'/') {
            depth += 1;
            match name {
                b"" => return bad("is absolute or holds an empty name"),
                b"." | b".." => return bad("holds a `.` or `..`"),
                _ if name.eq_ignore_ascii_case(b".git") => return bad("holds a `.git`"),
                _ if name.len() > MAX_NAME => return bad("holds a name longer than 255 bytes"),
                _ => {}
            }
        }
        if depth > MAX_DEPTH {
            return bad("is nested deeper than 64");
        }
        Ok(Self(escaped))
    }

    /// The escaped spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The original bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        unescape(&self.0)
    }

    /// The last name of the path, escaped.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RepoPath {
    type Err = BadPath;

    /// Accepts the escaped spelling only: whatever is not spelt as [`RepoPath::from_bytes`] would
    /// spell it is refused, so that one entry has one name.
    fn from_str(text: &str) -> Result<Self, BadPath> {
        let path = Self::from_bytes(&unescape(text))?;
        if path.0 == text {
            Ok(path)
        } else {
            Err(BadPath { path: crate::escape::one_line(text, 200), reason: "is not in its escaped spelling" })
        }
    }
}

impl TryFrom<String> for RepoPath {
    type Error = BadPath;

    fn try_from(text: String) -> Result<Self, BadPath> {
        text.parse()
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> String {
        path.0
    }
}

fn escape(raw: &[u8]) -> String {
    let mut out = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '%' || !is_printable(c) {
                let mut buffer = [0; 4];
                push_escaped(&mut out, c.encode_utf8(&mut buffer).as_bytes());
            } else {
                out.push(c);
            }
        }
        push_escaped(&mut out, chunk.invalid());
    }
    out
}

fn push_escaped(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        out.push('%');
        out.push_str(&hex::encode_upper([*byte]));
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        match escaped.and_then(|pair| hex::decode(pair).ok()) {
            Some(byte) => {
                out.extend(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allowed_name_comes_back() {
        for raw in [
            &b"src/main.rs"[..],
            b"100%",
            b"a\x1b[2Jb",
            b"\xff\xfe",
            "né/名".as_bytes(),
            "\u{202e}x".as_bytes(),
            b"%41",
        ] {
            let path = RepoPath::from_bytes(raw).unwrap();
            assert_eq!(path.to_bytes(), raw);
            assert_eq!(path.as_str().parse::<RepoPath>().unwrap(), path);
            assert!(path.as_str().chars().all(is_printable));
        }
    }

    #[test]
    fn escaping_paths_are_refused() {
        for bad in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "x/", "./x", "a/.GIT/config", "a\0b"] {
            assert!(RepoPath::from_bytes(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(RepoPath::from_bytes("d/".repeat(70).as_bytes()).is_err());
        assert!(RepoPath::from_bytes(&[b'a'; 256]).is_err());
        assert!("%41".parse::<RepoPath>().is_err(), "one entry has one spelling");
    }
}
