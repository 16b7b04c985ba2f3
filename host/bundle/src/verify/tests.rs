#![allow(clippy::disallowed_methods, reason = "tests prepare and inspect bundles from outside")]

use std::fs;
use std::os::unix::fs::FileExt as _;

use certus_model::FailureReason;
use certus_signing::SigningKey;

use super::*;
use crate::fixture::{facts, failed_facts, failed_files, files, keys_of, refused, required_files, write};
use crate::{BundleFiles, Existing, FileName, Output};

fn edit(bundle: &Path, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(bundle.join(file)).unwrap();
    change(&mut bytes);
    fs::write(bundle.join(file), bytes).unwrap();
}

fn edit_text(bundle: &Path, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(bundle.join(file)).unwrap();
    assert!(text.contains(from), "{file} holds no {from}: {text}");
    fs::write(bundle.join(file), text.replacen(from, to, 1)).unwrap();
}

#[test]
fn what_was_written_verifies_and_says_what_it_is() {
    let (folder, key) = (tempfile::tempdir().unwrap(), SigningKey::generate().unwrap());
    let (bundle, written) = write(folder.path(), &files(), &key);
    let verified = verify(&bundle, &keys_of(&key)).unwrap();
    assert_eq!(verified.checks(), written.checks());
    assert_eq!((verified.key_id(), verified.development()), (key.public().key_id(), false));
    assert_eq!((verified.decision(), verified.scan()), (Verdict::Pass, &facts()));
    assert_eq!(verified.result_digest(), Index::of(&files()).unwrap().result_digest());
    assert_eq!(verified.index_digest(), Sha256::of(&fs::read(bundle.join(INDEX)).unwrap()));
    assert!(verified.checks().iter().any(|line| line == "ledger: 2 lines, each following from the one before"));
    for (name, bytes) in files().iter() {
        assert_eq!(fs::read(bundle.join(name.path())).unwrap(), bytes, "{name}");
    }
}

#[test]
fn a_bundle_needs_no_more_than_the_required_files() {
    let (folder, key) = (tempfile::tempdir().unwrap(), SigningKey::generate().unwrap());
    let (bundle, _) = write(folder.path(), &required_files(), &key);
    verify(&bundle, &keys_of(&key)).unwrap();
    assert!(!bundle.join("reports").exists() && !bundle.join("logs").exists());
}

#[test]
fn a_failure_verifies_and_says_that_it_is_one() {
    let (folder, key) = (tempfile::tempdir().unwrap(), SigningKey::generate().unwrap());
    for (name, reason) in [("failed", FailureReason::NotFound), ("cancelled", FailureReason::Cancelled)] {
        let out = folder.path().join(name);
        let output = Output::open(&out, Existing::Keep).unwrap();
        output.write(&failed_files(reason), failed_facts(reason), &key).unwrap();
        let verified = verify(&out, &keys_of(&key)).unwrap();
        assert_eq!((verified.decision(), verified.scan()), (Verdict::Error, &failed_facts(reason)));
        let said = format!("{} ({reason})", reason.status());
        assert!(verified.checks().iter().any(|line| line.contains(&said)), "{said}: {:?}", verified.checks());
        assert!(!out.join("findings.json").exists() && !out.join("coverage.json").exists());
    }
}

#[test]
fn tampering_is_refused_and_the_file_is_named() {
    type Row = (&'static str, fn(&Path), &'static str, fn(&Problem) -> bool);
    const TABLE: &[Row] = &[
        ("missing", |b| fs::remove_file(b.join("findings.json")).unwrap(), "findings.json", |p| *p == Problem::Missing),
        ("missing index", |b| fs::remove_file(b.join(INDEX)).unwrap(), INDEX, |p| *p == Problem::Missing),
        (
            "missing attestation",
            |b| fs::remove_file(b.join(ATTESTATION)).unwrap(),
            ATTESTATION,
            |p| *p == Problem::Missing,
        ),
        ("changed byte", |b| edit(b, "findings.json", |t| t[3] ^= 1), "findings.json", |p| *p == Problem::Digest),
        (
            "changed byte of a file without form",
            |b| edit(b, "reports/report.html", |t| t[3] ^= 1),
            "reports/report.html",
            |p| *p == Problem::Digest,
        ),
        (
            "one byte more",
            |b| edit(b, "findings.json", |t| t.push(b'\n')),
            "findings.json",
            |p| matches!(p, Problem::Size { .. }),
        ),
        (
            "one byte less",
            |b| edit(b, "logs/events.jsonl", |t| t.truncate(t.len() - 1)),
            "logs/events.jsonl",
            |p| matches!(p, Problem::Size { .. }),
        ),
        ("emptied", |b| edit(b, "findings.json", Vec::clear), "findings.json", |p| matches!(p, Problem::Size { .. })),
        (
            "extra file",
            |b| fs::write(b.join("reports/notes.txt"), "x").unwrap(),
            "reports/notes.txt",
            |p| *p == Problem::Unlisted,
        ),
        ("hidden file", |b| fs::write(b.join(".x"), "").unwrap(), ".x", |p| *p == Problem::Unlisted),
        (
            "file of a later version",
            |b| fs::write(b.join("notes.dsse.json"), "{}").unwrap(),
            "notes.dsse.json",
            |p| *p == Problem::Unlisted,
        ),
        ("extra folder", |b| fs::create_dir(b.join("notes")).unwrap(), "notes", |p| *p == Problem::Unlisted),
        (
            "link instead of a file",
            |b| {
                fs::rename(b.join("findings.json"), b.with_file_name("findings.json")).unwrap();
                std::os::unix::fs::symlink("../findings.json", b.join("findings.json")).unwrap();
            },
            "findings.json",
            |p| *p == Problem::Link,
        ),
        (
            "link instead of a folder",
            |b| {
                fs::rename(b.join("logs"), b.with_file_name("logs")).unwrap();
                std::os::unix::fs::symlink("../logs", b.join("logs")).unwrap();
            },
            "logs",
            |p| *p == Problem::Link,
        ),
        (
            "pipe instead of a file",
            |b| {
                fs::remove_file(b.join("scan.json")).unwrap();
                let mode = rustix::fs::Mode::from_raw_mode(0o600);
                rustix::fs::mknodat(rustix::fs::CWD, b.join("scan.json"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
            },
            "scan.json",
            |p| *p == Problem::Special,
        ),
        (
            "folder instead of a file",
            |b| {
                fs::remove_file(b.join("scan.json")).unwrap();
                fs::create_dir(b.join("scan.json")).unwrap();
            },
            "scan.json",
            |p| *p == Problem::Special,
        ),
        (
            "file instead of a folder",
            |b| {
                fs::remove_dir_all(b.join("logs")).unwrap();
                fs::write(b.join("logs"), "x").unwrap();
            },
            "logs",
            |p| *p == Problem::Special,
        ),
        (
            "swapped files",
            |b| {
                let aside = b.with_file_name("aside");
                fs::rename(b.join("reports/sbom/sbom.cdx.json"), &aside).unwrap();
                fs::rename(b.join("reports/sbom/sbom.spdx.json"), b.join("reports/sbom/sbom.cdx.json")).unwrap();
                fs::rename(aside, b.join("reports/sbom/sbom.spdx.json")).unwrap();
            },
            "reports/sbom/sbom.cdx.json",
            |p| matches!(p, Problem::Size { .. }),
        ),
        (
            "finding removed, digests computed anew",
            |b| {
                let mut changed = BundleFiles::default();
                for (name, bytes) in files().iter() {
                    let bytes = if name == FileName::Findings { b"{}" } else { bytes };
                    changed.insert(name, bytes.to_vec()).unwrap();
                }
                fs::write(b.join("findings.json"), "{}").unwrap();
                fs::write(b.join(INDEX), Index::of(&changed).unwrap().to_bytes().unwrap()).unwrap();
            },
            INDEX,
            |p| *p == Problem::NotSigned,
        ),
        ("white space in the index", |b| edit(b, INDEX, |t| t.insert(1, b' ')), INDEX, |p| *p == Problem::NotSigned),
        (
            "white space in the envelope",
            |b| edit(b, ATTESTATION, |t| t.push(b'\n')),
            ATTESTATION,
            |p| matches!(p, Problem::Malformed(_)),
        ),
        (
            "two signatures",
            |b| {
                edit_text(b, ATTESTATION, "\"signatures\":[", &{
                    let text = fs::read_to_string(b.join(ATTESTATION)).unwrap();
                    let signature =
                        text.split_once("\"signatures\":[").unwrap().1.strip_suffix("]}").unwrap().to_owned();
                    format!("\"signatures\":[{signature},")
                })
            },
            ATTESTATION,
            |p| matches!(p, Problem::Malformed(_)),
        ),
        (
            "payload type",
            |b| edit_text(b, ATTESTATION, "vnd.in-toto+json", "vnd.in-tota+json"),
            ATTESTATION,
            |p| matches!(p, Problem::Signature(_)),
        ),
        (
            "oversized index",
            |b| fs::write(b.join(INDEX), vec![b' '; (16 << 20) + 1]).unwrap(),
            INDEX,
            |p| matches!(p, Problem::TooLarge { .. }),
        ),
    ];
    let key = SigningKey::generate().unwrap();
    for (name, tamper, file, problem) in TABLE {
        let folder = tempfile::tempdir().unwrap();
        let (bundle, _) = write(folder.path(), &files(), &key);
        tamper(&bundle);
        let refusal = refused(name, &bundle, &keys_of(&key));
        assert!(refusal.file() == *file && problem(refusal.problem()), "{name}: {refusal}");
        assert!(refusal.to_string().starts_with(&format!("`{file}` ")), "{name}: {refusal}");
    }
}

#[test]
fn a_known_name_is_refused_where_it_is_not_listed() {
    let key = SigningKey::generate().unwrap();
    for (file, add) in
        [("summary.json", (|b| fs::write(b, "{}").unwrap()) as fn(&Path)), ("logs", |b| fs::create_dir(b).unwrap())]
    {
        let folder = tempfile::tempdir().unwrap();
        let (bundle, _) = write(folder.path(), &required_files(), &key);
        add(&bundle.join(file));
        let refusal = refused(file, &bundle, &keys_of(&key));
        assert_eq!((refusal.file(), refusal.problem()), (file, &Problem::Unlisted));
    }
}

#[test]
fn every_changed_byte_is_refused() {
    let (folder, key) = (tempfile::tempdir().unwrap(), SigningKey::generate().unwrap());
    let (bundle, _) = write(folder.path(), &required_files(), &key);
    let keys = keys_of(&key);
    let names: Vec<_> = required_files().iter().map(|(name, _)| name.path()).chain([INDEX, ATTESTATION]).collect();
    for name in names {
        let bytes = fs::read(bundle.join(name)).unwrap();
        // In place: writing the whole file anew each time would wait for the disk.
        let file = fs::OpenOptions::new().write(true).open(bundle.join(name)).unwrap();
        for (at, byte) in bytes.iter().enumerate() {
            let mask = 1 << (at % 8);
            file.write_all_at(&[byte ^ mask], at as u64).unwrap();
            refused(&format!("{name}, byte {at} xor {mask:#x}"), &bundle, &keys);
            file.write_all_at(&[*byte], at as u64).unwrap();
        }
    }
    verify(&bundle, &keys).unwrap();
}

#[test]
fn signers_are_told_apart() {
    let (folder, key, other) =
        (tempfile::tempdir().unwrap(), SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let (bundle, _) = write(folder.path(), &required_files(), &key);
    for keys in [KeySet::default(), keys_of(&other)] {
        let refusal = refused("unknown signer", &bundle, &keys);
        assert_eq!(refusal.problem(), &Problem::UnknownSigner(key.public().key_id()));
        assert!(refusal.to_string().contains("--key PUB"), "{refusal}");
    }
    // A bundle signed under another's key id.
    edit_text(&bundle, ATTESTATION, &key.public().key_id().to_string(), &other.public().key_id().to_string());
    let refusal = refused("another's id", &bundle, &keys_of(&other));
    assert_eq!(refusal.problem(), &Problem::Signature(other.public().key_id()));
}

#[test]
fn the_statement_of_another_bundle_is_refused() {
    let key = SigningKey::generate().unwrap();
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, _) = write(one.path(), &required_files(), &key);
    let (second, _) = write(two.path(), &files(), &key);
    fs::copy(second.join(ATTESTATION), first.join(ATTESTATION)).unwrap();
    assert_eq!(refused("attestation", &first, &keys_of(&key)).problem(), &Problem::NotSigned);
    // With its index too, the files are missing.
    fs::copy(second.join(INDEX), first.join(INDEX)).unwrap();
    assert_eq!(refused("index too", &first, &keys_of(&key)).problem(), &Problem::Missing);
}
