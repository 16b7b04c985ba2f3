//! `scan.json`: the run's ids and times, and what it came to.

use std::collections::BTreeMap;

use certus_bundle::{Mode, UtcTime};
use certus_model::outcome::Verdict;
use certus_model::source::SourceRecord;
use certus_model::{FailureReason, ScanId, Sha256};
use certus_sandbox::Confinement;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::Error;
use crate::request::Labels;

/// The host's version, as it stands in bundles.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What every run has, with the keys that clients of the replaced service read.
#[derive(Serialize)]
pub(crate) struct RunRecord<'a> {
    pub(crate) test_id: &'a ScanId,
    #[serde(flatten)]
    pub(crate) labels: Option<&'a Labels>,
    pub(crate) status: &'static str,
    pub(crate) mode: Mode,
    pub(crate) decision: Verdict,
    pub(crate) profile: &'a str,
    pub(crate) artifacts: BTreeMap<&'static str, &'static str>,
    pub(crate) warnings: Vec<String>,
    pub(crate) errors: Vec<String>,
    pub(crate) started_at: &'a UtcTime,
    pub(crate) completed_at: &'a UtcTime,
    pub(crate) host_version: &'a str,
}

/// A run that made a report.
#[derive(Serialize)]
pub(crate) struct ScanRecord<'a> {
    #[serde(flatten)]
    pub(crate) run: RunRecord<'a>,
    #[serde(flatten)]
    pub(crate) source: &'a SourceRecord,
    /// What identifies the content: the commit, or the digest of the tree or of the archive.
    pub(crate) provenance_id: String,
    pub(crate) tree_digest: Sha256,
    pub(crate) manifest_digest: Option<Sha256>,
    /// What the kernel held the scan's workers to; none if none of them came to an end.
    pub(crate) confinement: Option<Confinement>,
}

/// A run that made none.
#[derive(Serialize)]
pub(crate) struct FailureRecord<'a> {
    #[serde(flatten)]
    pub(crate) run: RunRecord<'a>,
    /// What was to be scanned, as it was asked for.
    pub(crate) asked: &'a str,
    pub(crate) reason: FailureReason,
}

pub(crate) fn provenance_id(source: &SourceRecord, tree: Sha256) -> String {
    match source {
        SourceRecord::Git { git_commit, .. } => git_commit.clone(),
        SourceRecord::Directory { .. } => tree.to_string(),
        SourceRecord::Archive { archive_hash, .. } => archive_hash.to_string(),
    }
}

pub(crate) fn now() -> Result<UtcTime, Error> {
    let text = OffsetDateTime::now_utc().format(&Rfc3339).map_err(|_| Error::Clock)?;
    text.parse().map_err(|_| Error::Clock)
}
