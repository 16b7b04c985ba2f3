//! From statements to a checked run and its report, with what must hold at each border.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use certus_engine::{Checker, Given};
use certus_model::coverage::{FileState, Refused, RunStatus};
use certus_model::escape::is_printable;
use certus_model::ledger::Uses;
use certus_model::run::Cost;
use certus_model::severity::Thresholds;
use certus_model::source::SourceRecord;
use certus_model::workspace::{MemoryWorkspace, Workspace as _, tree_digest};
use certus_model::{Finding, Location, PluginRun, Severity, Sha256, Value};
use certus_report::{Baseline, Inputs};

use crate::stated::{Stated, manifest};

/// Passes statements through the engine's checker, as a run does.
pub fn checked(stated: &Stated, workspace: &MemoryWorkspace) -> PluginRun {
    let manifest = manifest();
    let checker = Checker { manifest: &manifest, workspace };
    let indices: Vec<usize> = (0..workspace.entries().len()).collect();
    let given = Given::Granted(&indices);
    let mut refused = Refused::default();
    let mut findings = checker.findings(stated.findings(), given, &mut refused);
    let dependencies = checker.dependencies(stated.dependencies(), given, &mut refused);
    findings.sort();
    findings.dedup();
    PluginRun {
        digest: Sha256::of(b"a component"),
        settings: BTreeMap::new(),
        status: if refused.any() { RunStatus::Incomplete } else { RunStatus::Complete },
        files: vec![FileState::Analysed; indices.len()],
        findings,
        dependencies,
        refused,
        problems: 0,
        uses: Uses::default(),
        cost: Cost::default(),
        manifest: Arc::new(manifest),
    }
}

/// What the host vouches for once a run is checked.
pub fn vouched(run: &PluginRun, workspace: &MemoryWorkspace) {
    run.findings.iter().for_each(|finding| vouched_finding(finding, workspace));
    let ids: BTreeSet<_> = run.dependencies.iter().map(|dependency| &dependency.id).collect();
    assert_eq!(ids.len(), run.dependencies.len(), "ids are unique");
    assert!(run.dependencies.is_sorted(), "sorted");
    for dependency in &run.dependencies {
        assert!(dependency.depends_on.iter().all(|id| ids.contains(id)), "{dependency:?}");
        assert!(dependency.evidence.iter().all(|at| exists(at, workspace)), "{dependency:?}");
        let texts = [&dependency.id, &dependency.name, &dependency.ecosystem];
        assert!(texts.iter().all(|text| !text.is_empty() && text.chars().all(is_printable)), "{dependency:?}");
        assert!(dependency.hashes.iter().all(|hash| hash.value.len() == 2 * hash.algorithm.length()));
    }
}

fn vouched_finding(finding: &Finding, workspace: &MemoryWorkspace) {
    assert!(exists(&finding.at, workspace), "{finding:?}");
    assert!(finding.related.iter().all(|at| exists(at, workspace)), "{finding:?}");
    assert!(finding.sensitive.is_sorted(), "{finding:?}");
    for span in &finding.sensitive {
        assert!(exists(&Location { span: Some(*span), ..finding.at.clone() }, workspace), "{finding:?}");
    }
    for parameter in &finding.parameters {
        let right = match (parameter.name.as_str(), &parameter.value) {
            ("what", Value::Text(_)) | ("count", Value::Number(_)) | ("sure", Value::Flag(_)) => true,
            ("beside", Value::Location(at)) => exists(at, workspace),
            _ => false,
        };
        assert!(right && finding.rule.as_str() == "plain", "{finding:?}");
    }
    match finding.rule.as_str() {
        "plain" => {
            assert_eq!(finding.severity, Severity::Medium);
            assert!(finding.parameters.iter().any(|parameter| parameter.name == "what"), "its identity");
        }
        "secret" => {
            assert_eq!(finding.severity, Severity::High);
            assert!(finding.at.span.is_some_and(|span| finding.sensitive.contains(&span)), "{finding:?}");
        }
        "rated" => assert!(finding.severity <= Severity::High),
        other => panic!("no rule `{other}` is declared"),
    }
}

fn exists(at: &Location, workspace: &MemoryWorkspace) -> bool {
    let Some(index) = workspace.find(&at.path) else { return false };
    at.span.is_none_or(|span| span.fits(workspace.entries()[index].size))
}

/// Inputs of a report of one run.
pub fn inputs<'a>(
    runs: &'a [PluginRun],
    workspace: &'a MemoryWorkspace,
    source: &'a SourceRecord,
    thresholds: &'a Thresholds,
    baseline: &'a Baseline,
) -> Inputs<'a> {
    Inputs {
        runs,
        workspace,
        source,
        tree_digest: tree_digest(workspace.entries()),
        thresholds,
        baseline,
        not_run: &[],
        on_error: certus_model::OnError::Closed,
        mode: certus_model::Mode::Production,
        host_version: "0.1.0",
    }
}
