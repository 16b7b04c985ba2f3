//! The keys of others, wherever they lie: of who signs manifests, and of who permits.

use certus_model::canonical_json;
use certus_signing::SigningKey;
use serde_json::{Value, json};

use crate::support::home::{Ended, Home, ended};
use crate::support::host::sign_blob;
use crate::support::service::{Service, directory};
use crate::support::{kms, token};

const MANIFEST_KEY: &str = "CERTUS_ASSURANCE_MANIFEST_VERIFICATION_KEY_REF";
const REQUIRED: (&str, &str) = ("CERTUS_ASSURANCE_MANIFEST_VERIFICATION_REQUIRED", "true");
const KMS: &str = "awskms:///alias/manifests";
const TOKEN: &str = "pkcs11:token=certus;object=manifests";

fn manifest() -> Value {
    json!({ "product": "shop", "profiles": [{ "name": "release", "tools": ["secrets"] }] })
}

/// What becomes of a scan whose manifest has this signature.
fn submitted(service: &Service, signature: &str) -> Value {
    let mut body = directory("repo");
    body["profile"] = json!("release");
    body["manifest"] = manifest();
    body["manifest_signature"] = json!(signature);
    let id = service.submit(&body);
    service.ended(&id)
}

/// A service that runs manifests signed by this key alone: one signed by it is accepted, and another's is not.
#[track_caller]
fn verifies(home: &Home, reference: &str, settings: &[(&'static str, String)], good: &str, other: &str) {
    let mut env: Vec<(&str, &str)> = vec![(MANIFEST_KEY, reference), REQUIRED];
    env.extend(settings.iter().map(|(name, value)| (*name, value.as_str())));
    let service = Service::start(home, &env);
    let scan = submitted(&service, good);
    assert_eq!(scan["status"], "succeeded", "{reference}: {scan:#}\n{}", service.log());
    let info = service
        .get(&format!("/v1/security-scans/{}/artifacts/manifest-info.json", scan["test_id"].as_str().expect("an id")));
    assert_eq!(info.json()["manifest_verified"], true, "{reference}: {}", info.text());
    let scan = submitted(&service, other);
    assert_eq!((&scan["status"], &scan["failure"]), (&json!("failed"), &json!("manifest")), "{reference}: {scan:#}");
}

#[test]
fn manifests_are_verified_with_a_key_wherever_it_lies() {
    let home = Home::new();
    home.workspace("repo");
    let bytes = canonical_json(&manifest()).expect("JSON");
    let (mine, other) = (SigningKey::generate().expect("a key"), SigningKey::generate().expect("a key"));
    let signed = |key: &SigningKey| String::from_utf8(sign_blob(key, &bytes)).expect("base64").trim().to_owned();
    let (good, bad) = (signed(&mine), signed(&other));
    let file = home.write("manifests.pub", mine.public().to_pem()).display().to_string();
    verifies(&home, &file, &[], &good, &bad);
    home.write(".config/certus/keys/manifests.pub", mine.public().to_pem());
    verifies(&home, "manifests", &[], &good, &bad);
    verifies(&home, KMS, &kms::showing(mine.public()), &good, &bad);
    let Some(settings) = token::holding(&home, &["manifests", "others"]) else { return };
    let signed = |name: &str| token::sign_blob(&home, name, &bytes);
    verifies(&home, TOKEN, &settings, &signed("manifests"), &signed("others"));
}

/// A command that is run with settings.
fn run(home: &Home, arguments: &[&str], env: &[(&str, &str)]) -> Ended {
    ended(home.service(env).args(arguments).output().expect("certus runs"))
}

#[test]
fn offline_no_key_is_asked_for_outside() {
    let home = Home::new();
    let offline = ("CERTUS_OFFLINE", "true");
    let login = [("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "y"), ("AWS_REGION", "eu-west-1")];
    let inside = ("CERTUS_KMS_ENDPOINT_URL", "http://127.0.0.1:9");
    // A host in the reference wins over the one that is set.
    let elsewhere = "awskms://kms.example.com/alias/manifests";
    let trust = ("CERTUS_ASSURANCE_TRUST_BASE_URL", "http://127.0.0.1:9");
    for env in [
        vec![(MANIFEST_KEY, KMS)],
        vec![(MANIFEST_KEY, elsewhere), inside],
        vec![("CERTUS_TRUST_ANCHOR", KMS), trust],
        vec![("CERTUS_TRUST_ANCHOR", elsewhere), trust, inside],
        vec![("CERTUS_KEY", elsewhere), inside],
    ] {
        let (setting, reference) = env[0];
        let ended = run(&home, &["serve"], &[&[offline][..], &login, &env].concat());
        assert_eq!(ended.code, 1, "{setting}={reference}: {}", ended.stderr);
        let said = ended.stderr.trim_end();
        assert!(said.contains("CERTUS_OFFLINE") && said.contains(reference), "{setting}: {said}");
    }
    // The twin: a stand-in on this machine is inside.
    let key = SigningKey::generate().expect("a key");
    let stub = kms::showing(key.public());
    let stub: Vec<_> = stub.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let shown = run(&home, &["config", "check"], &[&[offline, (MANIFEST_KEY, KMS)][..], &stub].concat());
    assert!(shown.stdout.contains(&key.public().key_id().to_string()), "{}{}", shown.stdout, shown.stderr);
}

#[test]
fn a_bundle_is_verified_with_a_key_wherever_it_lies() {
    let home = Home::new();
    for name in ["ada", "eve"] {
        assert_eq!(home.run(&["keys", "generate", name]).code, 0);
    }
    home.write("tree/a.txt", "hello");
    let scanned = home.run(&["scan", "dir:tree", "--profile", "smoke", "--key", "ada", "--out", "out"]);
    assert_eq!(scanned.code, 0, "{}", scanned.stderr);
    let public = |name: &str| {
        let pem = home.run(&["keys", "show", name]).stdout;
        certus_signing::PublicKey::from_pem(&pem).expect("a key")
    };
    for (name, code) in [("ada", 0), ("eve", 2)] {
        let settings = kms::showing(&public(name));
        let env: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for key in [name, KMS] {
            let ended = run(&home, &["verify", "out", "--key", key], &env);
            assert_eq!(ended.code, code, "{key} of {name}: {}{}", ended.stdout, ended.stderr);
        }
    }
}
