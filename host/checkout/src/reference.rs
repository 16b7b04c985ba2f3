//! The branch, tag or commit that is asked for.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, shown};

/// A checked name of a branch, a tag, a full ref (`refs/…`) or a full commit id.
///
/// It follows git's own rules for ref names and in addition never begins with `-` and has at most
/// 255 bytes, so it can be no option, no revision expression and no path out of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(String);

impl Reference {
    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a full commit id: 40 (SHA-1) or 64 (SHA-256) hex digits.
    pub fn is_commit(&self) -> bool {
        matches!(self.0.len(), 40 | 64) && self.looks_like_commit()
    }

    /// Whether it may be meant as an abbreviated commit id.
    pub(crate) fn looks_like_commit(&self) -> bool {
        self.0.len() >= 4 && self.0.bytes().all(|b| b.is_ascii_hexdigit())
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match problem(text) {
            None => Ok(Self(text.to_owned())),
            Some(problem) => Err(Error::UnknownRef {
                asked: shown(text),
                problem: problem.to_owned(),
                remedy: "write a branch, a tag, `refs/…` or a full commit id".to_owned(),
            }),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What keeps `text` from being a ref name (git-check-ref-format(1)).
fn problem(text: &str) -> Option<&'static str> {
    let forbidden = |c: char| !certus_model::escape::is_printable(c) || " ~^:?*[\\".contains(c);
    if text.is_empty() || text == "@" {
        Some("is empty")
    } else if text.len() > 255 {
        Some("is longer than 255 bytes")
    } else if text.starts_with('-') {
        Some("begins like an option")
    } else if text.contains(forbidden) {
        Some("holds a character that no ref name may hold")
    } else if text.contains("..") || text.contains("@{") || text.ends_with('.') {
        Some("is a revision expression, not a name")
    } else if text.split('/').any(|name| name.is_empty() || name.starts_with('.') || name.ends_with(".lock")) {
        Some("holds a part that no ref name may hold")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_git_accepts_are_taken() {
        for good in ["main", "feature/ünï-1", "v1.0", "refs/heads/x", "a@b", &"0".repeat(40), "HEAD"] {
            assert_eq!(good.parse::<Reference>().unwrap().as_str(), good);
        }
        assert!("0".repeat(40).parse::<Reference>().unwrap().is_commit());
        assert!(!"abcdef".parse::<Reference>().unwrap().is_commit());
    }

    #[test]
    fn case_082_hostile_names_are_refused_before_git_starts() {
        let long = "x".repeat(4096);
        for bad in [
            "",
            "@",
            "--upload-pack=x",
            "-c",
            "refs/../..",
            "..",
            "a..b",
            "a/../b",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.lock/b",
            "a b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[",
            "a\\b",
            "a@{0}",
            "a.",
            "a\nb",
            "a\u{7f}",
            "a\u{202e}b",
            &long,
        ] {
            let error = bad.parse::<Reference>().unwrap_err();
            assert_eq!(error.reason(), Some(certus_model::outcome::CheckoutReason::UnknownRef), "{bad:?}");
            assert!(error.to_string().chars().all(certus_model::escape::is_printable), "{error}");
        }
    }
}
