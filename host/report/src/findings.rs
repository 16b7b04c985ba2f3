//! Findings as reports list them: merged, fingerprinted, redacted, in one order.

mod fingerprint;
mod message;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use certus_model::plugin::Rule;
use certus_model::workspace::Workspace;
use certus_model::{Confidence, Location, PluginId, PluginManifest, RepoPath, Revision, Severity, Span, Value};

pub use self::fingerprint::Fingerprint;
use self::fingerprint::Mark;
use crate::Error;
use crate::baseline::Suppression;
use crate::evidence::{Evidence, Redactor, bare_place};
use crate::place::Place;
use crate::stated::Stated;

/// Places of one finding that explain it.
const MOST_RELATED: usize = 100;

/// One finding of the report.
#[derive(Clone, Debug)]
pub struct ReportFinding<'a> {
    /// The same in every scan that finds it again.
    pub fingerprint: Fingerprint,
    /// Whose finding it is.
    pub plugin: &'a PluginManifest,
    /// The rule, with title, help, CWE numbers and tags.
    pub rule: &'a Rule,
    /// The rule's message with the finding's arguments, redacted and printable.
    pub message: String,
    /// The worst of those that were merged.
    pub severity: Severity,
    /// The surest of those of that severity.
    pub confidence: Confidence,
    /// Where, sorted, at least one; more than one for a sensitive rule whose bytes were found again
    /// and for a rule with `identity`.
    pub places: Vec<Place>,
    /// Places that explain it, the most important first, at most 100.
    pub related: Vec<Place>,
    /// The arguments, redacted and printable.
    pub parameters: BTreeMap<String, Argument>,
    /// Why it does not count, if it does not.
    pub suppressed: Option<Suppression>,
}

impl ReportFinding<'_> {
    /// Whose finding it is.
    pub fn plugin_id(&self) -> &PluginId {
        &self.plugin.plugin.id
    }

    /// `secrets/aws-access-key`: the plugin's short name and the rule.
    pub fn rule_name(&self) -> String {
        format!("{}/{}", self.plugin_id().short_name(), self.rule.id)
    }
}

/// One argument of a finding as reports show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Redacted, printable, at most 256 bytes.
    Text(String),
    /// A number.
    Number(i64),
    /// A flag.
    Flag(bool),
    /// A place, without a snippet.
    Place(Place),
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => f.write_str(if *flag { "yes" } else { "no" }),
            Self::Place(place) => write!(f, "{place}"),
        }
    }
}

/// Places by file and span, looked up in files that are read once.
#[derive(Default)]
pub(crate) struct Places(BTreeMap<RepoPath, BTreeMap<Option<Span>, Place>>);

impl Places {
    /// The place of `location`, which is one of those that were asked for, or the bare place.
    pub(crate) fn get(&self, location: &Location) -> Place {
        let known = self.0.get(&location.path).and_then(|places| places.get(&location.span));
        match known {
            Some(place) if location.revision == Revision::Head => place.clone(),
            _ => bare_place(location),
        }
    }
}

/// What is asked of one file.
#[derive(Default)]
struct Asked {
    spans: BTreeSet<Option<Span>>,
    with_snippet: BTreeSet<Option<Span>>,
    findings: Vec<usize>,
}

/// Findings merged, in the order of reports: by plugin, path, side, span, rule, fingerprint. Also
/// returns the places of `evidence`, which is what proves the inventory.
pub(crate) fn findings<'a>(
    stated: &[Stated<'a>],
    evidence: impl Iterator<Item = &'a Location>,
    workspace: &dyn Workspace,
    redactor: &Redactor,
) -> Result<(Vec<ReportFinding<'a>>, Places), Error> {
    let (marks, places) = look_up(stated, evidence, workspace, redactor)?;
    let mut equals: BTreeMap<(&PluginId, &str, &RepoPath, Mark), u64> = BTreeMap::new();
    let mut groups: BTreeMap<(&PluginId, Fingerprint), Vec<&Stated<'a>>> = BTreeMap::new();
    for (one, mark) in stated.iter().zip(marks) {
        let plugin = &one.run.manifest.plugin.id;
        let mut ordinal = 0;
        if !fingerprint::merges(one) {
            let before = equals.entry((plugin, one.rule.id.as_str(), &one.finding.at.path, mark)).or_default();
            ordinal = *before;
            *before += 1;
        }
        groups.entry((plugin, fingerprint::fingerprint(one, mark, ordinal))).or_default().push(one);
    }
    let mut merged: Vec<_> =
        groups.into_iter().map(|((_, fingerprint), group)| merge(fingerprint, &group, &places, redactor)).collect();
    merged.sort_by(|a, b| order(a).cmp(&order(b)));
    Ok((merged, places))
}

/// What reports are ordered by.
fn order<'f>(
    finding: &'f ReportFinding<'_>,
) -> (&'f PluginId, Option<(&'f RepoPath, Revision, Option<Span>)>, &'f str, Fingerprint) {
    let first = finding.places.first().map(|place| (&place.path, place.revision, place.span));
    (finding.plugin_id(), first, finding.rule.id.as_str(), finding.fingerprint)
}

/// Reads each file once: the mark of each finding, and every place that a report may show.
fn look_up<'a>(
    stated: &[Stated<'a>],
    evidence: impl Iterator<Item = &'a Location>,
    workspace: &dyn Workspace,
    redactor: &Redactor,
) -> Result<(Vec<Mark>, Places), Error> {
    let mut asked: BTreeMap<&RepoPath, Asked> = BTreeMap::new();
    let mut marks: Vec<Option<Mark>> = vec![None; stated.len()];
    for (index, one) in stated.iter().enumerate() {
        let at = &one.finding.at;
        if at.revision == Revision::Head {
            let file = asked.entry(&at.path).or_default();
            file.findings.push(index);
            file.with_snippet.insert(at.span);
        }
        let arguments = one.finding.parameters.iter().filter_map(|parameter| match &parameter.value {
            Value::Location(location) => Some(location),
            _ => None,
        });
        for location in one.finding.related.iter().chain(arguments).filter(|l| l.revision == Revision::Head) {
            asked.entry(&location.path).or_default().spans.insert(location.span);
        }
    }
    for location in evidence.filter(|location| location.revision == Revision::Head) {
        asked.entry(&location.path).or_default().spans.insert(location.span);
    }
    let mut places = Places::default();
    for (path, mut file) in asked {
        file.spans.extend(&file.with_snippet);
        let Some(evidence) = Evidence::open(workspace, redactor, path, &file.spans)? else { continue };
        let found = file.spans.iter().map(|span| (*span, evidence.place(*span, file.with_snippet.contains(span))));
        places.0.insert(path.clone(), found.collect());
        for index in file.findings {
            marks[index] = Some(fingerprint::mark(&stated[index], Some(&evidence)));
        }
    }
    let marks = stated.iter().zip(marks).map(|(one, known)| known.unwrap_or_else(|| fingerprint::mark(one, None)));
    Ok((marks.collect(), places))
}

/// One finding of all that have one fingerprint: the worst of them speaks, all their places stay.
fn merge<'a>(
    fingerprint: Fingerprint,
    group: &[&Stated<'a>],
    places: &Places,
    redactor: &Redactor,
) -> ReportFinding<'a> {
    let mut speaker = group[0];
    for one in group {
        let rank = |stated: &Stated<'_>| (stated.finding.severity, stated.finding.confidence);
        if rank(one) > rank(speaker) {
            speaker = one;
        }
    }
    let without_snippet = |location: &Location| Place { snippet: None, ..places.get(location) };
    let parameters = speaker.finding.parameters.iter().map(|parameter| {
        let argument = match &parameter.value {
            Value::Text(text) => Argument::Text(redactor.text(text)),
            Value::Number(number) => Argument::Number(*number),
            Value::Flag(flag) => Argument::Flag(*flag),
            Value::Location(location) => Argument::Place(without_snippet(location)),
        };
        (parameter.name.clone(), argument)
    });
    let parameters = parameters.collect();
    let all_places: BTreeSet<_> = group.iter().map(|one| places.get(&one.finding.at)).collect();
    let mut related: Vec<Place> = Vec::new();
    for location in std::iter::once(&speaker).chain(group).flat_map(|one| &one.finding.related) {
        let place = without_snippet(location);
        if related.len() < MOST_RELATED && !related.contains(&place) {
            related.push(place);
        }
    }
    ReportFinding {
        fingerprint,
        plugin: &speaker.run.manifest,
        rule: speaker.rule,
        message: message::message(&speaker.rule.message, &parameters),
        severity: speaker.finding.severity,
        confidence: speaker.finding.confidence,
        places: all_places.into_iter().collect(),
        related,
        parameters,
        suppressed: None,
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
