//! Bundles that somebody has changed after they were signed: none verifies, and none is published.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use certus_bundle::Error;
use certus_model::{Sha256, canonical_json};
use certus_signing::KeySet;
use serde_json::{Value, json};

use super::{KEYED, denied, home, keys, permitted, scanned};
use crate::support::guest::Guest;
use crate::support::home::Home;
use crate::support::service::Service;

/// What is flipped in every byte. The second turns upper case to lower and back, which readers of hex and of names are
/// tempted to take for the same.
const MASKS: [u8; 2] = [0x01, 0x20];

/// A home with a small bundle `out`, signed with the key `ada`, that has one finding.
fn bundle() -> (Home, PathBuf) {
    let home = home();
    home.write("tree/a.txt", "hello");
    let guest =
        Guest::files().rule("").manifest("[interest]\ninclude = [\"a.txt\"]").reports("r", "a.txt", Some((0, 5)));
    home.write("reporting.wasm", guest.build());
    let out = scan(&home, "out");
    (home, out)
}

fn scan(home: &Home, out: &str) -> PathBuf {
    let arguments =
        ["scan", "dir:tree", "--profile", "none", "--plugin", "reporting.wasm", "--key", "ada", "--out", out];
    let ended = home.run(&arguments);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    home.path(out)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A copy of a folder.
fn copied(from: &Path, to: &Path) {
    for file in files(from) {
        let place = to.join(file.strip_prefix(from).expect("below"));
        std::fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
        std::fs::copy(&file, place).expect("a copy");
    }
}

#[track_caller]
fn refused(folder: &Path, keys: &KeySet, what: &str) {
    match certus_bundle::verify(folder, keys) {
        Err(Error::Refused(_)) => {}
        Err(error) => panic!("{what}: the machine failed: {error}"),
        Ok(_) => panic!("{what}: it verifies"),
    }
}

#[test]
fn case_123_every_changed_byte_of_a_small_bundle_is_found() {
    let (home, out) = bundle();
    let keys = keys(&home).verification_keys().expect("keys");
    certus_bundle::verify(&out, &keys).expect("it verifies as it is");
    let names: Vec<_> =
        files(&out).into_iter().map(|file| file.strip_prefix(&out).expect("below").to_owned()).collect();
    assert!(names.iter().any(|name| name.ends_with("bundle.sigstore.json")), "{names:?}");
    let changes = AtomicUsize::new(0);
    // Two copies, each changed by one thread: every second file.
    std::thread::scope(|scope| {
        for part in 0..2 {
            let (names, changes, keys, out) = (&names, &changes, &keys, &out);
            let copy = home.path(&format!("copy{part}"));
            scope.spawn(move || {
                copied(out, &copy);
                for name in names {
                    let count = changed(&copy, name, part, keys);
                    changes.fetch_add(count, Ordering::Relaxed);
                }
                certus_bundle::verify(&copy, keys).expect("it is as it was");
            });
        }
    });
    println!("case 123: {} changes in {} files, each refused", changes.into_inner(), names.len());
}

/// Changes every byte of a file whose place is odd or even, as `part` says; how many changes there were.
fn changed(folder: &Path, name: &Path, part: usize, keys: &KeySet) -> usize {
    let path = folder.join(name);
    let original = std::fs::read(&path).expect("a file");
    let mut count = 0;
    for at in (part..original.len()).step_by(2) {
        for mask in MASKS {
            let mut bytes = original.clone();
            bytes[at] ^= mask;
            std::fs::write(&path, bytes).expect("a file");
            refused(folder, keys, &format!("byte {at} of {}, flipped by {mask:#x}", name.display()));
            count += 1;
        }
    }
    let (first, last) = (original.first().copied().into_iter(), original.last().copied().into_iter());
    let cut = &original[..original.len().saturating_sub(1)];
    for (what, bytes) in [
        ("cut by its last byte", cut.to_vec()),
        ("cut by its first byte", original.get(1..).unwrap_or_default().to_vec()),
        ("emptied", Vec::new()),
        ("with a newline more", original.iter().copied().chain([b'\n']).collect()),
        ("with its last byte twice", original.iter().copied().chain(last).collect()),
        ("with its first byte twice", first.chain(original.iter().copied()).collect::<Vec<_>>()),
    ] {
        if bytes != original {
            std::fs::write(&path, bytes).expect("a file");
            refused(folder, keys, &format!("{} {what}", name.display()));
            count += 1;
        }
    }
    std::fs::write(&path, original).expect("a file");
    count
}

/// Writes `index.json` anew for the files as they are now, as whoever forges a bundle would.
fn reindexed(folder: &Path) {
    let path = folder.join("index.json");
    let mut index: Value = serde_json::from_slice(&std::fs::read(&path).expect("an index")).expect("JSON");
    for group in ["result", "run"] {
        for file in index[group]["files"].as_array_mut().expect("files") {
            let bytes = std::fs::read(folder.join(file["path"].as_str().expect("a path"))).expect("a file");
            file["size"] = json!(bytes.len());
            file["sha256"] = json!(Sha256::of(&bytes));
        }
    }
    index["result"]["digest"] = json!(Sha256::of(&canonical_json(&index["result"]["files"]).expect("JSON")));
    std::fs::write(path, canonical_json(&index).expect("JSON")).expect("a file");
}

/// Changes the findings of a bundle, and its index with them.
fn forged(folder: &Path, change: impl Fn(&mut Vec<Value>)) {
    let path = folder.join("findings.json");
    let mut document: Value = serde_json::from_slice(&std::fs::read(&path).expect("findings")).expect("JSON");
    change(document["findings"].as_array_mut().expect("a list"));
    std::fs::write(path, canonical_json(&document).expect("JSON")).expect("a file");
    reindexed(folder);
}

#[test]
fn case_124_findings_that_were_removed_added_or_reordered_are_found() {
    let home = home();
    let config = std::fs::read_to_string(home.workspace("repo").join("config.py")).expect("a file");
    for (name, letter) in [("more.py", "A"), ("other.py", "B")] {
        home.write(&format!("workspaces/repo/{name}"), config.replace("Q3", &format!("{letter}3")));
    }
    let service = Service::start(&home, &[KEYED]);
    let known = keys(&home).verification_keys().expect("keys");
    for (what, change) in [
        ("nothing", (|_| {}) as fn(&mut Vec<Value>)),
        ("removed", |findings| drop(findings.pop())),
        ("all removed", Vec::clear),
        ("added", |findings| findings.push(findings[0].clone())),
        ("reordered", |findings| {
            assert_eq!(findings.len(), 3);
            findings.reverse();
        }),
    ] {
        let id = scanned(&service);
        let stored = stored(&home, &id);
        forged(&stored, change);
        if what == "nothing" {
            // The twin: what is written anew is what was there.
            certus_bundle::verify(&stored, &known).expect("it verifies");
            permitted(&service, &id, "verified");
            continue;
        }
        refused(&stored, &known, what);
        let upload = denied(&service, &id, "verified", "artifact_mismatch");
        assert!(upload["detail"].as_str().is_some_and(|detail| detail.contains("index.json")), "{what}: {upload:#}");
    }
}

/// The folder in which the service keeps a scan's bundle.
fn stored(home: &Home, id: &str) -> PathBuf {
    let listing = std::fs::read_dir(home.path("artifacts/bundles")).expect("a folder");
    let bundles = listing.map(|entry| entry.expect("an entry").path());
    let mut of_scan =
        bundles.filter(|path| std::fs::read_to_string(path.join("scan.json")).is_ok_and(|scan| scan.contains(id)));
    of_scan.next().expect("the bundle is there")
}

#[test]
fn case_124_signatures_and_permits_of_another_bundle_are_refused() {
    let home = home();
    let service = Service::start(&home, &[KEYED]);
    let known = keys(&home).verification_keys().expect("keys");
    let [one, other] = [(), ()].map(|()| {
        let id = scanned(&service);
        let folder = home.path(&id);
        copied(&stored(&home, &id), &folder);
        let upload = permitted(&service, &id, "verified");
        (folder, upload, id)
    });
    for file in ["attestation.dsse.json", "bundle.sigstore.json", "index.json", "scan.json"] {
        let mixed = home.path(&format!("mixed-{file}"));
        copied(&one.0, &mixed);
        std::fs::copy(other.0.join(file), mixed.join(file)).expect("a copy");
        refused(&mixed, &known, file);
    }
    // Everything that carries a signature is the other's: its files are not.
    let mixed = home.path("mixed");
    copied(&one.0, &mixed);
    for file in ["attestation.dsse.json", "bundle.sigstore.json", "index.json"] {
        std::fs::copy(other.0.join(file), mixed.join(file)).expect("a copy");
    }
    refused(&mixed, &known, "the files of another scan");

    let with = |folder: &Path, upload: &Value| {
        let file = |name: &str, part: &Value| {
            std::fs::write(folder.join(name), canonical_json(part).expect("JSON")).expect("a file");
        };
        file("permit.dsse.json", &upload["permit"]);
        file("vsa.dsse.json", &upload["vsa"]);
        file("verification-proof.json", &upload["verification_proof"]);
        let answer: String = answer_on_record(&home, upload["test_id"].as_str().expect("an id"));
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        file("svr.dsse.json", &answer["svr"]);
    };
    with(&one.0, &one.1);
    let verified = certus_bundle::verify(&one.0, &known).expect("it verifies with what Trust has said of it");
    assert!(verified.checks().iter().any(|check| check.starts_with("permit: ")), "{:?}", verified.checks());
    for part in ["permit", "vsa", "verification_proof"] {
        let mut upload = one.1.clone();
        upload[part] = other.1[part].clone();
        with(&one.0, &upload);
        refused(&one.0, &known, part);
    }
    let mut all = other.1.clone();
    all["test_id"] = json!(other.2);
    with(&one.0, &all);
    refused(&one.0, &known, "the permit of another bundle");
    with(&one.0, &one.1);
    certus_bundle::verify(&one.0, &known).expect("it verifies again");
}

/// What Trust has answered about a scan, as it is on record.
fn answer_on_record(home: &Home, id: &str) -> String {
    let script = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], timeout=30)\n\
                  print(db.execute('SELECT answer FROM publications WHERE scan_id = ?', [sys.argv[2]]).fetchone()[0])";
    let mut python = std::process::Command::new("python3");
    let done =
        python.args(["-c", script]).arg(home.path("artifacts/certus.db")).arg(id).output().expect("python3 runs");
    String::from_utf8(done.stdout).expect("UTF-8")
}
