//! What the policy says: thresholds on what was found, and nothing vouched for that was not looked at.

use std::collections::BTreeMap;

use certus_model::coverage::{FileState, RunStatus};
use certus_model::decision::PolicyResult;
use certus_model::limits::FINDINGS_PER_SCAN;
use certus_model::outcome::Verdict;
use certus_model::severity::{SeverityCounts, Thresholds};
use certus_model::workspace::Workspace;
use certus_model::{OnError, PluginRun, RepoPath, Severity};

use crate::baseline::Baseline;
use crate::coverage::NotRun;
use crate::findings::ReportFinding;

/// Gaps that are spelt out; the rest is a number.
const MOST_GAPS: usize = 20;

/// The decision over all findings of the scan, those that the report no longer lists included.
pub(crate) fn decide(
    findings: &[ReportFinding<'_>],
    counts: &SeverityCounts,
    thresholds: &Thresholds,
    on_error: OnError,
    gaps: Vec<String>,
) -> PolicyResult {
    let suppressed = findings.iter().filter(|finding| finding.suppressed.is_some()).count() as u64;
    let exceeded = |severity: Severity| {
        let (count, most) = (counts.get(severity), thresholds.get(severity)?);
        (count > most).then(|| format!("{severity} findings exceeded threshold ({count} > {most})"))
    };
    let violations: Vec<_> = Severity::WORST_FIRST.into_iter().filter_map(exceeded).collect();
    let decision = match (gaps.is_empty(), violations.is_empty()) {
        (false, _) => Verdict::Error,
        (true, false) => Verdict::Fail,
        (true, true) => Verdict::Pass,
    };
    let passed = decision == Verdict::Pass;
    PolicyResult {
        decision,
        passed,
        thresholds: thresholds.clone(),
        on_error,
        counts: Some(counts.clone()),
        suppressed,
        violations,
        gaps,
    }
}

/// Findings of each severity that count.
pub(crate) fn counts(findings: &[ReportFinding<'_>]) -> SeverityCounts {
    let mut counts = SeverityCounts::default();
    findings.iter().filter(|finding| finding.suppressed.is_none()).for_each(|finding| counts.add(finding.severity));
    counts
}

/// One sentence for each thing that was not looked at; `found` is the number of merged findings.
pub(crate) fn gaps(
    runs: &[&PluginRun],
    workspace: &dyn Workspace,
    baseline: &Baseline,
    not_run: &[NotRun],
    found: usize,
) -> Vec<String> {
    let mut gaps = Vec::new();
    if runs.is_empty() {
        gaps.push("no plugin ran, so nothing was looked at".to_owned());
    }
    for missing in not_run.iter().filter(|missing| missing.required) {
        gaps.push(format!("required tool `{}` did not run: {}", missing.tool, missing.reason));
    }
    gaps.extend(runs.iter().flat_map(|run| run_gaps(run, workspace, baseline)));
    if found > FINDINGS_PER_SCAN {
        gaps.push(format!("the scan has {found} findings, of which the report lists {FINDINGS_PER_SCAN}"));
    }
    if gaps.len() > MOST_GAPS {
        let more = gaps.len() - MOST_GAPS;
        gaps.truncate(MOST_GAPS);
        gaps.push(format!("and {more} more; see coverage.json"));
    }
    gaps
}

/// The same for one run: a sentence a reason, whatever the number of files. Files that the baseline
/// accepts as gaps are left out.
pub(crate) fn run_gaps(run: &PluginRun, workspace: &dyn Workspace, baseline: &Baseline) -> Vec<String> {
    let plugin = &run.manifest.plugin.id;
    let mut gaps = Vec::new();
    if let RunStatus::Failed(reason) = run.status {
        return vec![format!("{plugin} failed and gave no answer ({reason})")];
    }
    let mut unanalysed: BTreeMap<FileState, Vec<&RepoPath>> = BTreeMap::new();
    let mut accepted = false;
    for (state, entry) in run.files.iter().zip(workspace.entries()).filter(|(state, _)| state.is_gap()) {
        if baseline.accepts_gap(&entry.path) {
            accepted = true;
        } else {
            unanalysed.entry(*state).or_default().push(&entry.path);
        }
    }
    for (state, paths) in unanalysed {
        gaps.push(match paths[..] {
            [path] => format!("{plugin} did not analyse `{path}` ({state})"),
            _ => format!("{plugin} did not analyse {} files ({state}), the first `{}`", paths.len(), paths[0]),
        });
    }
    let refused = &run.refused;
    for (count, what) in [
        (refused.invalid_location, "findings at a place that does not exist"),
        (refused.undeclared_rule, "findings of a rule that it does not declare"),
        (refused.undeclared_severity, "findings with a severity that it may not state"),
        (refused.undeclared_parameter, "findings with arguments that it does not declare"),
        (refused.malformed_dependency, "malformed inventory records"),
    ] {
        if count > 0 {
            gaps.push(format!("{plugin} reported {count} {what}; they were refused"));
        }
    }
    if refused.truncated > 0 {
        gaps.push(format!("{plugin} reported {} findings beyond the limit of a run; they were cut", refused.truncated));
    }
    if run.problems > 0 {
        gaps.push(format!("{plugin} reported {} problems that concern no single file", run.problems));
    }
    if run.status != RunStatus::Complete && gaps.is_empty() && !accepted {
        gaps.push(format!("{plugin} did not complete its run"));
    }
    gaps
}

#[cfg(test)]
mod tests;
