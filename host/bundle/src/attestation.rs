//! What is signed about a scan: the predicate of `attestation.dsse.json`.

use std::fmt;
use std::str::FromStr;

use certus_model::document::INDEX;
use certus_model::outcome::Verdict;
use certus_model::{PluginId, Sha256};
use certus_signing::Subject;
use serde::{Deserialize, Serialize};

use crate::facts::ScanFacts;
use crate::index::Index;

/// The predicate's type.
pub const PREDICATE_TYPE: &str = "https://certus.dev/attestation/scan/v1";

/// What the signer vouches for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// The policy's answer, as in `policy-result.json`.
    pub decision: Verdict,
    /// Whether a key signed that was made on first use, by nobody's decision.
    pub development: bool,
    /// The digest over the `result` group, as in `index.json`.
    pub result_digest: Sha256,
    /// Which scan it was.
    pub scan: ScanFacts,
}

/// One plugin that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginUse {
    /// Its id.
    pub id: PluginId,
    /// Its version.
    pub version: String,
    /// SHA-256 of the component file.
    pub digest: Sha256,
}

/// A point in time as text: RFC 3339, in UTC, for example `2026-11-21T10:00:00Z`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UtcTime(String);

/// The text is no such time.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no time; write it like `2026-11-21T10:00:00Z`, in UTC, with at most 9 decimals")]
pub struct BadTime(String);

/// The subjects of a bundle's statement: the index, and every file in it.
pub fn subjects(index: &Index, index_digest: Sha256) -> Vec<Subject> {
    let files = index.files().map(|entry| Subject::new(entry.path.path(), entry.sha256));
    files.chain([Subject::new(INDEX, index_digest)]).collect()
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for UtcTime {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        if is_utc_time(text.as_bytes()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadTime(certus_model::escape::one_line(text, 60)))
        }
    }
}

impl TryFrom<String> for UtcTime {
    type Error = BadTime;

    fn try_from(text: String) -> Result<Self, BadTime> {
        text.parse()
    }
}

impl From<UtcTime> for String {
    fn from(time: UtcTime) -> Self {
        time.0
    }
}

/// The shape and the ranges of each field; the length of months is the clock's business.
fn is_utc_time(text: &[u8]) -> bool {
    let Some((head, tail)) = text.split_at_checked(19) else { return false };
    let shape = head.iter().zip(b"0000-00-00T00:00:00").all(|(byte, like)| match like {
        b'0' => byte.is_ascii_digit(),
        _ => byte == like,
    });
    let two = |at: usize| (head[at] - b'0') * 10 + (head[at + 1] - b'0');
    let decimals = match tail {
        b"Z" => true,
        [b'.', digits @ .., b'Z'] => (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    shape
        && decimals
        && (1..=12).contains(&two(5))
        && (1..=31).contains(&two(8))
        && two(11) < 24
        && two(14) < 60
        && two(17) <= 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for good in ["2026-11-21T10:00:00Z", "2026-12-31T23:59:60.123456789Z"] {
            assert_eq!(good.parse::<UtcTime>().unwrap().to_string(), good);
        }
        let bad = [
            "",
            "Z",
            "2026-11-21",
            "2026-11-21 10:00:00Z",
            "2026-11-21T10:00:00",
            "2026-11-21T10:00:00+00:00",
            "2026-13-21T10:00:00Z",
            "2026-11-00T10:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T10:00:00.Z",
            "2026-11-21T10:00:00z",
            "x026-11-21T10:00:00Z",
            "2026-11-21T10:00:0:Z",
        ];
        for text in bad {
            assert!(text.parse::<UtcTime>().is_err(), "{text}");
        }
    }
}
