//! Bundles that a known key signed although they are unsound: a faulty or hostile host.

#![allow(clippy::disallowed_methods, reason = "tests prepare bundles from outside")]

use std::fs;
use std::path::{Path, PathBuf};

use certus_model::outcome::Verdict;
use certus_model::{FailureReason, Sha256, canonical_json};
use certus_signing::{KeySet, SigningKey, Statement, Subject};
use serde_json::json;

use crate::attestation::{PREDICATE_TYPE, subjects};
use crate::fixture::{SCAN, facts, failed_facts, failed_files, files, keys_of, refused};
use crate::{BundleFiles, verify};
use certus_model::document::INDEX;

use super::*;

/// What differs from a sound bundle. Everything else is made to fit, and signed.
struct Forgery {
    file: Option<(FileName, Vec<u8>)>,
    index: fn(String) -> String,
    predicate: fn(&mut Predicate),
    subjects: fn(&mut Vec<Subject>),
}

const SOUND: Forgery = Forgery { file: None, index: |text| text, predicate: |_| {}, subjects: |_| {} };

fn file(name: FileName, bytes: impl Into<Vec<u8>>) -> Forgery {
    Forgery { file: Some((name, bytes.into())), ..SOUND }
}

fn forge(folder: &Path, key: &SigningKey, forgery: Forgery) -> PathBuf {
    let mut forged = BundleFiles::default();
    for (name, bytes) in files().iter() {
        let bytes = forgery.file.as_ref().filter(|(forged, _)| *forged == name).map_or(bytes, |(_, bytes)| bytes);
        forged.insert(name, bytes.to_vec()).unwrap();
    }
    sign(folder, key, &forged, forgery.index, forgery.predicate, forgery.subjects)
}

/// A bundle of `files` whose statement is changed by `edit` before it is signed.
fn forge_files(folder: &Path, key: &SigningKey, files: &BundleFiles, edit: impl FnOnce(&mut Predicate)) -> PathBuf {
    sign(folder, key, files, |text| text, edit, |_| {})
}

fn sign(
    folder: &Path,
    key: &SigningKey,
    forged: &BundleFiles,
    edit_index: impl FnOnce(String) -> String,
    edit_predicate: impl FnOnce(&mut Predicate),
    edit_subjects: impl FnOnce(&mut Vec<Subject>),
) -> PathBuf {
    let index = Index::of(forged).unwrap();
    let index_bytes = edit_index(String::from_utf8(index.to_bytes().unwrap()).unwrap()).into_bytes();
    let mut predicate =
        Predicate { decision: Verdict::Pass, development: false, result_digest: index.result_digest(), scan: facts() };
    edit_predicate(&mut predicate);
    let mut subjects = subjects(&index, Sha256::of(&index_bytes));
    edit_subjects(&mut subjects);
    let attestation = Statement::new(subjects, PREDICATE_TYPE, predicate).sign(key).unwrap().to_bytes().unwrap();

    let bundle = folder.join("bundle");
    let listed = forged.iter().map(|(name, bytes)| (name.path(), bytes));
    for (path, bytes) in listed.chain([(INDEX, &*index_bytes), (ATTESTATION, &*attestation)]) {
        fs::create_dir_all(bundle.join(path).parent().unwrap()).unwrap();
        fs::write(bundle.join(path), bytes).unwrap();
    }
    bundle
}

#[test]
fn a_signature_does_not_make_an_unsound_bundle_sound() {
    let ledger = String::from_utf8(files().get(FileName::Ledger).unwrap().to_vec()).unwrap();
    let policy = String::from_utf8(files().get(FileName::PolicyResult).unwrap().to_vec()).unwrap();
    let mut uncounted: serde_json::Value = serde_json::from_str(&policy).unwrap();
    uncounted.as_object_mut().unwrap().remove("counts");
    let scan = |value: serde_json::Value| file(FileName::Scan, canonical_json(&value).unwrap());
    let table = [
        ("findings with white space", file(FileName::Findings, "{ }"), "findings.json", "canonical"),
        ("findings with a key twice", file(FileName::Findings, r#"{"a":1,"a":1}"#), "findings.json", "canonical"),
        (
            "SARIF with keys unsorted",
            file(FileName::Sarif, r#"{"b":1,"a":1}"#),
            "reports/sast/findings.sarif.json",
            "canonical",
        ),
        ("SBOM with a long number", file(FileName::Spdx, r#"{"a":1.0}"#), "reports/sbom/sbom.spdx.json", "canonical"),
        ("no JSON", file(FileName::Coverage, "coverage"), "coverage.json", "malformed"),
        (
            "ledger with a changed line",
            file(FileName::Ledger, ledger.replacen("\"bytes\":3", "\"bytes\":2", 1)),
            "ledger.jsonl",
            "line 2",
        ),
        ("ledger cut short", file(FileName::Ledger, ledger.trim_end()), "ledger.jsonl", "line 2"),
        (
            "scan of another id",
            scan(json!({"test_id": "test_ffffffffffff", "mode": "production", "status": "SUCCEEDED"})),
            ATTESTATION,
            "scan id",
        ),
        ("scan without a mode", scan(json!({"test_id": SCAN, "status": "SUCCEEDED"})), "scan.json", "malformed"),
        ("scan without a status", scan(json!({"test_id": SCAN, "mode": "production"})), "scan.json", "malformed"),
        (
            "a scan that failed passed off as a report",
            scan(json!({"test_id": SCAN, "mode": "production", "status": "FAILED"})),
            ATTESTATION,
            "the status is `SUCCEEDED`",
        ),
        (
            "a report passed off as a failure",
            Forgery { predicate: |p| p.scan = failed_facts(FailureReason::Internal), ..SOUND },
            "coverage.json",
            "only a scan can say",
        ),
        (
            "sample passed off as production",
            scan(json!({"test_id": SCAN, "mode": "sample", "status": "SUCCEEDED"})),
            ATTESTATION,
            "the mode is `production`",
        ),
        ("unknown mode", scan(json!({"test_id": SCAN, "mode": "x", "status": "SUCCEEDED"})), "scan.json", "malformed"),
        (
            "failure passed off as pass",
            file(FileName::PolicyResult, policy.replace("\"pass\"", "\"fail\"")),
            ATTESTATION,
            "the decision is `pass`",
        ),
        (
            "policy with an unknown field",
            file(FileName::PolicyResult, policy.replacen('{', "{\"a\":1,", 1)),
            "policy-result.json",
            "malformed",
        ),
        (
            "policy that counts nothing",
            file(FileName::PolicyResult, canonical_json(&uncounted).unwrap()),
            "policy-result.json",
            "it counts nothing",
        ),
        ("another manifest", file(FileName::Manifest, "{}"), "manifest-info.json", "manifest_digest"),
        ("index with white space", Forgery { index: |text| text.replacen(',', ", ", 1), ..SOUND }, INDEX, "canonical"),
        (
            "index of another format",
            Forgery { index: |text| text.replace("certus-bundle/1", "certus-bundle/9"), ..SOUND },
            INDEX,
            "certus-bundle/9",
        ),
        (
            "another result digest",
            Forgery { predicate: |p| p.result_digest = Sha256::of(b""), ..SOUND },
            ATTESTATION,
            "result digest",
        ),
        ("a subject less", Forgery { subjects: |s| drop(s.remove(0)), ..SOUND }, ATTESTATION, "coverage.json"),
        (
            "a subject more",
            Forgery { subjects: |s| s.push(Subject::new("x", Sha256::of(b""))), ..SOUND },
            ATTESTATION,
            "`x`",
        ),
        (
            "a subject with another digest",
            Forgery { subjects: |s| s[0] = Subject::new("coverage.json", Sha256::of(b"")), ..SOUND },
            ATTESTATION,
            "coverage.json",
        ),
        (
            "the index not a subject",
            Forgery { subjects: |s| s.retain(|s| s.name() != INDEX), ..SOUND },
            INDEX,
            "not the index that was signed",
        ),
        (
            "escapes in the format",
            Forgery { index: |text| text.replace("certus-bundle/1", "\\u001b[2J"), ..SOUND },
            INDEX,
            "\\u{1b}[2J",
        ),
    ];
    let key = SigningKey::generate().unwrap();
    let folder = tempfile::tempdir().unwrap();
    verify(&forge(folder.path(), &key, SOUND), &keys_of(&key)).unwrap();
    for (name, forgery, file, says) in table {
        let folder = tempfile::tempdir().unwrap();
        let refusal = refused(name, &forge(folder.path(), &key, forgery), &keys_of(&key));
        assert!(refusal.file() == file && refusal.to_string().contains(says), "{name}: {refusal}");
    }
}

/// Signs `files` as those of a scan that failed, whatever they are.
fn forge_failure(folder: &Path, key: &SigningKey, files: BundleFiles, decision: Verdict) -> PathBuf {
    let facts = failed_facts(FailureReason::NotFound);
    forge_files(folder, key, &files, |predicate| {
        predicate.scan = facts;
        predicate.decision = decision;
    })
}

#[test]
fn a_failure_says_nothing_that_only_a_scan_can_say() {
    let key = SigningKey::generate().unwrap();
    let failed = || failed_files(FailureReason::NotFound);
    let folder = tempfile::tempdir().unwrap();
    let bundle = forge_failure(folder.path(), &key, failed(), Verdict::Error);
    let verified = verify(&bundle, &keys_of(&key)).unwrap();
    assert!(verified.checks().iter().any(|line| line.contains("FAILED (not-found)")), "{:?}", verified.checks());

    let with = |name, bytes: &[u8]| {
        let mut files = BundleFiles::default();
        failed().iter().filter(|(n, _)| *n != name).for_each(|(n, b)| files.insert(n, b.to_vec()).unwrap());
        if !bytes.is_empty() {
            files.insert(name, bytes.to_vec()).unwrap();
        }
        files
    };
    let text = |name| String::from_utf8(failed().get(name).unwrap().to_vec()).unwrap();
    let counts = canonical_json(&json!({"critical": 0, "high": 0, "info": 0, "low": 0, "medium": 0})).unwrap();
    let counted =
        text(FileName::PolicyResult).replacen('{', &format!("{{\"counts\":{},", String::from_utf8(counts).unwrap()), 1);
    let passing = text(FileName::PolicyResult).replace("\"error\"", "\"pass\"");
    let table = [
        ("findings", with(FileName::Findings, br#"{"findings":[]}"#), Verdict::Error, "findings.json", "only a scan"),
        ("coverage", with(FileName::Coverage, br#"{"files":[]}"#), Verdict::Error, "coverage.json", "only a scan"),
        ("a page", with(FileName::Html, b"x"), Verdict::Error, "reports/report.html", "only a scan"),
        ("no events", with(FileName::Events, b""), Verdict::Error, "logs/events.jsonl", "always has it"),
        (
            "counts",
            with(FileName::PolicyResult, counted.as_bytes()),
            Verdict::Error,
            "policy-result.json",
            "only a scan",
        ),
        (
            "a pass",
            with(FileName::PolicyResult, passing.as_bytes()),
            Verdict::Pass,
            "policy-result.json",
            "only a scan",
        ),
        (
            "another status",
            with(FileName::Scan, text(FileName::Scan).replace("FAILED", "CANCELLED").as_bytes()),
            Verdict::Error,
            ATTESTATION,
            "the status is `FAILED`",
        ),
    ];
    for (name, files, decision, file, says) in table {
        let folder = tempfile::tempdir().unwrap();
        let refusal = refused(name, &forge_failure(folder.path(), &key, files, decision), &keys_of(&key));
        assert!(refusal.file() == file && refusal.to_string().contains(says), "{name}: {refusal}");
    }
}

#[test]
fn a_development_key_may_not_deny_what_it_is() {
    let key = SigningKey::generate().unwrap();
    let mut keys = KeySet::default();
    keys.insert_development(key.public().clone());
    let folder = tempfile::tempdir().unwrap();
    let refusal = refused("denied", &forge(folder.path(), &key, SOUND), &keys);
    assert_eq!(refusal.problem(), &Problem::Development(key.public().key_id()));
    let folder = tempfile::tempdir().unwrap();
    let admitted = Forgery { predicate: |p| p.development = true, ..SOUND };
    assert!(verify(&forge(folder.path(), &key, admitted), &keys).unwrap().development());
}
