//! What the store is told of a bundle: read from the bundle itself, so that both say the same.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use certus_bundle::{FileName, UtcTime};
use certus_model::outcome::Verdict;
use certus_model::{ScanStatus, Severity};
use certus_store::{Blobs, Ending, Error as StoreError, FindingRow, Lease};
use serde::Deserialize;
use serde_json::Value as Json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Workers;
use super::attempt::keep_trying;
use super::watchman::Signal;

/// What is read of `scan.json`.
#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    provenance_id: Option<String>,
    #[serde(default)]
    git_commit: Option<String>,
    #[serde(default)]
    artifacts: BTreeMap<String, String>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    errors: Vec<String>,
}

/// What is read of a finding in `findings.json`.
#[derive(Deserialize)]
struct Finding {
    fingerprint: String,
    plugin: String,
    rule: String,
    severity: Severity,
    #[serde(default)]
    places: Vec<Place>,
    #[serde(default)]
    suppressed: Option<Json>,
}

#[derive(Deserialize)]
struct Place {
    path: String,
    #[serde(default)]
    start_line: Option<i64>,
}

/// The end of a scan whose bundle is written, once that is kept for good.
pub(super) async fn of_bundle(
    workers: &Arc<Workers>,
    lease: &Lease,
    signal: &Signal,
    status: ScanStatus,
    decision: Verdict,
    events: Vec<Json>,
) -> Result<Ending, StoreError> {
    let name = Blobs::bundle_name(&lease.scan, lease.fence);
    let record: Record = {
        let mut text = Vec::new();
        let mut file = workers.blobs.incoming_file(&name, FileName::Scan.path())?;
        let malformed = || StoreError::Malformed { what: "scan.json" };
        file.read_to_end(&mut text).map_err(|_| malformed())?;
        serde_json::from_slice(&text).map_err(|_| malformed())?
    };
    let bytes = workers.blobs.incoming_bytes(&name)?;
    keep_trying(signal, || workers.blobs.keep_bundle(&name)).await?;
    certus_store::crash_point("job-bundle-kept");
    Ok(Ending {
        errors: record.errors,
        warnings: record.warnings,
        artifacts: record.artifacts,
        bundle: Some(name),
        bundle_bytes: i64::try_from(bytes).ok(),
        provenance_id: record.provenance_id,
        resolved_commit: record.git_commit,
        events,
        ..Ending::new(status, decision)
    })
}

/// The end of a scan of which nothing could be written.
pub(super) fn without_bundle(status: ScanStatus, message: &str) -> Ending {
    let word = if status == ScanStatus::Cancelled { "CANCELLED" } else { "FAILED" };
    Ending {
        errors: vec![message.to_owned()],
        events: vec![
            serde_json::json!({ "type": "error", "message": message }),
            serde_json::json!({ "type": "scan_complete", "status": word, "decision": "error" }),
        ],
        ..Ending::new(status, Verdict::Error)
    }
}

/// The findings of `findings.json` as rows.
pub(super) fn findings(document: &[u8]) -> Result<Vec<FindingRow>, StoreError> {
    let malformed = |_| StoreError::Malformed { what: "findings.json" };
    #[derive(Deserialize)]
    struct Document {
        findings: Vec<Json>,
    }
    let document: Document = serde_json::from_slice(document).map_err(malformed)?;
    let row = |(ordinal, body): (usize, Json)| {
        let finding = Finding::deserialize(&body).map_err(malformed)?;
        let place = finding.places.into_iter().next();
        Ok(FindingRow {
            ordinal: i64::try_from(ordinal).unwrap_or(i64::MAX),
            fingerprint: finding.fingerprint,
            plugin: finding.plugin,
            rule: finding.rule,
            severity: finding.severity,
            line: place.as_ref().and_then(|place| place.start_line),
            path: place.map(|place| place.path),
            suppressed: finding.suppressed.is_some(),
            body,
        })
    };
    document.findings.into_iter().enumerate().map(row).collect()
}

/// Milliseconds since 1970 as bundles write times.
pub(super) fn utc_time(millis: i64) -> Option<UtcTime> {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()?;
    time.format(&Rfc3339).ok()?.parse().ok()
}
