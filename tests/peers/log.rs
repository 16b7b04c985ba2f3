//! The packages of Go's checksum database check a log, and the proofs from it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Signed, accepted, other_checkpoint, other_proof, peer, refused};
use crate::support::home::Home;

/// What it is asked, with the key of the log of `signed`.
fn sumdb(program: &Path, signed: &Signed, what: &str, path: &Path) -> Command {
    let mut sumdb = Command::new(program);
    sumdb.arg(what).arg(path).arg("log.key").current_dir(signed.path(""));
    sumdb
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp runs");
    assert!(copied.success(), "{}", to.display());
}

/// A copy of the log with one of its files changed.
fn damaged(signed: &Signed, name: &str, change: fn(Vec<u8>) -> Vec<u8>) -> PathBuf {
    let folder = signed.path(&format!("damaged-{}", name.replace('/', "-")));
    copy(&signed.log(), &folder);
    let bytes = std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    std::fs::write(folder.join(name), change(bytes)).expect("a file");
    folder
}

/// One bit of the last byte.
fn last_bit(mut bytes: Vec<u8>) -> Vec<u8> {
    *bytes.last_mut().expect("something is there") ^= 1;
    bytes
}

/// A checkpoint that states another size.
fn other_size(bytes: Vec<u8>) -> Vec<u8> {
    String::from_utf8(bytes).expect("text").replacen("\n2\n", "\n1\n", 1).into_bytes()
}

#[test]
fn go_sumdb_verifies_the_proof_in_a_bundle_of_ours() {
    let Some(program) = peer("sumdb", "bin/sumdb") else { return };
    let signed = Signed::new();
    let answer = accepted(&mut sumdb(&program, &signed, "bundle", &signed.bundle()));
    assert_eq!((&answer["index"], &answer["size"]), (&1.into(), &2.into()));

    refused(&mut sumdb(&program, &signed, "bundle", &signed.changed(other_proof)), "invalid transparency proof");
    refused(&mut sumdb(&program, &signed, "bundle", &signed.changed(other_checkpoint)), "invalid signature");
    let stranger = Signed::new();
    refused(&mut sumdb(&program, &stranger, "bundle", &signed.bundle()), "note has no verifiable signatures");
}

#[test]
fn go_sumdb_verifies_every_entry_of_a_log_of_ours() {
    let Some(program) = peer("sumdb", "bin/sumdb") else { return };
    let signed = Signed::new();
    let answer = accepted(&mut sumdb(&program, &signed, "log", &signed.log()));
    assert_eq!((&answer["size"], &answer["entries"]), (&2.into(), &2.into()));

    for (file, change, why) in [
        ("tile/entries/000.p/2", last_bit as fn(_) -> _, "entry 1"),
        ("tile/0/000.p/2", last_bit, "inconsistent tile"),
        ("checkpoint", other_size, "invalid signature"),
    ] {
        refused(&mut sumdb(&program, &signed, "log", &damaged(&signed, file, change)), why);
    }
}

#[test]
fn go_sumdb_finds_an_earlier_state_in_a_log_of_ours_and_refuses_a_fork() {
    let Some(program) = peer("sumdb", "bin/sumdb") else { return };
    let signed = Signed::new();
    let log = signed.log();
    let answer = accepted(sumdb(&program, &signed, "log", &log).arg("earlier.checkpoint"));
    assert_eq!(answer["consistent"], serde_json::json!([1]));

    // The same log going on in two places.
    let fork = Signed { home: Home::new() };
    copy(&signed.path("."), &fork.path(""));
    signed.scan("here");
    fork.scan("there");
    for home in [&signed, &fork] {
        accepted(sumdb(&program, home, "log", &home.log()).arg("earlier.checkpoint"));
    }
    refused(sumdb(&program, &signed, "log", &log).arg(fork.log().join("checkpoint")), "of size 3");
}
