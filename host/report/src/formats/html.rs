//! The report as one page for people: no scripts, nothing loaded from anywhere, a policy that says so.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certus_model::Severity;
use certus_model::coverage::{FileState, RunStatus};
use certus_model::escape::one_line;
use certus_model::outcome::{Mode, Verdict};
use certus_model::source::SourceRecord;
use sha2::{Digest as _, Sha256};

use super::printable;
use crate::coverage::{self, NotRun};
use crate::findings::ReportFinding;
use crate::place::{Place, SnippetLine};
use crate::{Error, Report};

const STYLE: &str = include_str!("../../templates/report.css");
/// Findings shown in full; a browser gives up long before a scan's limit. The worst come first.
const MOST_FINDINGS: usize = 1000;
/// Places of one finding shown with their code, and named at all.
const MOST_FRAMES: usize = 5;
const MOST_PLACES: usize = 100;
/// Files named that one plugin did not look at.
const MOST_FILES: usize = 50;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    style: &'static str,
    style_hash: String,
    name: String,
    origin: Vec<(&'static str, String)>,
    verdict: Verdict,
    sample: bool,
    counts: Vec<Count>,
    suppressed_count: u64,
    violations: &'a [String],
    gaps: &'a [String],
    blind: bool,
    groups: Vec<Group<'a>>,
    unlisted: usize,
    suppressed: Vec<Shown<'a>>,
    unused: Vec<(usize, &'a str, &'a str)>,
    rules: Vec<RuleText<'a>>,
    coverage: Vec<Coverage<'a>>,
    missed: Vec<Missed>,
    not_run: &'a [NotRun],
    packages: Option<usize>,
}

/// The number of findings of one severity, and the most that pass.
struct Count {
    severity: Severity,
    count: u64,
    limit: Option<u64>,
    exceeded: bool,
}

struct Group<'a> {
    severity: Severity,
    count: u64,
    findings: Vec<Shown<'a>>,
}

struct Shown<'a> {
    finding: &'a ReportFinding<'a>,
    title: String,
    rule: String,
    anchor: String,
    frames: Vec<Frame<'a>>,
    more: Vec<String>,
    unnamed: usize,
    related: Vec<String>,
}

struct Frame<'a> {
    place: String,
    lines: &'a [SnippetLine],
}

struct RuleText<'a> {
    anchor: String,
    rule: String,
    title: String,
    help: String,
    tags: Vec<String>,
    cwe: &'a [u32],
    sensitive: bool,
}

struct Coverage<'a> {
    plugin: &'a str,
    version: String,
    digest: String,
    status: String,
    complete: bool,
    analysed: u64,
    prefiltered: u64,
    not_of_interest: u64,
    skipped: u64,
    failed: u64,
    findings: usize,
}

/// Files that one plugin should have looked at, or that it was not given, with the reason.
struct Missed {
    plugin: String,
    state: String,
    count: usize,
    files: Vec<String>,
}

/// The page.
pub(crate) fn page(report: &Report<'_>) -> Result<String, Error> {
    let policy = &report.policy;
    let mut listed: Vec<_> = report.findings.iter().filter(|finding| finding.suppressed.is_none()).collect();
    listed.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let suppressed: Vec<_> = report.findings.iter().filter(|finding| finding.suppressed.is_some()).collect();
    let shown = &listed[..listed.len().min(MOST_FINDINGS)];
    let unlisted = (report.counts.total() as usize).saturating_sub(shown.len());
    let groups = Severity::WORST_FIRST.into_iter().map(|severity| Group {
        severity,
        count: report.counts.get(severity),
        findings: shown
            .iter()
            .filter(|finding| finding.severity == severity)
            .map(|finding| self::shown(finding))
            .collect(),
    });
    let suppressed: Vec<_> = suppressed.into_iter().take(MOST_FINDINGS).map(self::shown).collect();
    let page = Page {
        style: STYLE,
        style_hash: format!("sha256-{}", STANDARD.encode(Sha256::digest(STYLE))),
        name: report.source.name(),
        origin: origin(report),
        verdict: policy.decision,
        sample: report.mode == Mode::Sample,
        counts: Severity::WORST_FIRST.into_iter().map(|severity| count(report, severity)).collect(),
        suppressed_count: policy.suppressed,
        violations: &policy.violations,
        gaps: &policy.gaps,
        blind: report.blind,
        groups: groups.filter(|group| !group.findings.is_empty()).collect(),
        unlisted,
        rules: rules(shown),
        suppressed,
        unused: report.unused.iter().map(|entry| (entry.number, entry.by.as_str(), entry.reason.as_str())).collect(),
        coverage: coverage(report),
        missed: missed(report),
        not_run: &report.not_run,
        packages: report.inventory.as_ref().map(|inventory| inventory.packages.len()),
    };
    Ok(page.render()?)
}

fn origin(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    if let SourceRecord::Git { git_commit, .. } = report.source {
        rows.push(("Commit", one_line(git_commit, 100)));
        rows.push(("Committed", report.generated_at.clone()));
    }
    rows.push(("Source", report.source.kind().to_owned()));
    rows.push(("Files", report.workspace.entries().len().to_string()));
    rows.push(("Tree digest", format!("sha256:{}", report.tree_digest)));
    rows.push(("Result", report.serial.to_string()));
    rows.push(("Scanned by", one_line(&format!("certus {}", report.host_version), 100)));
    rows
}

fn count(report: &Report<'_>, severity: Severity) -> Count {
    let count = report.counts.get(severity);
    let limit = report.policy.thresholds.get(severity);
    Count { severity, count, limit, exceeded: limit.is_some_and(|limit| count > limit) }
}

fn shown<'a>(finding: &'a ReportFinding<'a>) -> Shown<'a> {
    let framed = finding.places.len().min(MOST_FRAMES);
    let named = finding.places.len().min(MOST_PLACES);
    Shown {
        finding,
        title: printable(&finding.rule.title),
        rule: finding.rule_name(),
        anchor: anchor(finding),
        frames: finding.places[..framed].iter().map(frame).collect(),
        more: finding.places[framed..named].iter().map(Place::to_string).collect(),
        unnamed: finding.places.len() - named,
        related: finding.related.iter().map(Place::to_string).collect(),
    }
}

fn frame(place: &Place) -> Frame<'_> {
    let lines = place.snippet.as_ref().map(|snippet| snippet.lines.as_slice()).unwrap_or_default();
    Frame { place: place.to_string(), lines }
}

/// Ids of plugins and rules are words of letters, digits, dots and dashes.
fn anchor(finding: &ReportFinding<'_>) -> String {
    format!("rule-{}-{}", finding.plugin_id(), finding.rule.id)
}

fn rules<'a>(findings: &[&'a ReportFinding<'a>]) -> Vec<RuleText<'a>> {
    let mut rules = BTreeMap::new();
    for finding in findings {
        rules.entry((finding.plugin_id(), &finding.rule.id)).or_insert_with(|| RuleText {
            anchor: anchor(finding),
            rule: finding.rule_name(),
            title: printable(&finding.rule.title),
            help: printable(&finding.rule.help),
            tags: finding.rule.tags.iter().map(|tag| printable(tag)).collect(),
            cwe: &finding.rule.cwe,
            sensitive: finding.rule.sensitive,
        });
    }
    rules.into_values().collect()
}

fn coverage<'a>(report: &'a Report<'_>) -> Vec<Coverage<'a>> {
    let row = |run: &&'a certus_model::PluginRun| {
        let id = &run.manifest.plugin.id;
        let counts = coverage::counts(&run.files);
        let sum =
            |wanted: fn(&FileState) -> bool| counts.iter().filter(|(state, _)| wanted(state)).map(|(_, n)| n).sum();
        Coverage {
            plugin: id.as_str(),
            version: printable(&run.manifest.plugin.version),
            digest: run.digest.to_string()[..12].to_owned(),
            status: match run.status {
                RunStatus::Complete => "complete".to_owned(),
                RunStatus::Incomplete => "incomplete".to_owned(),
                RunStatus::Failed(reason) => format!("failed: {reason}"),
            },
            complete: run.status == RunStatus::Complete,
            analysed: sum(|state| matches!(state, FileState::Analysed)),
            prefiltered: sum(|state| matches!(state, FileState::Prefiltered)),
            not_of_interest: sum(|state| matches!(state, FileState::NotOfInterest)),
            skipped: sum(|state| matches!(state, FileState::Skipped(_))),
            failed: sum(|state| matches!(state, FileState::Failed(_))),
            findings: report.findings.iter().filter(|finding| finding.plugin_id() == id).count(),
        }
    };
    report.runs.iter().map(row).collect()
}

fn missed(report: &Report<'_>) -> Vec<Missed> {
    let entries = report.workspace.entries();
    let mut missed = Vec::new();
    for run in &report.runs {
        let states: BTreeSet<_> =
            run.files.iter().filter(|state| matches!(state, FileState::Skipped(_) | FileState::Failed(_))).collect();
        for state in states {
            let files = || run.files.iter().zip(entries).filter(|(of, _)| *of == state).map(|(_, entry)| entry);
            missed.push(Missed {
                plugin: run.manifest.plugin.id.to_string(),
                state: state.to_string(),
                count: files().count(),
                files: files().take(MOST_FILES).map(|entry| entry.path.to_string()).collect(),
            });
        }
    }
    missed
}
