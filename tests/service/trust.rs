//! Trust: what it permits, what it denies, and that nothing is published without it.

mod changed;
mod crashes;
mod faults;
mod gate;
mod notary;
mod policy;
mod signers;
mod stores;
mod stub;
mod tenants;
mod transform;
mod waivers;
mod witness;

use std::path::PathBuf;

use certus_signing::{KeyStore, Password, SigningKey};
use serde_json::{Value, json};

use crate::support::home::Home;
use crate::support::service::{Service, directory};

/// The setting by which a service signs with a key that somebody has made.
const KEYED: (&str, &str) = ("CERTUS_KEY", "ada");

/// A home with the key `ada` and a repository.
fn home() -> Home {
    let home = Home::new();
    made(&home, "ada");
    home.workspace("repo");
    home
}

/// Makes a key.
fn made(home: &Home, name: &str) {
    let ended = home.run(&["keys", "generate", name]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

fn keys(home: &Home) -> KeyStore {
    KeyStore::at(home.path(".config/certus/keys"))
}

/// The id of a key.
fn id_of(home: &Home, name: &str) -> String {
    keys(home).show(&name.parse().expect("a name")).expect("a key").public.key_id().to_string()
}

/// The private half of a key, as a test signs with it.
fn private(home: &Home, name: &str) -> SigningKey {
    SigningKey::from_file(&public(home, name).with_extension("key"), &Password::new("")).expect("a key")
}

/// The file of a key's public half.
fn public(home: &Home, name: &str) -> PathBuf {
    keys(home).folder().join(format!("{name}.pub"))
}

/// A scan that has succeeded; its decision is `pass`.
fn scanned(service: &Service) -> String {
    let id = service.submit(&directory("repo"));
    let scan = service.ended(&id);
    assert_eq!((&scan["status"], &scan["decision"]), (&json!("succeeded"), &json!("pass")), "{scan:#}");
    id
}

/// A scan that has succeeded; its decision is `fail`.
fn failing(service: &Service) -> String {
    let mut body = directory("repo");
    body["profile"] = json!("standard");
    let id = service.submit(&body);
    let scan = service.ended(&id);
    assert_eq!((&scan["status"], &scan["decision"]), (&json!("succeeded"), &json!("fail")), "{scan:#}");
    id
}

/// Asks for a publication; what was answered.
fn ask(service: &Service, id: &str, tier: &str) -> Value {
    let answer = service.post(&format!("/v1/security-scans/{id}/upload-request"), &json!({ "tier": tier }));
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()
}

/// Asks for a publication, which is permitted; the publication.
#[track_caller]
fn permitted(service: &Service, id: &str, tier: &str) -> Value {
    let answer = ask(service, id, tier);
    assert_eq!(answer["upload_status"], "permitted", "{answer:#}\n{}", service.log());
    upload(service, id)
}

/// Asks for a publication, which is denied for this reason; the publication.
#[track_caller]
fn denied(service: &Service, id: &str, tier: &str, reason: &str) -> Value {
    let answer = ask(service, id, tier);
    assert_eq!(answer["upload_status"], "denied", "{answer:#}");
    let upload = upload(service, id);
    assert_eq!((&upload["reason"], &upload["permit"]), (&json!(reason), &Value::Null), "{upload:#}");
    upload
}

/// The publication as it stands.
fn upload(service: &Service, id: &str) -> Value {
    let answer = service.get(&format!("/v1/security-scans/{id}/upload-request"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The statement in a signed envelope.
fn statement(envelope: &Value) -> Value {
    use base64::Engine as _;
    let payload = envelope["payload"].as_str().expect("a payload");
    let bytes = base64::engine::general_purpose::STANDARD.decode(payload).expect("base64");
    serde_json::from_slice(&bytes).expect("a statement")
}
