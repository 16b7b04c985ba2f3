//! What names and dates a report: functions of what was scanned and with what, never of the clock.

use std::collections::BTreeMap;

use certus_model::plugin::SettingValue;
use certus_model::source::SourceRecord;
use certus_model::{PluginId, PluginRun, Sha256};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::Error;

/// Version of the rules by which a serial number is made; part of what it is made of.
const SCHEME: &str = "certus-serial/1";

#[derive(Serialize)]
struct Ingredients<'a> {
    scheme: &'static str,
    host_version: &'a str,
    source_name: String,
    commit_time: i64,
    tree_digest: Sha256,
    plugins: BTreeMap<&'a PluginId, (Sha256, &'a BTreeMap<String, SettingValue>)>,
}

/// The serial number of a scan's result: UUID v5 over the host's version, the source's name and time,
/// the tree digest, and each plugin's digest and settings.
pub(crate) fn serial(
    runs: &[&PluginRun],
    source: &SourceRecord,
    tree_digest: Sha256,
    host_version: &str,
) -> Result<Uuid, Error> {
    let plugins = runs.iter().map(|run| (&run.manifest.plugin.id, (run.digest, &run.settings))).collect();
    let ingredients = Ingredients {
        scheme: SCHEME,
        host_version,
        source_name: source.name(),
        commit_time: source.commit_time(),
        tree_digest,
        plugins,
    };
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"https://certus.dev/result");
    // Not the canonical form, in which large settings that differ may read the same: its numbers are doubles.
    Ok(Uuid::new_v5(&namespace, &serde_json::to_vec(&ingredients)?))
}

/// The commit's time as RFC 3339 in UTC, to the second; the epoch where there is no commit or its time
/// lies outside the years 0 to 9999.
pub(crate) fn generated_at(source: &SourceRecord) -> String {
    let time = Timestamp::from_second(source.commit_time()).unwrap_or(Timestamp::UNIX_EPOCH);
    let text = time.to_string();
    if text.len() == "1970-01-01T00:00:00Z".len() { text } else { Timestamp::UNIX_EPOCH.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_the_commits() {
        let git = |commit_time| SourceRecord::Git {
            git_url: "https://example.org/x".to_owned(),
            git_commit: "0".repeat(40),
            commit_time,
            branch: None,
        };
        for (time, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (i64::MAX, "1970-01-01T00:00:00Z"),
            (-99_999_999_999, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(generated_at(&git(time)), expected, "{time}");
        }
    }
}
