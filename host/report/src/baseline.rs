//! Findings that somebody has looked at and let pass, each with a reason.

use std::collections::BTreeMap;
use std::str::FromStr;

use certus_model::escape::one_line;
use certus_model::{RepoPath, RuleId};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::evidence::Redactor;
use crate::findings::{Fingerprint, ReportFinding};

/// A checked baseline: the text of a TOML file with any number of
///
/// ```toml
/// [[suppression]]
/// fingerprint = "0123456789abcdef0123456789abcdef"   # this one finding; or
/// path = "tests/**"                                  # every finding whose places all match
/// rule = "secrets/aws-access-key-id"                    # with `path` alone: only of this rule
/// reason = "Documented example keys."                # what a reviewer should know; required
/// ```
///
/// and of
///
/// ```toml
/// [[gap]]
/// path = "tests/broken/**"                           # files that scanners need not be able to analyse
/// reason = "Broken on purpose."                      # required
/// ```
///
/// A suppressed finding stays in every report and counts against no threshold. A path suppresses a
/// finding only if it matches all of its places: a secret that is copied out of `tests/` counts again.
/// An accepted gap stays in the coverage statement and makes no decision `error`.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    gaps: GlobSet,
    entries: Vec<Entry>,
    by_fingerprint: BTreeMap<Fingerprint, usize>,
    paths: GlobSet,
    /// The entry of each glob of `paths`.
    path_entries: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Entry {
    by: String,
    rule: Option<RuleFilter>,
    reason: String,
}

/// Why a finding does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suppression {
    /// The reason that the baseline gives.
    pub reason: String,
    /// The entry of the baseline: `fingerprint …` or `path …`.
    pub by: String,
}

/// An entry of the baseline that suppressed nothing: what it was for is gone, or it is mistyped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnusedSuppression {
    /// Its number in the file, from 1.
    pub number: usize,
    /// `fingerprint …` or `path …`.
    pub by: String,
    /// The reason it gives.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    suppression: Vec<FileEntry>,
    #[serde(default)]
    gap: Vec<GapEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GapEntry {
    path: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEntry {
    fingerprint: Option<String>,
    path: Option<String>,
    rule: Option<String>,
    reason: String,
}

/// `rule`, `plugin/rule` with the plugin's short name, or with its whole id.
#[derive(Clone, Debug)]
struct RuleFilter {
    plugin: Option<String>,
    rule: RuleId,
}

impl RuleFilter {
    fn takes(&self, finding: &ReportFinding<'_>) -> bool {
        let id = finding.plugin_id();
        let plugin = self.plugin.as_deref().is_none_or(|name| name == id.short_name() || name == id.as_str());
        plugin && self.rule == finding.rule.id
    }
}

impl FromStr for Baseline {
    type Err = Error;

    /// Reads and checks the text: unknown keys, an entry with neither or both of `fingerprint` and
    /// `path`, a fingerprint named twice, an unusable glob or rule and an empty reason are refused.
    fn from_str(text: &str) -> Result<Self, Error> {
        let file: File = toml::from_str(text).map_err(|error| Error::Baseline {
            key: "the text".to_owned(),
            problem: format!("does not parse: {}", one_line(error.message(), 300)),
        })?;
        let mut baseline = Self { gaps: gap_globs(&file.gap)?, ..Self::default() };
        let mut globs = GlobSetBuilder::new();
        for (index, entry) in file.suppression.into_iter().enumerate() {
            let refuse = |problem: String| Error::Baseline { key: format!("suppression {}", index + 1), problem };
            if entry.reason.trim().is_empty() {
                return Err(refuse("has an empty reason; say why the finding may pass".to_owned()));
            }
            let by = match (&entry.fingerprint, &entry.path) {
                (Some(_), None) if entry.rule.is_some() => {
                    return Err(refuse(
                        "has a rule beside its fingerprint, which names one finding; drop `rule`".to_owned(),
                    ));
                }
                (Some(text), None) => {
                    let fingerprint: Fingerprint =
                        text.parse().map_err(|error: Error| refuse(format!("has a {error}")))?;
                    if baseline.by_fingerprint.insert(fingerprint, index).is_some() {
                        return Err(refuse(format!(
                            "names fingerprint `{fingerprint}` a second time; keep one of them"
                        )));
                    }
                    format!("fingerprint {fingerprint}")
                }
                (None, Some(glob)) => {
                    let built = GlobBuilder::new(glob).literal_separator(true).build();
                    let shown = one_line(glob, 200);
                    globs.add(built.map_err(|error| {
                        refuse(format!("has the unusable glob `{shown}`: {}", one_line(&error.kind().to_string(), 200)))
                    })?);
                    baseline.path_entries.push(index);
                    format!("path {shown}")
                }
                _ => return Err(refuse("must have either `fingerprint` or `path`".to_owned())),
            };
            let rule = entry.rule.as_deref().map(rule_filter).transpose().map_err(refuse)?;
            baseline.entries.push(Entry { by, rule, reason: one_line(entry.reason.trim(), 1000) });
        }
        baseline.paths = globs.build().map_err(|error| Error::Baseline {
            key: "its globs".to_owned(),
            problem: format!("are too large together: {}", one_line(&error.kind().to_string(), 200)),
        })?;
        Ok(baseline)
    }
}

/// The globs of the accepted gaps.
fn gap_globs(gaps: &[GapEntry]) -> Result<GlobSet, Error> {
    let mut globs = GlobSetBuilder::new();
    for (number, gap) in (1..).zip(gaps) {
        let refuse = |problem: String| Error::Baseline { key: format!("gap {number}"), problem };
        if gap.reason.trim().is_empty() {
            return Err(refuse("has an empty reason; say why the files need not be analysed".to_owned()));
        }
        let glob = GlobBuilder::new(&gap.path).literal_separator(true).build();
        globs.add(glob.map_err(|error| {
            let kind = one_line(&error.kind().to_string(), 200);
            refuse(format!("has the unusable glob `{}`: {kind}", one_line(&gap.path, 200)))
        })?);
    }
    globs.build().map_err(|error| Error::Baseline {
        key: "its globs".to_owned(),
        problem: format!("are too large together: {}", one_line(&error.kind().to_string(), 200)),
    })
}

fn rule_filter(text: &str) -> Result<RuleFilter, String> {
    let (plugin, rule) = match text.rsplit_once('/') {
        Some((plugin, rule)) => (Some(plugin.to_owned()), rule),
        None => (None, text),
    };
    match (plugin.as_deref().unwrap_or("any"), rule.parse()) {
        ("", _) | (_, Err(_)) => Err(format!(
            "has the rule `{}`; write a rule's id, or `plugin/rule` such as `secrets/aws-access-key-id`",
            one_line(text, 100)
        )),
        (_, Ok(rule)) => Ok(RuleFilter { plugin, rule }),
    }
}

impl Baseline {
    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Marks what it suppresses, the first entry winning; what suppressed nothing is returned.
    /// Whether the file at `path` need not be analysed.
    pub(crate) fn accepts_gap(&self, path: &RepoPath) -> bool {
        self.gaps.is_match(path.as_str())
    }

    pub(crate) fn apply(&self, findings: &mut [ReportFinding<'_>], redactor: &Redactor) -> Vec<UnusedSuppression> {
        let mut used = vec![false; self.entries.len()];
        for finding in findings {
            let all = self.suppressing(finding);
            for index in &all {
                used[*index] = true;
            }
            finding.suppressed = all.first().map(|index| {
                let entry = &self.entries[*index];
                Suppression { reason: redactor.text(&entry.reason), by: entry.by.clone() }
            });
        }
        let unused = self.entries.iter().enumerate().filter(|(index, _)| !used[*index]);
        unused
            .map(|(index, entry)| UnusedSuppression {
                number: index + 1,
                by: entry.by.clone(),
                reason: redactor.text(&entry.reason),
            })
            .collect()
    }

    /// The entries that suppress `finding`, in the file's order.
    fn suppressing(&self, finding: &ReportFinding<'_>) -> Vec<usize> {
        let mut found: Vec<usize> = self.by_fingerprint.get(&finding.fingerprint).copied().into_iter().collect();
        let mut places = finding.places.iter().map(|place| self.paths.matches(place.path.as_str()));
        let first = places.next().unwrap_or_default();
        let rest: Vec<_> = if first.is_empty() { Vec::new() } else { places.collect() };
        let everywhere = first.into_iter().filter(|glob| rest.iter().all(|matches| matches.contains(glob)));
        let entries = everywhere.map(|glob| self.path_entries[glob]);
        found.extend(entries.filter(|index| self.entries[*index].rule.as_ref().is_none_or(|rule| rule.takes(finding))));
        found.sort_unstable();
        found
    }
}

#[cfg(test)]
mod tests;
