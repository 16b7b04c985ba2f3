//! How bad a finding is and how sure the scanner was.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Severity, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; never counted against a threshold.
    Info,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

/// The word is no severity.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no severity; use one of info, low, medium, high, critical")]
pub struct BadSeverity(String);

impl Severity {
    /// All of them, the worst first: the order of reports.
    pub const WORST_FIRST: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = BadSeverity;

    fn from_str(text: &str) -> Result<Self, BadSeverity> {
        Self::WORST_FIRST
            .into_iter()
            .find(|s| s.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| BadSeverity(crate::escape::one_line(text, 40)))
    }
}

/// How sure the scanner is of one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A guess worth a look.
    Low,
    /// Likely.
    Medium,
    /// Practically certain.
    High,
}

impl Confidence {
    /// The lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The number of findings of each severity; a severity that did not occur counts 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeverityCounts {
    /// Findings of severity critical.
    pub critical: u64,
    /// Findings of severity high.
    pub high: u64,
    /// Findings of severity medium.
    pub medium: u64,
    /// Findings of severity low.
    pub low: u64,
    /// Findings of severity info.
    pub info: u64,
}

impl SeverityCounts {
    /// Counts one more finding.
    pub fn add(&mut self, severity: Severity) {
        *match severity {
            Severity::Critical => &mut self.critical,
            Severity::High => &mut self.high,
            Severity::Medium => &mut self.medium,
            Severity::Low => &mut self.low,
            Severity::Info => &mut self.info,
        } += 1;
    }

    /// The count of one severity.
    pub const fn get(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Info => self.info,
        }
    }

    /// All findings together.
    pub const fn total(&self) -> u64 {
        self.critical + self.high + self.medium + self.low + self.info
    }
}

/// The most findings of each severity that still pass; strictly more fail. A severity without an
/// entry is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Thresholds(BTreeMap<ThresholdKey, u64>);

/// `info` can not be limited: it is worth knowing, never worth failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ThresholdKey {
    Critical,
    High,
    Medium,
    Low,
}

impl ThresholdKey {
    const ALL: [(Self, Severity); 4] = [
        (Self::Critical, Severity::Critical),
        (Self::High, Severity::High),
        (Self::Medium, Severity::Medium),
        (Self::Low, Severity::Low),
    ];
}

impl Thresholds {
    /// The most findings of `severity` that pass, if limited.
    pub fn get(&self, severity: Severity) -> Option<u64> {
        ThresholdKey::ALL.iter().find(|(_, s)| *s == severity).and_then(|(key, _)| self.0.get(key).copied())
    }

    /// The same thresholds, but no finding of `severity` or worse passes. `Info` is taken as `Low`.
    #[must_use]
    pub fn failing_on(mut self, severity: Severity) -> Self {
        for (key, of) in ThresholdKey::ALL {
            if of >= severity {
                self.0.insert(key, 0);
            }
        }
        self
    }

    /// Limits of critical, high and medium findings, in this order.
    pub fn of(limits: [Option<u64>; 3]) -> Self {
        let keys = [ThresholdKey::Critical, ThresholdKey::High, ThresholdKey::Medium];
        Self(keys.into_iter().zip(limits).filter_map(|(key, limit)| Some((key, limit?))).collect())
    }

    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fail_on_covers_everything_worse() {
        let thresholds = Thresholds::of([None, Some(5), None]).failing_on(Severity::High);
        assert_eq!(thresholds.get(Severity::Critical), Some(0));
        assert_eq!(thresholds.get(Severity::High), Some(0));
        assert_eq!(thresholds.get(Severity::Medium), None);
        assert!(serde_json::from_str::<Thresholds>(r#"{"info": 1}"#).is_err());
        assert!(serde_json::from_str::<Thresholds>(r#"{"high": -1}"#).is_err());
    }
}
