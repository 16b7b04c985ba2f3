//! Clients that check a bundle with the public key of its signer.

use std::path::Path;
use std::process::Command;

use super::{
    PREDICATE_TYPE, SCRIPTS, Signed, accepted, other_checkpoint, other_payload, other_proof, peer, python, refused,
};

#[test]
fn sigstore_js_verifies_a_bundle_of_ours() {
    let Some(modules) = peer("@sigstore/verify", "node_modules") else { return };
    let signed = Signed::new();
    let node = |bundle: &Path, key: &str, artifact: &str| {
        let mut node = Command::new("node");
        node.env("NODE_PATH", &modules).arg(Path::new(SCRIPTS).join("sigstore-js.mjs")).arg(bundle);
        node.args(["trusted_root.json", key, artifact]).current_dir(signed.path(""));
        node
    };
    let answer = accepted(&mut node(&signed.bundle(), "mine.pub", "out/index.json"));
    assert_eq!(answer["predicateType"], PREDICATE_TYPE);

    refused(&mut node(&signed.bundle(), "other.pub", "out/index.json"), "SIGNATURE_ERROR");
    refused(&mut node(&signed.bundle(), "mine.pub", "earlier/index.json"), "not about these bytes");
    for (change, why) in [
        (other_proof as fn(&mut _), "root hash does not match"),
        (other_checkpoint, "invalid checkpoint signature"),
        (other_payload, "digest mismatch"),
    ] {
        refused(&mut node(&signed.changed(change), "mine.pub", "out/index.json"), why);
    }
}

#[test]
fn securesystemslib_verifies_the_envelope_of_ours() {
    let Some(_) = python("securesystemslib", "securesystemslib_dsse.py") else { return };
    let signed = Signed::new();
    let dsse = |file: &Path, key: &str, artifact: &str| {
        let mut python = python("securesystemslib", "securesystemslib_dsse.py").expect("it is there");
        python.arg(file).args([key, artifact]).current_dir(signed.path(""));
        python
    };
    for file in [signed.bundle(), signed.path("out/attestation.dsse.json")] {
        let answer = accepted(&mut dsse(&file, "mine.pub", "out/index.json"));
        assert_eq!(answer["predicateType"], PREDICATE_TYPE);
        refused(&mut dsse(&file, "other.pub", "out/index.json"), "do not match threshold");
        refused(&mut dsse(&file, "mine.pub", "earlier/index.json"), "not about these bytes");
    }
    refused(&mut dsse(&signed.changed(other_payload), "mine.pub", "out/index.json"), "do not match threshold");
}

#[test]
fn cosign_verifies_a_bundle_of_ours() {
    let Some(program) = peer("cosign", "bin/cosign") else { return };
    let signed = Signed::new();
    let cosign = |bundle: &Path, key: &str, kind: &str, artifact: &str| {
        let mut cosign = Command::new(&program);
        cosign.args(["verify-blob-attestation", "--key", key, "--trusted-root", "trusted_root.json", "--type", kind]);
        cosign.arg("--bundle").arg(bundle).arg(artifact).current_dir(signed.path("")).env("HOME", signed.path(""));
        let output = cosign.output().expect("cosign runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (verified, said) = cosign(&signed.bundle(), "mine.pub", PREDICATE_TYPE, "out/index.json");
    assert!(verified && said.contains("Verified OK"), "{said}");

    let bundle = signed.bundle();
    let table = [
        ("mine.pub", PREDICATE_TYPE, "earlier/index.json", "do not match digests in statement"),
        // It makes the entry anew from the key it is given: with another one that was never logged.
        ("other.pub", PREDICATE_TYPE, "out/index.json", "verifying inclusion"),
        ("mine.pub", "https://example.com/another/v1", "out/index.json", "invalid predicate type"),
    ];
    for (key, kind, artifact, why) in table {
        let (verified, said) = cosign(&bundle, key, kind, artifact);
        assert!(!verified && said.contains(why), "{why}: {said}");
    }
    for (change, why) in [
        (other_proof as fn(&mut _), "verifying inclusion"),
        (other_checkpoint, "verify signatures on checkpoint"),
        (other_payload, "verifying inclusion"),
    ] {
        let (verified, said) = cosign(&signed.changed(change), "mine.pub", PREDICATE_TYPE, "out/index.json");
        assert!(!verified && said.contains(why), "{why}: {said}");
    }
}
