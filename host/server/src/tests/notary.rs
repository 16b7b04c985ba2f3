//! What Trust signs for others, and what it says of signatures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_model::Sha256;
use certus_signing::{KeySet, LogKey, SigningKey};
use certus_trust::log::FolderLog;
use certus_trust::{Log, Parts, Policy, Trust};

use super::*;

/// A service that is Trust, and the key of a client that it knows.
struct Notary {
    fixture: Fixture,
    client: SigningKey,
    /// The id of Trust's own key.
    own: Sha256,
}

impl Notary {
    async fn new() -> Self {
        let mut fixture = Fixture::new().await;
        let (client, own) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let folder = Arc::new(FolderLog::open(&fixture.root.join("log")).unwrap());
        let log = Log::new(LogKey::generate("log.example.com/certus").unwrap(), folder.clone(), folder);
        let known = KeySet::from_iter([client.public().clone()]);
        let (store, id) = (fixture.store.clone(), "https://trust.example.com".to_owned());
        let own_id = own.public().key_id();
        let (key, log, policy) = (Arc::new(own), Arc::new(log), Policy::default());
        fixture.services.trust = Some(Trust::new(Parts { store, key, known, log, policy, id }));
        fixture.router = router(Shared::new(fixture.config.clone(), fixture.services.clone()));
        Self { fixture, client, own: own_id }
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.fixture.post(&self.fixture.acme, path, body).await
    }

    /// Signs the artifact with this content; the signature.
    async fn sign(&self, content: &[u8]) -> String {
        let answer = self.post("/v1/sign", artifact(content)).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json["signature"].as_str().unwrap().to_owned()
    }

    async fn verify(&self, content: &[u8], signature: &str) -> Value {
        let body = json!({ "artifact": Sha256::of(content).to_string(), "signature": signature });
        let answer = self.post("/v1/verify", body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json
    }
}

fn artifact(content: &[u8]) -> Value {
    json!({ "artifact": Sha256::of(content).to_string(), "artifact_type": "report", "subject": "report.json" })
}

#[tokio::test]
async fn a_signature_is_found_behind_any_number_of_later_ones() {
    let notary = Notary::new().await;
    let first = notary.sign(b"one").await;
    for _ in 0..101 {
        notary.sign(b"one").await;
    }
    let known = notary.verify(b"one", &first).await;
    assert_eq!((&known["valid"], &known["transparency_index"]), (&json!(true), &json!(0)), "{known:#}");
    let known = notary.verify(b"other", &first).await;
    assert_eq!((&known["valid"], &known["transparency_index"]), (&json!(false), &Value::Null), "{known:#}");
}
