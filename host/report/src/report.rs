//! The report: built once from what the engine returned, written in every format.

use certus_model::decision::PolicyResult;
use certus_model::limits::FINDINGS_PER_SCAN;
use certus_model::severity::{SeverityCounts, Thresholds};
use certus_model::source::SourceRecord;
use certus_model::workspace::Workspace;
use certus_model::{Mode, OnError, PluginRun, Sha256, canonical_json};
use uuid::Uuid;

use crate::baseline::{Baseline, UnusedSuppression};
use crate::coverage::{self, NotRun};
use crate::evidence::Redactor;
use crate::findings::{self, ReportFinding};
use crate::formats::table::{Colour, Overview};
use crate::formats::{html, json, sarif};
use crate::sbom::{self, Inventory};
use crate::stated::stated;
use crate::{Error, decision, identity, summary};

/// Everything that a report is a function of.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The runs, in any order.
    pub runs: &'a [PluginRun],
    /// The sealed workspace; only files with findings and inventory evidence are read.
    pub workspace: &'a dyn Workspace,
    /// Where it came from.
    pub source: &'a SourceRecord,
    /// Its digest.
    pub tree_digest: Sha256,
    /// The most findings of each severity that pass.
    pub thresholds: &'a Thresholds,
    /// What was looked at before and may pass.
    pub baseline: &'a Baseline,
    /// Tools that were asked for and did not run, in any order.
    pub not_run: &'a [NotRun],
    /// What the decision `error` means to whoever gates on it.
    pub on_error: OnError,
    /// Whether it is the sample that was scanned, which the page and the table say.
    pub mode: Mode,
    /// Version of the host, for the SBOMs and the page.
    pub host_version: &'a str,
}

/// The report of one scan. Its bytes do not depend on the order of runs and findings, on the clock or
/// on the machine.
pub struct Report<'a> {
    pub(crate) runs: Vec<&'a PluginRun>,
    pub(crate) workspace: &'a dyn Workspace,
    pub(crate) source: &'a SourceRecord,
    pub(crate) tree_digest: Sha256,
    pub(crate) host_version: &'a str,
    pub(crate) not_run: Vec<NotRun>,
    pub(crate) findings: Vec<ReportFinding<'a>>,
    /// Findings that are not listed for want of room.
    pub(crate) truncated: usize,
    pub(crate) unused: Vec<UnusedSuppression>,
    pub(crate) policy: PolicyResult,
    pub(crate) counts: SeverityCounts,
    pub(crate) mode: Mode,
    pub(crate) inventory: Option<Inventory>,
    pub(crate) serial: Uuid,
    pub(crate) generated_at: String,
    /// Whether no code is shown because there were more secrets than can be searched for.
    pub(crate) blind: bool,
}

impl<'a> Report<'a> {
    /// Merges, redacts, suppresses, counts and decides.
    ///
    /// # Errors
    /// A file that can no longer be read, and faults of the host: see [`Error`].
    pub fn build(inputs: Inputs<'a>) -> Result<Self, Error> {
        let Inputs { workspace, source, tree_digest, thresholds, baseline, host_version, .. } = inputs;
        let runs = ordered(inputs.runs, workspace)?;
        let stated = stated(&runs)?;
        let redactor = Redactor::of(&stated, workspace)?;
        let mut not_run = inputs.not_run.to_vec();
        for missing in &mut not_run {
            missing.tool = redactor.text(&missing.tool);
            missing.reason = redactor.text(&missing.reason);
        }
        not_run.sort();
        not_run.dedup();
        let evidence = runs.iter().flat_map(|run| &run.dependencies).flat_map(|dependency| &dependency.evidence);
        let (mut findings, places) = findings::findings(&stated, evidence, workspace, &redactor)?;
        let unused = baseline.apply(&mut findings, &redactor);
        let gaps = decision::gaps(&runs, workspace, baseline, &not_run, findings.len());
        let counts = decision::counts(&findings);
        let policy = decision::decide(&findings, &counts, thresholds, inputs.on_error, gaps);
        let truncated = cut(&mut findings, FINDINGS_PER_SCAN);
        let inventory = Inventory::of(&runs, &places, &redactor);
        let serial = identity::serial(&runs, source, tree_digest, host_version)?;
        let generated_at = identity::generated_at(source);
        let blind = redactor.is_blind();
        Ok(Self {
            runs,
            workspace,
            source,
            tree_digest,
            host_version,
            not_run,
            findings,
            truncated,
            unused,
            policy,
            counts,
            mode: inputs.mode,
            inventory,
            serial,
            generated_at,
            blind,
        })
    }

    /// The findings, suppressed ones included, in order of plugin, path, span and rule.
    pub fn findings(&self) -> &[ReportFinding<'a>] {
        &self.findings
    }

    /// The decision.
    pub fn policy(&self) -> &PolicyResult {
        &self.policy
    }

    /// Entries of the baseline that suppressed nothing.
    pub fn unused_suppressions(&self) -> &[UnusedSuppression] {
        &self.unused
    }

    /// `findings.json`: the findings and their rules; no ids or times of the run.
    ///
    /// # Errors
    /// None that a report can cause; the serialiser's own is passed on. So for every document.
    pub fn findings_json(&self) -> Result<Vec<u8>, Error> {
        json::findings(self)
    }

    /// `coverage.json`: what was looked at and what was not.
    ///
    /// # Errors
    /// As [`Report::findings_json`].
    pub fn coverage_json(&self) -> Result<Vec<u8>, Error> {
        coverage::document(&self.runs, self.workspace, self.tree_digest, &self.not_run)
    }

    /// `policy-result.json`: the decision and what it rests on.
    ///
    /// # Errors
    /// As [`Report::findings_json`].
    pub fn policy_json(&self) -> Result<Vec<u8>, Error> {
        Ok(canonical_json(&self.policy)?)
    }

    /// `summary.json`: what ran, what did not, and the counts.
    ///
    /// # Errors
    /// As [`Report::findings_json`].
    pub fn summary_json(&self) -> Result<Vec<u8>, Error> {
        summary::document(self)
    }

    /// `reports/sast/findings.sarif.json`: SARIF 2.1.0, one run a plugin.
    ///
    /// # Errors
    /// As [`Report::findings_json`].
    pub fn sarif(&self) -> Result<Vec<u8>, Error> {
        Ok(canonical_json(&sarif::log(self))?)
    }

    /// `reports/report.html`: one page without scripts or anything from elsewhere.
    ///
    /// # Errors
    /// None that a report can cause; the template engine's own is passed on.
    pub fn html(&self) -> Result<String, Error> {
        html::page(self)
    }

    /// A table for a terminal, as [`Overview::table`] draws it from the documents.
    ///
    /// # Errors
    /// As [`Report::findings_json`].
    pub fn table(&self, colour: Colour, width: u16) -> Result<String, Error> {
        let overview = Overview::read(&self.findings_json()?, &self.policy_json()?, &self.summary_json()?, self.mode)?;
        Ok(overview.table(colour, width))
    }

    /// `reports/sbom/sbom.cdx.json`: CycloneDX 1.6; none where no inventory was taken.
    ///
    /// # Errors
    /// As [`Report::findings_json`].
    pub fn cyclonedx(&self) -> Result<Option<Vec<u8>>, Error> {
        self.inventory.as_ref().map(|inventory| sbom::cyclonedx(self, inventory)).transpose()
    }

    /// `reports/sbom/sbom.spdx.json`: SPDX 2.3; none where no inventory was taken.
    ///
    /// # Errors
    /// As [`Report::findings_json`].
    pub fn spdx(&self) -> Result<Option<Vec<u8>>, Error> {
        self.inventory.as_ref().map(|inventory| sbom::spdx(self, inventory)).transpose()
    }
}

/// The runs by plugin, after the checks that everything else rests on.
fn ordered<'a>(runs: &'a [PluginRun], workspace: &dyn Workspace) -> Result<Vec<&'a PluginRun>, Error> {
    let mut ordered: Vec<_> = runs.iter().collect();
    ordered.sort_by(|a, b| a.manifest.plugin.id.cmp(&b.manifest.plugin.id));
    for pair in ordered.windows(2) {
        if pair[0].manifest.plugin.id == pair[1].manifest.plugin.id {
            return Err(Error::DuplicatePlugin(pair[0].manifest.plugin.id.clone()));
        }
    }
    let entries = workspace.entries().len();
    for run in &ordered {
        if run.files.len() != entries {
            let plugin = run.manifest.plugin.id.clone();
            return Err(Error::Coverage { plugin, stated: run.files.len(), entries });
        }
    }
    Ok(ordered)
}

/// Keeps at most `most` findings, those that count and the worst first; returns how many went.
fn cut(findings: &mut Vec<ReportFinding<'_>>, most: usize) -> usize {
    let Some(truncated) = findings.len().checked_sub(most).filter(|over| *over > 0) else { return 0 };
    let mut by_rank: Vec<usize> = (0..findings.len()).collect();
    by_rank.sort_by_key(|index| {
        let finding = &findings[*index];
        (finding.suppressed.is_some(), std::cmp::Reverse(finding.severity), *index)
    });
    let kept: std::collections::BTreeSet<_> = by_rank.into_iter().take(most).collect();
    let mut index = 0;
    findings.retain(|_| {
        index += 1;
        kept.contains(&(index - 1))
    });
    truncated
}
