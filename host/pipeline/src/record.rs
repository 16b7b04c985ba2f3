//! `scan.json`: the run's ids and times.

use std::collections::BTreeMap;

use certus_bundle::{Mode, UtcTime};
use certus_model::outcome::Verdict;
use certus_model::source::SourceRecord;
use certus_model::{ScanId, Sha256};
use certus_sandbox::Confinement;
use serde::Serialize;

/// The run metadata, with the keys that clients of the replaced service read.
#[derive(Serialize)]
pub(crate) struct ScanRecord<'a> {
    pub(crate) test_id: &'a ScanId,
    pub(crate) status: &'static str,
    pub(crate) mode: Mode,
    pub(crate) decision: Verdict,
    #[serde(flatten)]
    pub(crate) source: &'a SourceRecord,
    /// What identifies the content: the commit, or the digest of the tree or of the archive.
    pub(crate) provenance_id: String,
    pub(crate) tree_digest: Sha256,
    pub(crate) profile: &'a str,
    pub(crate) manifest_digest: Option<Sha256>,
    pub(crate) artifacts: BTreeMap<&'static str, &'static str>,
    pub(crate) warnings: Vec<String>,
    pub(crate) errors: Vec<String>,
    pub(crate) started_at: &'a UtcTime,
    pub(crate) completed_at: &'a UtcTime,
    pub(crate) host_version: &'a str,
    /// What the kernel held the scan's workers to; none if none of them came to an end.
    pub(crate) confinement: Option<Confinement>,
}

pub(crate) fn provenance_id(source: &SourceRecord, tree: Sha256) -> String {
    match source {
        SourceRecord::Git { git_commit, .. } => git_commit.clone(),
        SourceRecord::Directory { .. } => tree.to_string(),
        SourceRecord::Archive { archive_hash, .. } => archive_hash.to_string(),
    }
}
