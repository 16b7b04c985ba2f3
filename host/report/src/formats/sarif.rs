//! SARIF 2.1.0, one run a plugin, in the form that GitHub's code scanning reads.
//!
//! GitHub takes 20 runs a file and 25,000 results a run, of which it keeps the 5,000 worst; nothing is
//! left out here for its sake but what would make it refuse the file: locations beyond 1,000 a result
//! and tags beyond 20 a rule.

use std::collections::BTreeMap;

use certus_model::coverage::RunStatus;
use certus_model::plugin::Rule;
use certus_model::{PluginRun, Revision, Severity};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};
use serde_sarif::sarif;

use super::printable;
use crate::baseline::Baseline;
use crate::evidence::MASK;
use crate::findings::ReportFinding;
use crate::place::Place;
use crate::{Report, decision};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// Names the folder that every location is relative to.
const ROOT: &str = "%SRCROOT%";
const MOST_LOCATIONS: usize = 1000;
const MOST_TAGS: usize = 20;
/// What RFC 3986 calls unreserved, and the separator. A colon is not among them: in a first name it
/// would make a scheme of it.
const URI_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The log of the whole scan.
pub(crate) fn log(report: &Report<'_>) -> sarif::Sarif {
    let mut by_plugin: BTreeMap<_, Vec<&ReportFinding<'_>>> = BTreeMap::new();
    for finding in &report.findings {
        by_plugin.entry(finding.plugin_id()).or_default().push(finding);
    }
    let runs = report.runs.iter().map(|run| {
        let findings = by_plugin.remove(&run.manifest.plugin.id).unwrap_or_default();
        self::run(report, run, &findings)
    });
    sarif::Sarif::builder().schema(SCHEMA).version(json!("2.1.0")).runs(runs.collect::<Vec<_>>()).build()
}

fn run(report: &Report<'_>, run: &PluginRun, findings: &[&ReportFinding<'_>]) -> sarif::Run {
    let identity = &run.manifest.plugin;
    let rules = &run.manifest.rules;
    let driver = sarif::ToolComponent::builder()
        .name(identity.id.as_str())
        .version(printable(&identity.version))
        .short_description(&printable(&identity.summary))
        .rules(rules.iter().map(descriptor).collect::<Vec<_>>())
        .properties(bag([("digest", json!(format!("sha256:{}", run.digest)))]))
        .build();
    let index: BTreeMap<_, _> = rules.iter().zip(0_i64..).map(|(rule, index)| (&rule.id, index)).collect();
    // Where one result of a run says whether it is suppressed, all must.
    let says_suppressed = findings.iter().any(|finding| finding.suppressed.is_some());
    let results = findings.iter().map(|finding| {
        let rule_index = index.get(&finding.rule.id).copied().unwrap_or(-1);
        result(finding, rule_index, says_suppressed)
    });
    let root = sarif::ArtifactLocation::builder().description("The root of the scanned tree.").build();
    sarif::Run::builder()
        .tool(driver)
        .automation_details(sarif::RunAutomationDetails::builder().id(format!("certus/{}/", identity.id)).build())
        .column_kind(json!("utf16CodeUnits"))
        .redaction_tokens(vec![MASK.to_owned()])
        .original_uri_base_ids(BTreeMap::from([(ROOT.to_owned(), root)]))
        .invocations(vec![invocation(report, run)])
        .results(results.collect::<Vec<_>>())
        .build()
}

fn descriptor(rule: &Rule) -> sarif::ReportingDescriptor {
    // A severity that each finding states for itself is at most this.
    let severity = rule.severity.fixed().or(rule.max_severity).unwrap_or(Severity::Medium);
    let mut tags: Vec<String> = vec!["security".to_owned()];
    tags.extend(rule.cwe.iter().map(|number| format!("external/cwe/cwe-{number:03}")));
    tags.extend(rule.tags.iter().map(|tag| printable(tag)));
    let mut seen = std::collections::BTreeSet::new();
    tags.retain(|tag| seen.insert(tag.clone()));
    tags.truncate(MOST_TAGS);
    let mut properties = bag(security_severity(severity).map(|score| ("security-severity", json!(score))));
    properties.tags = Some(tags);
    sarif::ReportingDescriptor::builder()
        .id(rule.id.as_str())
        .name(printable(&rule.title))
        .short_description(&inert(&printable(&rule.title)))
        .full_description(&inert(&printable(&rule.message)))
        .help(&inert(&printable(&rule.help)))
        .default_configuration(sarif::ReportingConfiguration::builder().level(json!(level(severity))).build())
        .properties(properties)
        .build()
}

fn result(finding: &ReportFinding<'_>, rule_index: i64, says_suppressed: bool) -> sarif::Result {
    let fingerprint = finding.fingerprint.to_string();
    let mut properties = bag([
        ("confidence", json!(finding.confidence)),
        ("severity", json!(finding.severity)),
        ("places", json!(finding.places.len())),
    ]);
    if let Some(score) = security_severity(finding.severity) {
        properties.additional_properties.insert("security-severity".to_owned(), json!(score));
    }
    let mut result = sarif::Result::builder()
        .rule_id(finding.rule.id.as_str())
        .rule_index(rule_index)
        .level(level(finding.severity))
        .message(&inert(&finding.message))
        .locations(finding.places.iter().take(MOST_LOCATIONS).map(location).collect::<Vec<_>>())
        .partial_fingerprints(BTreeMap::from([
            // GitHub computes this one itself from the lines where it is missing; a hash of lines
            // that hold a secret has no place in a report, so it is ours.
            ("primaryLocationLineHash".to_owned(), format!("{fingerprint}:1")),
            ("certusFingerprint/v1".to_owned(), fingerprint),
        ]))
        .properties(properties)
        .build();
    if !finding.related.is_empty() {
        let related = finding.related.iter().zip(1_i64..).map(|(place, id)| sarif::Location {
            id: Some(id),
            message: Some("related".into()),
            ..location(place)
        });
        result.related_locations = Some(related.collect());
    }
    if says_suppressed {
        let suppressions = finding.suppressed.iter().map(|suppression| {
            sarif::Suppression::builder()
                .kind(json!("external"))
                .status(json!("accepted"))
                .justification(inert(&format!("{} ({})", suppression.reason, suppression.by)))
                .build()
        });
        result.suppressions = Some(suppressions.collect());
    }
    result
}

fn location(place: &Place) -> sarif::Location {
    let uri = percent_encode(&place.path.to_bytes(), URI_PATH).to_string();
    let artifact = sarif::ArtifactLocation::builder().uri(uri).uri_base_id(ROOT).build();
    let mut physical = sarif::PhysicalLocation::builder().artifact_location(artifact).build();
    physical.region = region(place);
    if place.revision != Revision::Head {
        physical.properties = Some(bag([("revision", json!(place.revision))]));
    }
    sarif::Location::builder().physical_location(physical).build()
}

fn region(place: &Place) -> Option<sarif::Region> {
    let span = place.span?;
    let number = |number: u64| i64::try_from(number).ok();
    let snippet = place.snippet.as_ref().map(|snippet| sarif::ArtifactContent::builder().text(snippet.text()).build());
    Some(sarif::Region {
        start_line: place.region.and_then(|region| number(region.start.line)),
        start_column: place.region.and_then(|region| number(region.start.column)),
        end_line: place.region.and_then(|region| number(region.end.line)),
        end_column: place.region.and_then(|region| number(region.end.column)),
        byte_offset: number(span.start),
        byte_length: number(span.end.saturating_sub(span.start)),
        snippet,
        ..sarif::Region::default()
    })
}

fn invocation(report: &Report<'_>, run: &PluginRun) -> sarif::Invocation {
    let notifications = decision::run_gaps(run, report.workspace, &Baseline::default())
        .into_iter()
        .map(|gap| sarif::Notification::builder().level(json!("error")).message(&inert(&gap)).build());
    let notifications: Vec<_> = notifications.collect();
    let successful = run.status == RunStatus::Complete && notifications.is_empty();
    let mut invocation = sarif::Invocation::builder().execution_successful(successful).build();
    if !notifications.is_empty() {
        invocation.tool_execution_notifications = Some(notifications);
    }
    invocation
}

/// A text in which a viewer finds no embedded link, such as `[text](javascript:…)`.
fn inert(text: &str) -> String {
    text.replace("](", "] (")
}

const fn level(severity: Severity) -> sarif::ResultLevel {
    match severity {
        Severity::Critical | Severity::High => sarif::ResultLevel::Error,
        Severity::Medium => sarif::ResultLevel::Warning,
        Severity::Low | Severity::Info => sarif::ResultLevel::Note,
    }
}

/// The middle of the CVSS range that GitHub gives the word; as text, as it asks for. Nothing for `info`,
/// which has no range.
const fn security_severity(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Critical => Some("9.5"),
        Severity::High => Some("8.0"),
        Severity::Medium => Some("5.5"),
        Severity::Low => Some("2.0"),
        Severity::Info => None,
    }
}

fn bag<'k>(entries: impl IntoIterator<Item = (&'k str, Value)>) -> sarif::PropertyBag {
    let additional_properties = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    sarif::PropertyBag { tags: None, additional_properties }
}
