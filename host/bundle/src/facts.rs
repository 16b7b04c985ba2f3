//! Which scan it was, and what it came to: a report, or a reason why there is none.

use certus_model::source::SourceRecord;
use certus_model::{FailureReason, Mode, ScanId, Sha256};
use serde::{Deserialize, Serialize};

use crate::attestation::{PluginUse, UtcTime};
use crate::name::FileName;

/// Which scan of what, by what, when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stated", into = "Stated")]
pub struct ScanFacts {
    /// The scan's id, as in `scan.json`.
    pub scan_id: ScanId,
    /// Whether it was a real scan, as in `scan.json`.
    pub mode: Mode,
    /// What it came to, as in `scan.json`.
    pub end: End,
    /// When it began.
    pub started_at: UtcTime,
    /// When everything that is signed was there.
    pub finished_at: UtcTime,
    /// The version of the host.
    pub host_version: String,
}

/// What a scan came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Plugins ran over a tree.
    Report(Scanned),
    /// There is no report, so nothing is said of any tree.
    Failure(ScanFailure),
}

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// What was scanned.
    pub source: SourceRecord,
    /// The digest of the tree that was scanned.
    pub tree_digest: Sha256,
    /// The plugins that ran, in their order.
    pub plugins: Vec<PluginUse>,
}

/// Why nothing was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanFailure {
    /// What was to be scanned, as it was asked for, without secrets.
    pub asked: String,
    /// Why there is no report.
    pub reason: FailureReason,
    /// The same in one sentence for people.
    pub message: String,
}

impl End {
    /// The word for it in `scan.json`: `SUCCEEDED`, `FAILED` or `CANCELLED`.
    pub const fn status(&self) -> &'static str {
        match self {
            Self::Report(_) => "SUCCEEDED",
            Self::Failure(failure) => failure.reason.status(),
        }
    }

    /// The files without which such a bundle says too little to be trusted.
    pub(crate) const fn required(&self) -> &'static [FileName] {
        match self {
            Self::Report(_) => &FileName::OF_A_REPORT,
            Self::Failure(_) => &FileName::OF_A_FAILURE,
        }
    }

    /// Whether such a bundle may hold the file: a scan that failed has found nothing and looked at nothing.
    pub(crate) fn allows(&self, name: FileName) -> bool {
        matches!(self, Self::Report(_)) || FileName::OF_A_FAILURE.contains(&name)
    }
}

/// The facts as they are signed. Those of a report are the first version's, to the byte.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    scan_id: ScanId,
    mode: Mode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<SourceRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tree_digest: Option<Sha256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plugins: Option<Vec<PluginUse>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<ScanFailure>,
    started_at: UtcTime,
    finished_at: UtcTime,
    host_version: String,
}

impl From<ScanFacts> for Stated {
    fn from(facts: ScanFacts) -> Self {
        let ScanFacts { scan_id, mode, end, started_at, finished_at, host_version } = facts;
        let (scanned, failure) = match end {
            End::Report(scanned) => (Some(scanned), None),
            End::Failure(failure) => (None, Some(failure)),
        };
        let (source, tree_digest, plugins) = match scanned {
            Some(Scanned { source, tree_digest, plugins }) => (Some(source), Some(tree_digest), Some(plugins)),
            None => (None, None, None),
        };
        Self { scan_id, mode, source, tree_digest, plugins, failure, started_at, finished_at, host_version }
    }
}

impl TryFrom<Stated> for ScanFacts {
    type Error = &'static str;

    fn try_from(stated: Stated) -> Result<Self, &'static str> {
        let Stated { scan_id, mode, source, tree_digest, plugins, failure, started_at, finished_at, host_version } =
            stated;
        let end = match (source, tree_digest, plugins, failure) {
            (Some(source), Some(tree_digest), Some(plugins), None) => {
                End::Report(Scanned { source, tree_digest, plugins })
            }
            (None, None, None, Some(failure)) => End::Failure(failure),
            _ => return Err("it states neither a whole scan nor a failure"),
        };
        Ok(Self { scan_id, mode, end, started_at, finished_at, host_version })
    }
}

#[cfg(test)]
mod tests {
    use certus_model::canonical_json;
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{facts, failed_facts};

    fn to_value(facts: &ScanFacts) -> Value {
        serde_json::from_slice(&canonical_json(facts).unwrap()).unwrap()
    }

    #[test]
    fn both_ends_read_back_and_say_nothing_of_the_other() {
        for (facts, present, absent, status) in [
            (facts(), ["source", "tree_digest", "plugins"].as_slice(), ["failure"].as_slice(), "SUCCEEDED"),
            (failed_facts(FailureReason::NotFound), &["failure"], &["source", "tree_digest", "plugins"], "FAILED"),
            (failed_facts(FailureReason::Cancelled), &["failure"], &["source", "tree_digest", "plugins"], "CANCELLED"),
        ] {
            let value = to_value(&facts);
            assert!(present.iter().all(|key| value.get(key).is_some()), "{value}");
            assert!(absent.iter().all(|key| value.get(key).is_none()), "{value}");
            assert_eq!(facts.end.status(), status);
            assert_eq!(serde_json::from_value::<ScanFacts>(value).unwrap(), facts);
        }
    }

    #[test]
    fn those_of_a_report_are_the_first_versions_to_the_byte() {
        let first = format!(
            r#"{{"finished_at":"2026-11-21T10:00:01.5Z","host_version":"0.1.0","mode":"production","plugins":[{{"digest":"{}","id":"certus.secrets","version":"0.1.0"}}],"scan_id":"test_0123456789ab","source":{{"directory_path":"src","source_type":"directory"}},"started_at":"2026-11-21T10:00:00Z","tree_digest":"{}"}}"#,
            Sha256::of(b"component"),
            Sha256::of(b"tree")
        );
        assert_eq!(String::from_utf8(canonical_json(&facts()).unwrap()).unwrap(), first);
    }

    #[test]
    fn what_is_neither_is_refused() {
        type Edit = fn(&mut Value);
        let table: [(&str, Edit); 4] = [
            ("both", |v| v["failure"] = to_value(&failed_facts(FailureReason::Internal))["failure"].clone()),
            ("neither", |v| {
                v.as_object_mut()
                    .unwrap()
                    .retain(|key, _| !["source", "tree_digest", "plugins"].contains(&key.as_str()));
            }),
            ("half a scan", |v| drop(v.as_object_mut().unwrap().remove("tree_digest"))),
            ("unknown key", |v| v["more"] = json!(1)),
        ];
        for (name, edit) in table {
            let mut value = to_value(&facts());
            edit(&mut value);
            assert!(serde_json::from_value::<ScanFacts>(value).is_err(), "{name}");
        }
    }
}
