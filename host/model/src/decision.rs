//! The policy's answer to a scan: `policy-result.json`.

use serde::{Deserialize, Serialize};

use crate::outcome::Verdict;
use crate::severity::{SeverityCounts, Thresholds};

/// The decision with everything it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyResult {
    /// `pass`, `fail` or `error`; an error outweighs a failure.
    pub decision: Verdict,
    /// Whether the decision is `pass`; kept for clients of the replaced service.
    pub passed: bool,
    /// The most findings of each severity that pass.
    pub thresholds: Thresholds,
    /// Findings of each severity that are not suppressed.
    pub counts: SeverityCounts,
    /// Findings that a baseline suppresses.
    pub suppressed: u64,
    /// One sentence for each exceeded threshold, for example `high findings exceeded threshold (15 > 10)`.
    pub violations: Vec<String>,
    /// One sentence for each thing that was not looked at; any makes the decision `error`.
    pub gaps: Vec<String>,
}
