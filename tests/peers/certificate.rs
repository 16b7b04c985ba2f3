//! Clients that know certificates alone: the signature of a scan of ours, with a certificate for its key by a private
//! CA, its entry in a log of ours, and the time from an authority.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_signing::{LogKey, LogVerifier, LoggedEntry, sigstore};
use certus_trust::log::{FolderLog, Log};
use serde_json::{Value, json};

use super::{
    PREDICATE_TYPE, Signed, accepted, document, entry, other_checkpoint, other_payload, other_proof, peer, python,
    refused,
};
use crate::support::block_on;

const IDENTITY: &str = "signer@certus.example";
const ISSUER: &str = "https://issuer.certus.example";
const LOG: &str = "log.certus.example";

/// The certificate and all authorities, in `ca`; the stamped bundle, `certificate.sigstore.json`.
fn certified(signed: &Signed) -> PathBuf {
    let key = LogKey::generate(LOG).expect("a key");
    let root = sigstore::trusted_root(&[(key.verifier(), format!("https://{LOG}"))]).expect("a trusted root");
    signed.home.write("our_root.json", root);
    run(signed, "make_ca.py", &["mine.pub", IDENTITY, ISSUER, "our_root.json", "ca"]);

    let leaf = std::fs::read(signed.path("ca/leaf.der")).expect("a certificate");
    let envelope = document(&signed.bundle())["dsseEnvelope"].clone();
    let body = log_entry(document(&signed.bundle()), &leaf);
    let folder = Arc::new(FolderLog::open(&signed.path("private-log")).expect("a folder"));
    let log = Log::new(key, folder.clone(), folder);
    let before_and_after = [b"{\"before\":1}".to_vec(), body, b"{\"after\":1}".to_vec()];
    let logged = block_on(log.append(&before_and_after)).expect("a log").swap_remove(1);

    signed.home.write("unstamped.json", bundle(&envelope, &leaf, &logged, &log.verifier()).to_string());
    run(signed, "stamp.py", &["ca", "unstamped.json", "certificate.sigstore.json"]);
    signed.path("certificate.sigstore.json")
}

/// Runs one of the scripts that make what is needed.
fn run(signed: &Signed, script: &str, arguments: &[&str]) {
    let mut python = python("sigstore", script).expect("it is there");
    let output = python.args(arguments).current_dir(signed.path("")).output().expect("python runs");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What is logged of a keyed bundle, with the certificate in the place of the key.
fn log_entry(mut keyed: Value, leaf: &[u8]) -> Vec<u8> {
    let text = entry(&mut keyed)["canonicalizedBody"].as_str().expect("a body").to_owned();
    let mut body: Value = serde_json::from_slice(&BASE64.decode(text).expect("base64")).expect("JSON");
    let verifier = &mut body["spec"]["hashedRekordV002"]["signature"]["verifier"];
    let verifier = verifier.as_object_mut().expect("a verifier");
    verifier.remove("publicKey").expect("a key");
    verifier.insert("x509Certificate".to_owned(), json!({ "rawBytes": BASE64.encode(leaf) }));
    certus_model::canonical_json(&body).expect("JSON")
}

fn bundle(envelope: &Value, leaf: &[u8], logged: &LoggedEntry, log: &LogVerifier) -> Value {
    let number = |number: u64| number.to_string();
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": { "rawBytes": BASE64.encode(leaf) },
            "tlogEntries": [{
                "logIndex": number(logged.index),
                "logId": { "keyId": BASE64.encode(log.id().as_bytes()) },
                "kindVersion": { "kind": "hashedrekord", "version": "0.0.2" },
                "inclusionProof": {
                    "logIndex": number(logged.index),
                    "rootHash": BASE64.encode(logged.root.as_bytes()),
                    "treeSize": number(logged.size),
                    "hashes": logged.proof.iter().map(|hash| BASE64.encode(hash.as_bytes())).collect::<Vec<_>>(),
                    "checkpoint": { "envelope": logged.checkpoint },
                },
                "canonicalizedBody": BASE64.encode(&logged.body),
            }],
        },
        "dsseEnvelope": envelope,
    })
}

/// The stamped bundle, changed.
fn changed(signed: &Signed, change: fn(&mut Value)) -> PathBuf {
    let mut bundle = document(&signed.path("certificate.sigstore.json"));
    change(&mut bundle);
    signed.home.write("changed.json", bundle.to_string())
}

/// What the clients trust, with the authorities of this kind replaced by those of somebody else.
fn with_others(signed: &Signed, kind: &str) -> String {
    let mut root = document(&signed.path("ca/trusted_root.json"));
    root[kind] = document(&signed.path("other-ca/trusted_root.json"))[kind].clone();
    let name = format!("other-{kind}.json");
    signed.home.write(&name, root.to_string());
    name
}

fn without_time(bundle: &mut Value) {
    bundle["verificationMaterial"]["timestampVerificationData"] = json!({});
}

#[test]
fn sigstore_python_verifies_a_certificate_bundle_of_ours() {
    let Some(_) = python("sigstore", "sigstore_python.py") else { return };
    let signed = Signed::new();
    let good = certified(&signed);
    let ask = |bundle: &Path, root: &str, identity: &str, issuer: &str, artifact: &str| {
        let mut python = python("sigstore", "sigstore_python.py").expect("it is there");
        python.arg(bundle).args([root, identity, issuer, artifact]).current_dir(signed.path(""));
        python
    };
    let (root, index) = ("ca/trusted_root.json", "out/index.json");
    let answer = accepted(&mut ask(&good, root, IDENTITY, ISSUER, index));
    assert_eq!(answer["predicateType"], PREDICATE_TYPE);

    refused(&mut ask(&good, root, "somebody@certus.example", ISSUER, index), "SANs do not match");
    refused(&mut ask(&good, root, IDENTITY, "https://other.example", index), "OIDCIssuer");
    refused(&mut ask(&good, root, IDENTITY, ISSUER, "earlier/index.json"), "not about these bytes");
    for (change, why) in [
        (other_proof as fn(&mut _), "invalid root hash"),
        (other_checkpoint, "invalid signature"),
        (other_payload, "DSSE: invalid signature"),
        (without_time, "signed timestamp(s)"),
    ] {
        refused(&mut ask(&changed(&signed, change), root, IDENTITY, ISSUER, index), why);
    }
    run(&signed, "make_ca.py", &["mine.pub", IDENTITY, ISSUER, "trusted_root.json", "other-ca"]);
    for (kind, why) in [
        ("certificateAuthorities", "certificate chain"),
        ("ctlogs", "failed to verify SCT"),
        ("timestampAuthorities", "not enough sources of verified time"),
        ("tlogs", "checkpoint: invalid signature"),
    ] {
        refused(&mut ask(&good, &with_others(&signed, kind), IDENTITY, ISSUER, index), why);
    }
}

#[test]
fn cosign_verifies_a_certificate_bundle_of_ours() {
    let Some(program) = peer("cosign", "bin/cosign") else { return };
    let Some(_) = python("sigstore", "make_ca.py") else { return };
    let signed = Signed::new();
    let good = certified(&signed);
    let cosign = |identity: &str| {
        let mut cosign = Command::new(&program);
        cosign.args(["verify-blob-attestation", "--trusted-root", "ca/trusted_root.json", "--type", PREDICATE_TYPE]);
        cosign.args(["--certificate-identity", identity, "--certificate-oidc-issuer", ISSUER, "--bundle"]);
        cosign.arg(&good).arg("out/index.json").current_dir(signed.path("")).env("HOME", signed.path(""));
        let output = cosign.output().expect("cosign runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (verified, said) = cosign(IDENTITY);
    assert!(verified && said.contains("Verified OK"), "{said}");
    let (verified, said) = cosign("somebody@certus.example");
    assert!(!verified && said.contains("no matching CertificateIdentity"), "{said}");
}
