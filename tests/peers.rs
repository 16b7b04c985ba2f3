//! Other people's clients check what this product signs and logs: each accepts it, and refuses it changed.

mod certificate;
mod keyed;
mod log;

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::support::guest::Guest;
use crate::support::home::Home;

/// The scripts beside this file.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peers");
/// What every statement about a scan claims.
const PREDICATE_TYPE: &str = "https://certus.dev/attestation/scan/v1";

/// A home in which two trees have been scanned with key `mine`, and what strangers need to check that. The second scan
/// is in `out`; the first, in `earlier`, stands before it in the log, so that proofs are not empty.
struct Signed {
    home: Home,
}

impl Signed {
    fn new() -> Self {
        let home = Home::new();
        home.write("good.wasm", Guest::files().build());
        for key in ["mine", "other"] {
            assert_eq!(home.run(&["keys", "generate", key]).code, 0, "{key}");
            home.write(&format!("{key}.pub"), said(&home, &["keys", "show", key]));
        }
        let signed = Self { home };
        signed.scan("earlier");
        signed.home.write("earlier.checkpoint", std::fs::read(signed.log().join("checkpoint")).expect("a checkpoint"));
        signed.scan("out");
        signed.home.write("trusted_root.json", said(&signed.home, &["log", "trusted-root"]));
        signed.home.write("log.key", said(&signed.home, &["log", "key"]));
        signed
    }

    /// Scans a tree of its own into the folder `out`.
    fn scan(&self, out: &str) {
        self.home.write(&format!("tree-{out}/a.txt"), out);
        let tree = format!("dir:tree-{out}");
        let scan = ["scan", &tree, "--profile", "none", "--plugin", "good.wasm", "--key", "mine", "--out", out];
        let ended = self.home.run(&scan);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path(name)
    }

    /// The folder of this home's log.
    fn log(&self) -> PathBuf {
        self.home.path(".local/share/certus/log")
    }

    fn bundle(&self) -> PathBuf {
        self.home.path("out/bundle.sigstore.json")
    }

    /// The bundle, changed.
    fn changed(&self, change: fn(&mut Value)) -> PathBuf {
        let mut bundle = document(&self.bundle());
        change(&mut bundle);
        self.home.write("changed.sigstore.json", bundle.to_string())
    }
}

/// What a command says, which must succeed.
fn said(home: &Home, arguments: &[&str]) -> String {
    let ended = home.run(arguments);
    assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    ended.stdout
}

fn document(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a document")).expect("JSON")
}

/// A file that set-up laid among the clients; none, said once, where it could not.
fn peer(what: &str, name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("CERTUS_TEST_PEERS").map(PathBuf::from) else {
        println!("skipped: {what}: no clients here; `cargo xtask setup` installs them");
        return None;
    };
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    let reason = std::fs::read_to_string(folder.join(what).with_extension("txt"));
    println!("skipped: {what}: {}", reason.as_deref().unwrap_or("`cargo xtask setup` says why it is not here"));
    None
}

/// A script that the clients' own Python runs.
fn python(what: &str, script: &str) -> Option<Command> {
    let mut command = Command::new(peer(what, "python/bin/python")?);
    // Nothing is written beside the scripts.
    command.arg("-B").arg(Path::new(SCRIPTS).join(script));
    Some(command)
}

/// Runs a client, which says in one line of JSON whether it verified, and ends accordingly.
fn answer(command: &mut Command) -> Value {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    let answer: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{command:?}: {error}: {complaint}"));
    let verified = answer["verified"].as_bool().expect("a verdict");
    assert_eq!(output.status.code(), Some(i32::from(!verified)), "{answer}: {complaint}");
    answer
}

fn accepted(command: &mut Command) -> Value {
    let answer = answer(command);
    assert_eq!(answer["verified"], true, "{command:?}: {answer}");
    answer
}

/// Refused, and for this reason.
fn refused(command: &mut Command, why: &str) {
    let answer = answer(command);
    assert_eq!(answer["verified"], false, "{why}: {answer}");
    assert!(answer["why"].as_str().is_some_and(|said| said.contains(why)), "{why}: {answer}");
}

/// The one entry of the log in a bundle.
fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

/// Changes one bit of bytes in base64.
fn flip(text: &mut Value) {
    let mut bytes = BASE64.decode(text.as_str().expect("base64")).expect("base64");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    *text = BASE64.encode(bytes).into();
}

/// Another hash in the proof.
fn other_proof(bundle: &mut Value) {
    flip(&mut entry(bundle)["inclusionProof"]["hashes"][0]);
}

/// A checkpoint of another size, larger by a digit, under the same signature.
fn other_checkpoint(bundle: &mut Value) {
    let envelope = &mut entry(bundle)["inclusionProof"]["checkpoint"]["envelope"];
    let (origin, rest) = envelope.as_str().and_then(|text| text.split_once('\n')).expect("a note");
    *envelope = format!("{origin}\n1{rest}").into();
}

/// A statement that nobody signed.
fn other_payload(bundle: &mut Value) {
    let payload = &mut bundle["dsseEnvelope"]["payload"];
    let statement = BASE64.decode(payload.as_str().expect("base64")).expect("base64");
    let statement = String::from_utf8(statement).expect("text").replacen("index.json", "other.json", 1);
    *payload = BASE64.encode(statement).into();
}
