//! The policy's answer to a scan: `policy-result.json`.

use serde::{Deserialize, Serialize};

use crate::outcome::Verdict;
use crate::severity::{SeverityCounts, Thresholds};
use crate::state::OnError;

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
    /// What `error` means to whoever gates on the decision; it is never `pass`.
    #[serde(default = "closed")]
    pub on_error: OnError,
    /// Findings of each severity that are not suppressed; none where nothing was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<SeverityCounts>,
    /// Findings that a baseline suppresses.
    pub suppressed: u64,
    /// One sentence for each exceeded threshold, for example `high findings exceeded threshold (15 > 10)`.
    pub violations: Vec<String>,
    /// One sentence for each thing that was not looked at; any makes the decision `error`.
    pub gaps: Vec<String>,
}

/// Bundles of the first version do not say it.
fn closed() -> OnError {
    OnError::Closed
}

impl PolicyResult {
    /// The answer to a scan that failed: nothing was looked at, so nothing is counted.
    pub fn of_failure(gap: String, on_error: OnError) -> Self {
        Self {
            decision: Verdict::Error,
            passed: false,
            thresholds: Thresholds::default(),
            on_error,
            counts: None,
            suppressed: 0,
            violations: Vec::new(),
            gaps: vec![gap],
        }
    }
}
