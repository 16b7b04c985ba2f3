//! A signed bundle of which one file is changed: it verifies if, and only if, no byte differs.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use arbitrary::Arbitrary;
use certus_bundle::{BundleFiles, End, Error, Existing, FileName, Mode, Output, PluginUse, ScanFacts, Scanned, verify};
use certus_fuzz::{checks, place};
use certus_model::decision::PolicyResult;
use certus_model::ledger::{Operation, Outcome, Uses, chain};
use certus_model::outcome::Verdict;
use certus_model::source::SourceRecord;
use certus_model::{OnError, PluginId, Sha256, canonical_json};
use certus_signing::merkle::leaf_hash;
use certus_signing::sigstore::log_entry;
use certus_signing::{Checkpoint, Envelope, KeySet, LogKey, LoggedEntry, SigningKey};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

#[derive(Arbitrary, Debug)]
struct Change {
    file: u8,
    edits: Vec<Edit>,
}

#[derive(Arbitrary, Debug)]
enum Edit {
    Flip { at: u16, bit: u8 },
    Set { at: u16, to: u8 },
    Insert { at: u16, bytes: Vec<u8> },
    Remove { at: u16, count: u8 },
    Copy { from: u16, count: u8, to: u16 },
    Replace(Vec<u8>),
}

/// A bundle on disk, the keys that it verifies against, and its files.
struct Bundle {
    folder: PathBuf,
    keys: KeySet,
    files: Vec<(PathBuf, Vec<u8>)>,
}

static BUNDLE: OnceLock<Bundle> = OnceLock::new();

fn bundle() -> &'static Bundle {
    BUNDLE.get_or_init(|| {
        let folder = place::Place::get().folder().join("bundle");
        let key = SigningKey::generate().expect("a key");
        let output = Output::open(&folder, Existing::Keep).expect("a place for a bundle");
        let log = LogKey::generate("log.example.com").expect("a key");
        let staged = output.stage(&files(), facts(), &key).expect("a bundle");
        let entry = logged(staged.envelope().expect("a signature"), &key, &log);
        staged.add_log_entry(&key, &entry, log.verifier()).expect("an entry");
        staged.put_in_place().expect("a bundle");
        let names = FileName::ALL.iter().map(|name| name.path()).chain(certus_bundle::name::APART);
        let paths = names.map(|name| folder.join(name)).filter(|path| path.is_file());
        let files = paths.map(|path| (path.clone(), fs::read(path).expect("a file of the bundle"))).collect();
        let mut keys = KeySet::from_iter([key.public().clone()]);
        keys.insert_log(log.verifier());
        Bundle { folder, keys, files }
    })
}

/// The one entry of a log.
fn logged(envelope: &Envelope, key: &SigningKey, log: &LogKey) -> LoggedEntry {
    let body = log_entry(envelope, key.public()).expect("an entry");
    let root = leaf_hash(&body);
    let checkpoint = Checkpoint { origin: log.name().to_owned(), size: 1, root };
    let checkpoint = checkpoint.sign(log).expect("a signature").to_string();
    LoggedEntry { index: 0, log_id: log.verifier().id(), body, size: 1, root, proof: Vec::new(), checkpoint }
}

fn files() -> BundleFiles {
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
    let scan = json!({"test_id": SCAN, "mode": "production", "status": "SUCCEEDED"});
    let plugin: PluginId = "certus.secrets".parse().expect("an id");
    let mut uses = Uses::default();
    uses.record(Operation::File, "a.py", Outcome::Ok, 3);
    uses.record(Operation::File, "b.py", Outcome::Ok, 4);
    let mut files = BundleFiles::default();
    for (name, bytes) in [
        (FileName::Findings, br#"{"findings":[]}"#.to_vec()),
        (FileName::Coverage, br#"{"plugins":[]}"#.to_vec()),
        (FileName::Ledger, chain([(&plugin, &uses)]).expect("a ledger")),
        (FileName::PolicyResult, canonical_json(&policy).expect("a decision")),
        (FileName::Summary, br#"{"executed":[]}"#.to_vec()),
        (FileName::Sarif, br#"{"runs":[{"rank":0.1}]}"#.to_vec()),
        (FileName::Html, b"<!doctype html>\n".to_vec()),
        (FileName::Scan, canonical_json(&scan).expect("a record")),
        (FileName::Events, b"{ \"event\": 1 }\n".to_vec()),
    ] {
        files.insert(name, bytes).expect("each file once");
    }
    files
}

const SCAN: &str = "test_0123456789ab";

fn facts() -> ScanFacts {
    ScanFacts {
        scan_id: SCAN.parse().expect("an id"),
        mode: Mode::Production,
        end: End::Report(Scanned {
            source: SourceRecord::Directory { directory_path: "src".to_owned() },
            tree_digest: Sha256::of(b"tree"),
            plugins: vec![PluginUse {
                id: "certus.secrets".parse().expect("an id"),
                version: "0.1.0".to_owned(),
                digest: Sha256::of(b"component"),
            }],
        }),
        started_at: "2026-11-21T10:00:00Z".parse().expect("a time"),
        finished_at: "2026-11-21T10:00:01.5Z".parse().expect("a time"),
        host_version: "0.1.0".to_owned(),
    }
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        let place = |at: u16| usize::from(at) % (length + 1);
        match self {
            Self::Flip { at, bit } => {
                if let Some(byte) = bytes.get_mut(place(*at)) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Self::Set { at, to } => {
                if let Some(byte) = bytes.get_mut(place(*at)) {
                    *byte = *to;
                }
            }
            Self::Insert { at, bytes: more } => drop(bytes.splice(place(*at)..place(*at), more.iter().copied())),
            Self::Remove { at, count } => {
                let end = (place(*at) + usize::from(*count)).min(length);
                bytes.drain(place(*at)..end);
            }
            Self::Copy { from, count, to } => {
                let end = (place(*from) + usize::from(*count)).min(length);
                let piece = bytes[place(*from)..end].to_vec();
                bytes.splice(place(*to)..place(*to), piece);
            }
            Self::Replace(with) => bytes.clone_from(with),
        }
    }
}

fuzz_target!(|change: Change| {
    let bundle = bundle();
    let (path, original) = &bundle.files[usize::from(change.file) % bundle.files.len()];
    let mut bytes = original.clone();
    change.edits.iter().for_each(|edit| edit.apply(&mut bytes));
    fs::write(path, &bytes).expect("a file is changed");
    let answer = verify(&bundle.folder, &bundle.keys);
    fs::write(path, original).expect("a file is put back");
    match answer {
        Ok(_) => assert!(bytes == *original, "{} was changed and verifies", path.display()),
        Err(Error::Refused(refusal)) => {
            assert!(bytes != *original, "{refusal}");
            checks::one_line(refusal);
        }
        Err(error) => panic!("the host failed: {error}"),
    }
});
