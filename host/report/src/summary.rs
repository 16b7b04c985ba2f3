//! `summary.json`: the scan at a glance.

use certus_model::coverage::RunStatus;
use certus_model::escape::one_line;
use certus_model::outcome::Verdict;
use certus_model::severity::SeverityCounts;
use certus_model::{PluginId, Sha256, canonical_json};
use serde::Serialize;

use crate::baseline::UnusedSuppression;
use crate::coverage::NotRun;
use crate::{Error, Report};

/// The name and version of the document's form.
const SCHEMA: &str = "certus-summary/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    /// The commit's time: the document is a function of what was scanned, not of when.
    generated_at: &'a str,
    /// Names the result; the same for the same source, plugins and settings.
    bundle_id: String,
    tree_digest: Sha256,
    files: usize,
    executed: Vec<Executed<'a>>,
    skipped: &'a [NotRun],
    decision: Verdict,
    counts: &'a SeverityCounts,
    suppressed: u64,
    /// Findings that are counted but not listed.
    truncated: usize,
    /// Packages of the inventory; none where none was taken.
    packages: Option<usize>,
    unused_suppressions: &'a [UnusedSuppression],
}

#[derive(Serialize)]
struct Executed<'a> {
    tool: &'a PluginId,
    version: String,
    status: RunStatus,
    /// Findings listed, suppressed ones included.
    findings: usize,
}

pub(crate) fn document(report: &Report<'_>) -> Result<Vec<u8>, Error> {
    let executed = report.runs.iter().map(|run| {
        let tool = &run.manifest.plugin.id;
        let findings = report.findings.iter().filter(|finding| finding.plugin_id() == tool).count();
        Executed { tool, version: one_line(&run.manifest.plugin.version, 100), status: run.status, findings }
    });
    Ok(canonical_json(&Document {
        schema: SCHEMA,
        generated_at: &report.generated_at,
        bundle_id: report.serial.to_string(),
        tree_digest: report.tree_digest,
        files: report.workspace.entries().len(),
        executed: executed.collect(),
        skipped: &report.not_run,
        decision: report.policy.decision,
        counts: &report.counts,
        suppressed: report.policy.suppressed,
        truncated: report.truncated,
        packages: report.inventory.as_ref().map(|inventory| inventory.packages.len()),
        unused_suppressions: &report.unused,
    })?)
}
