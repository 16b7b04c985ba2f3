//! Bundles that a known key signed although they are unsound: a faulty or hostile host.

#![allow(clippy::disallowed_methods, reason = "tests prepare bundles from outside")]

use std::fs;
use std::path::{Path, PathBuf};

use certus_model::outcome::Verdict;
use certus_model::{Sha256, canonical_json};
use certus_signing::{KeySet, SigningKey, Statement, Subject};
use serde_json::json;

use crate::attestation::{PREDICATE_TYPE, subjects};
use crate::fixture::{SCAN, facts, files, keys_of, refused};
use crate::name::INDEX;
use crate::{BundleFiles, verify};

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
    let index = Index::of(&forged).unwrap();
    let index_bytes = (forgery.index)(String::from_utf8(index.to_bytes().unwrap()).unwrap()).into_bytes();
    let mut predicate =
        Predicate { decision: Verdict::Pass, development: false, result_digest: index.result_digest(), scan: facts() };
    (forgery.predicate)(&mut predicate);
    let mut subjects = subjects(&index, Sha256::of(&index_bytes));
    (forgery.subjects)(&mut subjects);
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
            scan(json!({"test_id": "test_ffffffffffff", "mode": "production"})),
            ATTESTATION,
            "scan id",
        ),
        ("scan without a mode", scan(json!({"test_id": SCAN})), "scan.json", "malformed"),
        (
            "sample passed off as production",
            scan(json!({"test_id": SCAN, "mode": "sample"})),
            ATTESTATION,
            "the mode is `production`",
        ),
        ("unknown mode", scan(json!({"test_id": SCAN, "mode": "x"})), "scan.json", "malformed"),
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
