//! What Trust signs for others, and what it says of signatures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_model::Sha256;
use certus_signing::{KeySet, LogKey, SigningKey, Statement, Subject};
use certus_trust::log::FolderLog;
use certus_trust::{Log, LogSubject, Parts, Policy, Trust};

use super::*;

/// A service that is Trust, and the keys of clients that it knows.
struct Notary {
    fixture: Fixture,
    client: SigningKey,
    other: SigningKey,
    /// One that the key folder says was revoked.
    lost: SigningKey,
    /// One that it says is to be revoked, in a far time.
    leaving: SigningKey,
    /// The id of Trust's own key.
    own: Sha256,
}

impl Notary {
    async fn new() -> Self {
        let mut fixture = Fixture::new().await;
        let [client, other, lost, leaving, own] = [(); 5].map(|()| SigningKey::generate().unwrap());
        let folder = Arc::new(FolderLog::open(&fixture.root.join("log")).unwrap());
        let log = Log::new(LogKey::generate("log.example.com/certus").unwrap(), folder.clone(), folder);
        let mut known = KeySet::from_iter([client.public().clone(), other.public().clone()]);
        for (key, since) in [(&lost, "2026-01-01T00:00:00Z"), (&leaving, "2999-01-01T00:00:00Z")] {
            let revoked = json!({ "revoked": { "since": since, "reason": "left in a train" } });
            known.insert_valid(key.public().clone(), serde_json::from_value(revoked).unwrap());
        }
        let (store, id) = (fixture.store.clone(), "https://trust.example.com".to_owned());
        let own_id = own.public().key_id();
        let (key, log, policy) = (Arc::new(own), Arc::new(log), Policy::default());
        fixture.services.trust =
            Some(Trust::new(Parts { store, key, known: Arc::new(move || Ok(known.clone())), log, policy, id }));
        fixture.router = router(Shared::new(fixture.config.clone(), fixture.services.clone()));
        Self { fixture, client, other, lost, leaving, own: own_id }
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

    /// Asks for an outer signature over these files.
    async fn assess(&self, files: Value) -> Answer {
        self.post("/v1/sign-artifact", assessment("a1", files)).await
    }

    /// Has a chain of signatures looked at.
    async fn chain(&self, files: Value, outer: &Value) -> Answer {
        let signatures = json!({ "inner": { "files": files }, "outer": outer });
        self.post("/v1/verify-chain", json!({ "artifact_locations": locations(), "signatures": signatures })).await
    }

    /// Logs a signature over `index` of a scan, as the host makes it; the signature.
    async fn log(&self, scan: &str, key: &SigningKey) -> String {
        let (artifact, kind) = (Sha256::of(b"index"), "scan");
        let subjects = vec![Subject::new("index.json", artifact)];
        let envelope = Statement::new(subjects, "https://example.com/scan/v1", json!({})).sign(key).unwrap();
        let (tenant, scan) = ("acme".parse().unwrap(), scan.parse().unwrap());
        let subject = LogSubject { tenant: &tenant, scan: Some(&scan), assessment: None, artifact, kind };
        let trust = self.fixture.services.trust.as_ref().unwrap();
        trust.enter(&envelope, key, &subject).await.unwrap().1.signature
    }

    async fn revoke(&self, key: Sha256) {
        let body = json!({ "kind": "signer", "digest": key.to_string(), "reason": "stolen" });
        let answer = self.fixture.post(&self.fixture.admin, "/v1/revocations", body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    async fn entries(&self) -> usize {
        self.fixture.get(&self.fixture.acme, "/v1/transparency").await.json.as_array().unwrap().len()
    }

    async fn verify(&self, content: &[u8], signature: &str) -> Value {
        let body = json!({ "artifact": Sha256::of(content).to_string(), "signature": signature });
        let answer = self.post("/v1/verify", body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json
    }
}

fn locations() -> Value {
    json!({ "s3": { "uri": "s3://golden/a1", "digest": format!("sha256:{}", Sha256::of(b"all")) } })
}

fn assessment(id: &str, files: Value) -> Value {
    json!({
        "artifact_locations": locations(), "inner_signatures": { "files": files },
        "assessment_metadata": { "assessment_id": id },
    })
}

/// A file with this content, as a client sends it that has signed it.
fn file(path: &str, content: &[u8], key: &SigningKey) -> Value {
    let digest = Sha256::of(content);
    let signature = BASE64.encode(key.sign(digest.as_bytes()).unwrap().as_der());
    json!({ "path": path, "digest": format!("sha256:{digest}"), "signature": signature })
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

#[tokio::test]
async fn texts_that_cannot_be_kept_are_refused_before_anything_is_done() {
    let notary = Notary::new().await;
    let files = json!([file("app.tar", b"app", &notary.client)]);
    for query in ["assessment_id=%00", "signer=%00", "assessment_id=a%00b"] {
        let answer = notary.fixture.get(&notary.fixture.acme, &format!("/v1/transparency?{query}")).await;
        answer.is_problem(400, "bad-query");
    }
    for id in ["a\0b", "", &"a".repeat(129)] {
        notary.post("/v1/sign-artifact", assessment(id, files.clone())).await.is_problem(422, "invalid");
    }
    notary.assess(json!([file("a\0b", b"app", &notary.client)])).await.is_problem(422, "invalid");
    notary.chain(files.clone(), &json!({ "sigstore_entry_id": "\0" })).await.is_problem(422, "invalid");
    assert_eq!(notary.entries().await, 0, "nothing was logged");

    assert_eq!(notary.assess(files.clone()).await.json["status"], "signed");
    let query = format!("/v1/transparency?assessment_id=a1&signer={}", notary.own);
    assert_eq!(notary.fixture.get(&notary.fixture.acme, &query).await.json[0]["assessment_id"], "a1");
    let unknown = notary.chain(files, &json!({ "sigstore_entry_id": "e1" })).await;
    assert_eq!((unknown.status.as_u16(), &unknown.json["outer_signature_valid"]), (200, &json!(false)), "{unknown:?}");
}

#[tokio::test]
async fn a_file_is_named_once() {
    let notary = Notary::new().await;
    let good = file("app.tar", b"app", &notary.client);
    let mut bad = good.clone();
    bad["digest"] = json!(format!("sha256:{}", Sha256::of(b"something else")));
    for files in [json!([bad, good]), json!([good, bad]), json!([good, good])] {
        for answer in [notary.assess(files.clone()).await, notary.chain(files, &Value::Null).await] {
            answer.is_problem(422, "invalid");
            let detail = answer.json["errors"][0]["detail"].as_str().unwrap();
            assert!(detail.contains("`app.tar` twice"), "{detail}");
        }
    }
    assert_eq!(notary.entries().await, 0, "nothing was signed");
    let two = notary.assess(json!([good, file("lib.tar", b"lib", &notary.client)])).await;
    assert_eq!(two.json["status"], "signed", "{two:?}");
    let broken = notary.assess(json!([bad, file("lib.tar", b"lib", &notary.client)])).await.json;
    let proof = &broken["verification_proof"];
    assert_eq!((&broken["status"], &proof["inner_signatures_verified"]), (&json!("failed"), &json!(false)));
    assert_eq!(proof["refused"], json!({ "app.tar": "no known key has signed this digest" }), "{broken:#}");
}

#[tokio::test]
async fn an_assessment_has_so_many_files_and_no_more() {
    let notary = Notary::new().await;
    let mut files: Vec<_> = (0..=500).map(|at| file(&format!("f{at}"), b"app", &notary.client)).collect();
    for answer in [notary.assess(json!(files)).await, notary.chain(json!(files), &Value::Null).await] {
        answer.is_problem(422, "invalid");
        assert!(answer.json["detail"].as_str().unwrap().contains("at most 500"), "{answer:?}");
    }
    files.pop();
    assert_eq!(notary.assess(json!(files)).await.json["status"], "signed");
    assert_eq!(notary.chain(json!(files), &Value::Null).await.json["inner_signature_valid"], true);
}

#[tokio::test]
async fn a_revoked_client_vouches_for_nothing() {
    let notary = Notary::new().await;
    let (client, other) = (&notary.client, &notary.other);
    let (files, others) = (json!([file("app.tar", b"app", client)]), json!([file("app.tar", b"app", other)]));
    let signed = notary.assess(files.clone()).await.json;
    let outer = &signed["outer_signature"];
    let before = notary.chain(files.clone(), outer).await.json;
    assert_eq!((&before["chain_verified"], &before["outer_refused"]), (&json!(true), &Value::Null), "{before:#}");

    notary.revoke(client.public().key_id()).await;
    let why = json!({ "app.tar": format!("the key {} was revoked: stolen", client.public().key_id()) });
    let answer = notary.assess(files.clone()).await.json;
    assert_eq!((&answer["status"], &answer["outer_signature"]), (&json!("failed"), &Value::Null), "{answer:#}");
    assert_eq!(answer["verification_proof"]["refused"], why, "{answer:#}");
    let after = notary.chain(files, outer).await.json;
    assert_eq!((&after["chain_verified"], &after["inner_signature_valid"]), (&json!(false), &json!(false)));
    assert_eq!((&after["inner_refused"], &after["outer_signature_valid"]), (&why, &json!(true)), "{after:#}");
    assert_eq!(notary.assess(others).await.json["status"], "signed", "another client's key is as good as before");
}

#[tokio::test]
async fn what_the_key_folder_revokes_is_revoked() {
    let notary = Notary::new().await;
    let lost = json!([file("app.tar", b"app", &notary.lost)]);
    let answer = notary.assess(lost.clone()).await.json;
    let why = answer["verification_proof"]["refused"]["app.tar"].as_str().unwrap_or_default();
    assert!(answer["status"] == "failed" && why.contains("left in a train"), "{answer:#}");
    assert_eq!(notary.chain(lost, &Value::Null).await.json["inner_signature_valid"], false);
    assert_eq!(notary.entries().await, 0, "nothing was signed");
    let leaving = json!([file("app.tar", b"app", &notary.leaving)]);
    assert_eq!(notary.assess(leaving).await.json["status"], "signed", "its time has not come");

    let scan = notary.fixture.submit(&notary.fixture.acme).await;
    for (key, valid) in [(&notary.lost, false), (&notary.leaving, true)] {
        let signature = notary.log(&scan, key).await;
        let known = notary.verify(b"index", &signature).await;
        let told = known["detail"].as_str().is_some_and(|detail| detail.contains("left in a train"));
        assert_eq!((&known["valid"], told), (&json!(valid), !valid), "{known:#}");
    }
}

#[tokio::test]
async fn what_a_revoked_key_has_logged_is_no_longer_good() {
    let notary = Notary::new().await;
    let scan = notary.fixture.submit(&notary.fixture.acme).await;
    let signature = notary.log(&scan, &notary.client).await;
    let path = format!("/v1/provenance/{scan}");
    let status = async || notary.fixture.get(&notary.fixture.acme, &path).await.json["chain_status"].clone();
    assert_eq!(notary.verify(b"index", &signature).await["valid"], true);
    assert_eq!(status().await, "partial");

    notary.revoke(notary.client.public().key_id()).await;
    let known = notary.verify(b"index", &signature).await;
    assert!(known["valid"] == false && known["detail"].as_str().unwrap().contains("stolen"), "{known:#}");
    assert_eq!(known["signer"], json!(notary.client.public().key_id()), "{known:#}");
    assert_eq!(status().await, "broken");
}

#[tokio::test]
async fn a_trust_whose_own_key_is_revoked_signs_nothing() {
    let notary = Notary::new().await;
    let files = json!([file("app.tar", b"app", &notary.client)]);
    let permit = json!({ "scan_id": "test_0123456789ab", "tier": "basic", "artifacts": [], "documents": {} });
    let asked = async || {
        [
            notary.post("/v1/sign", artifact(b"one")).await,
            notary.assess(files.clone()).await,
            notary.post("/v1/verify-and-permit-upload", permit.clone()).await,
        ]
    };
    let fulcio = async || notary.fixture.get("", "/v1/ready").await.json["checks"]["fulcio"].clone();
    let signature = notary.sign(b"one").await;
    let outer = notary.assess(files.clone()).await.json["outer_signature"].clone();
    notary.revoke(notary.other.public().key_id()).await;
    assert!(asked().await.iter().all(|answer| answer.status == 202), "another key's revocation is not its own");
    assert_eq!(fulcio().await, true);
    let entries = notary.entries().await;

    notary.revoke(notary.own).await;
    for answer in asked().await {
        answer.is_problem(503, "undecided");
        assert!(answer.json["detail"].as_str().unwrap().contains("was revoked: stolen"), "{answer:?}");
    }
    assert_eq!((notary.entries().await, fulcio().await), (entries, json!(false)));
    let known = notary.verify(b"one", &signature).await;
    assert!(known["valid"] == false && known["detail"].as_str().unwrap().contains("stolen"), "{known:#}");
    let chain = notary.chain(files, &outer).await.json;
    assert_eq!((&chain["inner_signature_valid"], &chain["outer_signature_valid"]), (&json!(true), &json!(false)));
    assert!(chain["outer_refused"].as_str().unwrap().contains("stolen"), "{chain:#}");
}
