//! `findings.json`: the findings as data.

use std::collections::BTreeMap;

use certus_model::{Confidence, PluginId, RepoPath, Revision, RuleId, Severity, Sha256, canonical_json};
use serde::Serialize;
use serde_json::Value;

use super::printable;
use crate::baseline::Suppression;
use crate::findings::{Argument, Fingerprint, ReportFinding};
use crate::place::Place;
use crate::{Error, Report};

/// The name and version of the document's form.
const SCHEMA: &str = "certus-findings/1";
/// The largest whole number that every JSON reader keeps exact (RFC 8785 numbers are doubles).
const LARGEST_EXACT: i64 = (1 << 53) - 1;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    source: Source,
    /// The rules of the findings, each once.
    rules: Vec<Rule<'a>>,
    findings: Vec<Finding<'a>>,
    /// Findings that are counted but not listed.
    truncated: usize,
}

#[derive(Serialize)]
struct Source {
    tree_digest: Sha256,
}

#[derive(Serialize)]
struct Rule<'a> {
    plugin: &'a PluginId,
    rule: &'a RuleId,
    title: String,
    help: String,
    cwe: &'a [u32],
    tags: Vec<String>,
    sensitive: bool,
}

#[derive(Serialize)]
struct Finding<'a> {
    fingerprint: Fingerprint,
    plugin: &'a PluginId,
    rule: &'a RuleId,
    title: String,
    message: &'a str,
    severity: Severity,
    confidence: Confidence,
    places: Vec<PlaceForm<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<PlaceForm<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<&'a str, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<&'a Suppression>,
}

/// Lines and columns from 1, columns in UTF-16 code units; bytes from 0, the end excluded.
#[derive(Serialize)]
struct PlaceForm<'a> {
    path: &'a RepoPath,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Revision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_byte: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_byte: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snippet: Option<String>,
}

impl<'a> From<&'a Place> for PlaceForm<'a> {
    fn from(place: &'a Place) -> Self {
        let region = place.region;
        Self {
            path: &place.path,
            revision: (place.revision != Revision::Head).then_some(place.revision),
            start_line: region.map(|region| region.start.line),
            start_column: region.map(|region| region.start.column),
            end_line: region.map(|region| region.end.line),
            end_column: region.map(|region| region.end.column),
            start_byte: place.span.map(|span| span.start),
            end_byte: place.span.map(|span| span.end),
            snippet: place.snippet.as_ref().map(|snippet| snippet.text()),
        }
    }
}

/// The document.
pub(crate) fn findings(report: &Report<'_>) -> Result<Vec<u8>, Error> {
    let rules: BTreeMap<_, _> =
        report.findings.iter().map(|finding| ((finding.plugin_id(), &finding.rule.id), finding.rule)).collect();
    let rules = rules.into_iter().map(|((plugin, id), rule)| Rule {
        plugin,
        rule: id,
        title: printable(&rule.title),
        help: printable(&rule.help),
        cwe: &rule.cwe,
        tags: rule.tags.iter().map(|tag| printable(tag)).collect(),
        sensitive: rule.sensitive,
    });
    Ok(canonical_json(&Document {
        schema: SCHEMA,
        source: Source { tree_digest: report.tree_digest },
        rules: rules.collect(),
        findings: report.findings.iter().map(finding).collect::<Result<_, _>>()?,
        truncated: report.truncated,
    })?)
}

fn finding<'a>(finding: &'a ReportFinding<'_>) -> Result<Finding<'a>, Error> {
    let mut parameters = BTreeMap::new();
    for (name, argument) in &finding.parameters {
        parameters.insert(name.as_str(), value(argument)?);
    }
    Ok(Finding {
        fingerprint: finding.fingerprint,
        plugin: finding.plugin_id(),
        rule: &finding.rule.id,
        title: printable(&finding.rule.title),
        message: &finding.message,
        severity: finding.severity,
        confidence: finding.confidence,
        places: finding.places.iter().map(PlaceForm::from).collect(),
        related: finding.related.iter().map(PlaceForm::from).collect(),
        parameters,
        suppressed: finding.suppressed.as_ref(),
    })
}

/// A number that a double cannot hold is written as text.
fn value(argument: &Argument) -> Result<Value, Error> {
    Ok(match argument {
        Argument::Text(text) => Value::from(text.as_str()),
        Argument::Number(number) if number.unsigned_abs() <= LARGEST_EXACT.unsigned_abs() => Value::from(*number),
        Argument::Number(number) => Value::from(number.to_string()),
        Argument::Flag(flag) => Value::from(*flag),
        Argument::Place(place) => serde_json::to_value(PlaceForm::from(place))?,
    })
}
