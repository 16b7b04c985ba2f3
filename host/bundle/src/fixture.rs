//! A small bundle for tests.

use std::path::{Path, PathBuf};

use certus_model::decision::PolicyResult;
use certus_model::ledger::{Operation, Outcome, Uses, chain};
use certus_model::outcome::Verdict;
use certus_model::source::SourceRecord;
use certus_model::{FailureReason, OnError, PluginId, Sha256, canonical_json};
use certus_signing::{KeySet, SigningKey};
use serde_json::json;

use crate::{
    BundleFiles, End, Error, Existing, FileName, Mode, Output, PluginUse, Refusal, ScanFacts, ScanFailure, Scanned,
    Verification, verify,
};

/// The scan id of every fixture.
pub(crate) const SCAN: &str = "test_0123456789ab";

/// Every file that a bundle may hold.
pub(crate) fn files() -> BundleFiles {
    let manifest = b"{ \"product\": \"p\" }\n".to_vec();
    let info = json!({
        "product": "p", "version": "1", "profile_requested": "light", "profile_resolved": "light",
        "profile_built_in": true, "tools_requested": [], "tools_selected": [], "manifest_digest": Sha256::of(&manifest),
        "manifest_verified": false, "unsupported_manifest_tools": [], "policy_thresholds": {}, "requires_stack": false,
    });
    let mut files = required_files();
    let more = [
        (FileName::Summary, br#"{"executed":[]}"#.to_vec()),
        (FileName::Manifest, manifest),
        (FileName::ManifestInfo, canonical_json(&info).unwrap()),
        (FileName::Sarif, br#"{"runs":[{"rank":0.1}]}"#.to_vec()),
        (FileName::CycloneDx, br#"{"components":[]}"#.to_vec()),
        (FileName::Spdx, br#"{"packages":[]}"#.to_vec()),
        (FileName::Html, b"<!doctype html>\n".to_vec()),
        (FileName::Events, b"{ \"event\": 1 }\n".to_vec()),
    ];
    more.into_iter().for_each(|(name, bytes)| files.insert(name, bytes).unwrap());
    files
}

/// The fewest files, and a ledger.
pub(crate) fn required_files() -> BundleFiles {
    let policy = PolicyResult {
        decision: Verdict::Pass,
        passed: true,
        thresholds: Default::default(),
        on_error: OnError::Closed,
        counts: Some(Default::default()),
        suppressed: 0,
        violations: Vec::new(),
        gaps: Vec::new(),
    };
    let plugin: PluginId = "certus.secrets".parse().unwrap();
    let mut uses = Uses::default();
    uses.record(Operation::File, "a.py", Outcome::Ok, 3);
    uses.record(Operation::File, "b.py", Outcome::Ok, 4);
    let mut files = BundleFiles::default();
    let least = [
        (FileName::Findings, br#"{"findings":[]}"#.to_vec()),
        (FileName::Coverage, br#"{"plugins":[]}"#.to_vec()),
        (FileName::Ledger, chain([(&plugin, &uses)]).unwrap()),
        (FileName::PolicyResult, canonical_json(&policy).unwrap()),
        (
            FileName::Scan,
            canonical_json(&json!({"test_id": SCAN, "mode": "production", "status": "SUCCEEDED"})).unwrap(),
        ),
    ];
    least.into_iter().for_each(|(name, bytes)| files.insert(name, bytes).unwrap());
    files
}

pub(crate) fn facts() -> ScanFacts {
    let plugin =
        PluginUse { id: "certus.secrets".parse().unwrap(), version: "0.1.0".into(), digest: Sha256::of(b"component") };
    ScanFacts {
        scan_id: SCAN.parse().unwrap(),
        mode: Mode::Production,
        end: End::Report(Scanned {
            source: SourceRecord::Directory { directory_path: "src".into() },
            tree_digest: Sha256::of(b"tree"),
            plugins: vec![plugin],
        }),
        started_at: "2026-11-21T10:00:00Z".parse().unwrap(),
        finished_at: "2026-11-21T10:00:01.5Z".parse().unwrap(),
        host_version: "0.1.0".into(),
    }
}

/// The files of a scan that failed.
pub(crate) fn failed_files(reason: FailureReason) -> BundleFiles {
    let policy = PolicyResult::of_failure("nothing was scanned".into(), OnError::Closed);
    let scan = json!({"test_id": SCAN, "mode": "production", "status": reason.status()});
    let mut files = BundleFiles::default();
    files.insert(FileName::PolicyResult, canonical_json(&policy).unwrap()).unwrap();
    files.insert(FileName::Scan, canonical_json(&scan).unwrap()).unwrap();
    files.insert(FileName::Events, b"{}\n".to_vec()).unwrap();
    files
}

pub(crate) fn failed_facts(reason: FailureReason) -> ScanFacts {
    let end = End::Failure(ScanFailure { asked: "dir:src".into(), reason, message: "there is nothing".into() });
    ScanFacts { end, ..facts() }
}

/// Writes `files` to `folder`/bundle.
pub(crate) fn write(folder: &Path, files: &BundleFiles, key: &SigningKey) -> (PathBuf, Verification) {
    let out = folder.join("bundle");
    let verification = Output::open(&out, Existing::Keep).unwrap().write(files, facts(), key).unwrap();
    (out, verification)
}

pub(crate) fn keys_of(key: &SigningKey) -> KeySet {
    KeySet::from_iter([key.public().clone()])
}

/// What `verify` has against the bundle.
pub(crate) fn refused(name: &str, bundle: &Path, keys: &KeySet) -> Refusal {
    match verify(bundle, keys) {
        Err(Error::Refused(refusal)) => refusal,
        Err(error) => panic!("{name}: {error}"),
        Ok(_) => panic!("{name}: the bundle verifies"),
    }
}
