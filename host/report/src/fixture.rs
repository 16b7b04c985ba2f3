//! Scans for tests: a workspace in memory, plugins of a few rules, findings at given bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use certus_model::coverage::{FileState, Refused, RunStatus};
use certus_model::inventory::{Dependency, Scope};
use certus_model::ledger::Uses;
use certus_model::run::Cost;
use certus_model::severity::Thresholds;
use certus_model::source::SourceRecord;
use certus_model::workspace::{MemoryWorkspace, Workspace as _, tree_digest};
use certus_model::{
    Confidence, Finding, Location, Mode, OnError, Parameter, PluginManifest, PluginRun, RepoPath, Revision, Severity,
    Sha256, Span, Value,
};

use crate::{Baseline, Inputs, NotRun, Report};

/// Everything that a report is built from, to be changed by a test before it is.
pub(crate) struct Scene {
    pub(crate) workspace: MemoryWorkspace,
    pub(crate) runs: Vec<PluginRun>,
    pub(crate) source: SourceRecord,
    pub(crate) thresholds: Thresholds,
    pub(crate) baseline: Baseline,
    pub(crate) not_run: Vec<NotRun>,
}

impl Scene {
    pub(crate) fn new<P: AsRef<[u8]>, C: AsRef<[u8]>>(files: impl IntoIterator<Item = (P, C)>) -> Self {
        let file = |(path, content): (P, C)| (RepoPath::from_bytes(path.as_ref()).unwrap(), content.as_ref().to_vec());
        Self {
            workspace: MemoryWorkspace::new(files.into_iter().map(file)),
            runs: Vec::new(),
            source: SourceRecord::Git {
                git_url: "https://example.org/team/shop.git".to_owned(),
                git_commit: "4b825dc642cb6eb9a060e54bf8d69288fbee4904".to_owned(),
                commit_time: 1_700_000_000,
                branch: None,
            },
            thresholds: Thresholds::default(),
            baseline: Baseline::default(),
            not_run: Vec::new(),
        }
    }

    /// A complete run of a plugin with these rules (TOML), which looked at every file.
    pub(crate) fn run(&mut self, id: &str, rules: &str, findings: Vec<Finding>) -> &mut PluginRun {
        self.runs.push(PluginRun {
            manifest: Arc::new(manifest(id, rules)),
            digest: Sha256::of(id.as_bytes()),
            settings: BTreeMap::new(),
            status: RunStatus::Complete,
            findings,
            dependencies: Vec::new(),
            files: vec![FileState::Analysed; self.workspace.entries().len()],
            refused: Refused::default(),
            problems: 0,
            uses: Uses::default(),
            cost: Cost::default(),
        });
        self.runs.last_mut().unwrap()
    }

    pub(crate) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            runs: &self.runs,
            workspace: &self.workspace,
            source: &self.source,
            tree_digest: tree_digest(self.workspace.entries()),
            thresholds: &self.thresholds,
            baseline: &self.baseline,
            not_run: &self.not_run,
            on_error: OnError::Closed,
            mode: Mode::Production,
            host_version: "0.1.0",
        }
    }

    pub(crate) fn report(&self) -> Report<'_> {
        Report::build(self.inputs()).unwrap()
    }

    /// The place of the `nth` occurrence (from 0) of `needle` in the file at `path`.
    pub(crate) fn at(&self, path: &str, needle: &str, nth: usize) -> Location {
        let path = RepoPath::from_bytes(path.as_bytes()).unwrap();
        let content = self.workspace.read(self.workspace.find(&path).unwrap()).unwrap();
        let found = content.windows(needle.len()).enumerate().filter(|(_, window)| *window == needle.as_bytes());
        let (start, _) = { found }.nth(nth).unwrap_or_else(|| panic!("no {nth}. `{needle}` in {path}"));
        let span = Span { start: start as u64, end: (start + needle.len()) as u64 };
        Location { path, revision: Revision::Head, span: Some(span) }
    }
}

/// A manifest of `rules`, each `[[rules]]` in TOML.
pub(crate) fn manifest(id: &str, rules: &str) -> PluginManifest {
    let text = format!(
        "[plugin]\nid = \"{id}\"\nversion = \"1.2.3\"\nsummary = \"A test.\"\nlicence = \"Apache-2.0\"\n\
         contract = \"certus:scanner@0.1.0\"\nexports = [\"files\"]\n{rules}"
    );
    text.parse().unwrap()
}

/// A rule in TOML.
pub(crate) fn rule(id: &str, severity: &str, more: &str) -> String {
    format!(
        "[[rules]]\nid = \"{id}\"\ntitle = \"Title of {id}\"\nseverity = \"{severity}\"\nhelp = \"Help of {id}.\"\n{}\n{more}\n",
        if more.contains("message =") { String::new() } else { format!("message = \"Message of {id}\"") }
    )
}

/// A rule whose matches are secrets.
pub(crate) fn secret_rule(id: &str) -> String {
    rule(id, "high", "sensitive = true\ncwe = [798]\ntags = [\"secret\"]")
}

pub(crate) fn finding(rule: &str, at: Location, severity: Severity) -> Finding {
    Finding {
        at,
        rule: rule.parse().unwrap(),
        severity,
        confidence: Confidence::Medium,
        sensitive: Vec::new(),
        related: Vec::new(),
        parameters: Vec::new(),
    }
}

/// A finding whose match is a secret.
pub(crate) fn secret(rule: &str, at: Location) -> Finding {
    Finding { sensitive: at.span.into_iter().collect(), ..finding(rule, at, Severity::High) }
}

pub(crate) fn text(name: &str, value: &str) -> Parameter {
    Parameter { name: name.to_owned(), value: Value::Text(value.to_owned()) }
}

pub(crate) fn dependency(id: &str, name: &str, version: &str, depends_on: &[&str]) -> Dependency {
    Dependency {
        id: id.to_owned(),
        ecosystem: "cargo".to_owned(),
        namespace: None,
        name: name.to_owned(),
        version: Some(version.to_owned()),
        qualifiers: BTreeMap::new(),
        root: false,
        scope: Scope::Runtime,
        licences: vec!["MIT".to_owned()],
        hashes: Vec::new(),
        origin: None,
        depends_on: depends_on.iter().map(|id| (*id).to_owned()).collect(),
        evidence: Vec::new(),
    }
}

/// Every document of a report by name, as text.
pub(crate) fn documents(report: &Report<'_>) -> BTreeMap<&'static str, String> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let mut all = BTreeMap::from([
        ("findings.json", text(report.findings_json().unwrap())),
        ("coverage.json", text(report.coverage_json().unwrap())),
        ("policy-result.json", text(report.policy_json().unwrap())),
        ("summary.json", text(report.summary_json().unwrap())),
        ("findings.sarif.json", text(report.sarif().unwrap())),
        ("report.html", report.html().unwrap()),
        ("table", report.table(crate::Colour::Plain, 120).unwrap()),
        ("coloured table", report.table(crate::Colour::Ansi, 80).unwrap()),
    ]);
    all.extend(report.cyclonedx().unwrap().map(|bytes| ("sbom.cdx.json", text(bytes))));
    all.extend(report.spdx().unwrap().map(|bytes| ("sbom.spdx.json", text(bytes))));
    all
}

pub(crate) fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap()
}
