//! What Trust signs for others, what it knows of signatures, and how it stands.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certus_model::Sha256;
use certus_signing::sigstore::log_entry;
use certus_signing::{Envelope, merkle};
use serde_json::{Value, json};

use super::{KEYED, denied, failing, home, id_of, keys, permitted, private, scanned};
use crate::support::service::Service;

/// Signs what has this content; what was answered.
fn sign(service: &Service, content: &[u8]) -> Value {
    let body = json!({
        "artifact": format!("sha256:{}", Sha256::of(content)), "artifact_type": "report", "subject": "report.json",
        "predicates": { "made-by": "a test" },
    });
    let answer = service.post("/v1/sign", &body);
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()
}

#[test]
fn what_was_signed_verifies_and_nothing_else_does() {
    let home = home();
    let service = Service::start(&home, &[KEYED]);
    let (one, other) = (sign(&service, b"one"), sign(&service, b"other"));
    let signature = |signed: &Value| signed["signature"].as_str().expect("a signature").to_owned();
    let digest = |content: &[u8]| Sha256::of(content).to_string();
    let ada = id_of(&home, "ada");
    let mut changed = STANDARD.decode(signature(&one)).expect("base64");
    *changed.last_mut().expect("bytes") ^= 1;
    for (what, artifact, signature, identity, valid) in [
        ("as it is", digest(b"one"), signature(&one), None, true),
        ("by its signer", digest(b"one"), signature(&one), Some(ada.as_str()), true),
        ("of another artifact", digest(b"other"), signature(&one), None, false),
        ("of an artifact that nobody signed", digest(b"third"), signature(&one), None, false),
        ("with another signature", digest(b"one"), signature(&other), None, false),
        ("with a changed signature", digest(b"one"), STANDARD.encode(&changed), None, false),
        ("by somebody else", digest(b"one"), signature(&one), Some("eve"), false),
    ] {
        let mut body = json!({ "artifact": artifact, "signature": signature });
        if let Some(identity) = identity {
            body["identity"] = json!(identity);
        }
        let answer = service.post("/v1/verify", &body);
        assert_eq!((answer.status, &answer.json()["valid"]), (200, &json!(valid)), "{what}: {}", answer.text());
        let answer = answer.json();
        match valid {
            true => assert_eq!((&answer["signer"], &answer["detail"]), (&json!(ada), &Value::Null), "{what}"),
            false => assert!(answer["detail"].is_string(), "{what}: {answer:#}"),
        }
    }
    let envelope =
        Envelope::parse(&certus_model::canonical_json(&one["envelope"]).expect("JSON")).expect("an envelope");
    envelope.verify(&keys(&home).verification_keys().expect("keys")).expect("Trust's key has signed it");
    for body in [
        json!({ "artifact": "short", "artifact_type": "report", "subject": "x" }),
        json!({ "artifact": digest(b"one"), "artifact_type": "poem", "subject": "x" }),
        json!({ "artifact": digest(b"one"), "artifact_type": "report", "subject": "" }),
        json!({ "artifact": digest(b"one"), "artifact_type": "report", "subject": "x", "predicates": [] }),
    ] {
        assert_eq!(service.post("/v1/sign", &body).status, 422, "{body}");
    }
    let body = json!({ "artifact": digest(b"one"), "signature": signature(&one), "certificate": "PEM" });
    assert_eq!(service.post("/v1/verify", &body).status, 422, "certificates are never taken");
}

#[test]
fn entries_are_listed_and_proven() {
    let home = home();
    let service = Service::start(&home, &[KEYED]);
    let signed: Vec<_> = (0..5_u8).map(|at| sign(&service, &[at])).collect();
    let list = service.get("/v1/transparency?limit=3&offset=1").json();
    let entries = list.as_array().expect("entries");
    let ids: Vec<_> = entries.iter().map(|entry| entry["entry_id"].clone()).collect();
    let expected: Vec<_> = [3, 2, 1].iter().map(|at: &usize| signed[*at]["entry_id"].clone()).collect();
    assert_eq!(ids, expected, "the newest first");
    assert!(entries.iter().all(|entry| entry["proof"].is_null() && entry["kind"] == "report"), "{list:#}");

    let ada = keys(&home).show(&"ada".parse().expect("a name")).expect("a key").public;
    let by_signer = |signer: &str| service.get(&format!("/v1/transparency?signer={signer}")).json();
    assert_eq!(by_signer(&ada.key_id().to_string()).as_array().map(Vec::len), Some(5));
    assert_eq!(by_signer(&"0".repeat(64)), json!([]));
    assert_eq!(service.get("/v1/transparency?limit=101").status, 400);

    let hash = |text: &Value| text.as_str().expect("a hash").parse::<Sha256>().expect("64 hex digits");
    for signed in &signed {
        let path = format!("/v1/transparency/{}", signed["entry_id"].as_str().expect("an id"));
        let entry = service.get(&path).json();
        let proof = &entry["proof"];
        let index = proof["leaf_index"].as_u64().expect("an index");
        assert_eq!((Some(index), &proof["tree_size"]), (entry["index"].as_u64(), &json!(5)), "{entry:#}");
        assert_eq!(signed["transparency_entry"]["index"], entry["index"]);
        let envelope = certus_model::canonical_json(&signed["envelope"]).expect("JSON");
        let body = log_entry(&Envelope::parse(&envelope).expect("an envelope"), &ada).expect("an entry");
        let hashes: Vec<_> = proof["hashes"].as_array().expect("hashes").iter().map(hash).collect();
        let (leaf, root) = (merkle::leaf_hash(&body), hash(&proof["root_hash"]));
        merkle::verify_inclusion(&leaf, index, 5, &hashes, &root).expect("the log holds it");
        assert!(merkle::verify_inclusion(&leaf, (index + 1) % 5, 5, &hashes, &root).is_err());
        assert_eq!(service.get(&format!("{path}?include_proof=false")).json()["proof"], Value::Null);
    }
    assert_eq!(service.get("/v1/transparency/nothing").status, 404);
}

/// A file that a client has signed with `ada`, as it sends it.
fn file(home: &crate::support::home::Home, path: &str) -> Value {
    let digest = Sha256::of(path.as_bytes());
    let signature = private(home, "ada").sign(digest.as_bytes()).expect("a signature");
    json!({ "path": path, "digest": format!("sha256:{digest}"), "signature": STANDARD.encode(signature.as_der()) })
}

#[test]
fn a_chain_of_signatures_holds_until_one_is_changed() {
    let home = home();
    let service = Service::start(&home, &[KEYED]);
    let digest = format!("sha256:{}", Sha256::of(b"the artifacts"));
    let locations = json!({
        "s3": { "uri": "s3://golden/a1", "digest": digest }, "registry": { "uri": "oci://r/a1", "digest": digest },
    });
    let inner = json!({ "signer": "ada", "files": [file(&home, "a.json"), file(&home, "b.json")] });
    let mut changed = inner.clone();
    changed["files"][1]["digest"] = json!(format!("sha256:{}", Sha256::of(b"something else")));
    let asked = |inner: &Value, locations: &Value| {
        let metadata = json!({ "assessment_id": "a1", "client_id": "shop" });
        let body =
            json!({ "artifact_locations": locations, "inner_signatures": inner, "assessment_metadata": metadata });
        let answer = service.post("/v1/sign-artifact", &body);
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()
    };
    let broken = asked(&changed, &locations);
    assert_eq!((&broken["status"], &broken["outer_signature"]), (&json!("failed"), &Value::Null), "{broken:#}");
    assert_eq!(broken["verification_proof"]["files"], json!({ "a.json": true, "b.json": false }), "{broken:#}");
    assert_eq!(asked(&json!({ "files": [] }), &locations)["status"], "failed", "no file is no chain");
    let mut differ = locations.clone();
    differ["s3"]["digest"] = json!(format!("sha256:{}", Sha256::of(b"other artifacts")));
    assert_eq!(asked(&inner, &differ)["verification_proof"]["chain_of_custody"], "warning");

    let signed = asked(&inner, &locations);
    assert_eq!((&signed["status"], &signed["assessment_id"]), (&json!("signed"), &json!("a1")), "{signed:#}");
    assert_eq!(signed["verification_proof"]["chain_of_custody"], "complete", "{signed:#}");
    let outer = &signed["outer_signature"];
    assert_eq!(
        service.get("/v1/transparency?assessment_id=a1&limit=1").json()[0]["entry_id"],
        outer["sigstore_entry_id"]
    );

    let chain = |inner: &Value, outer: &Value, locations: &Value| {
        let body = json!({ "artifact_locations": locations, "signatures": { "inner": inner, "outer": outer } });
        let answer = service.post("/v1/verify-chain", &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let whole = chain(&inner, outer, &locations);
    for field in ["chain_verified", "inner_signature_valid", "outer_signature_valid", "chain_unbroken"] {
        assert_eq!(whole[field], true, "{field}: {whole:#}");
    }
    assert_eq!(whole["signer_outer"], json!(id_of(&home, "ada")), "{whole:#}");
    assert_eq!(whole["non_repudiation"]["provenance_chain"], "complete", "{whole:#}");

    let mut other_outer = outer.clone();
    other_outer["signature"] = inner["files"][0]["signature"].clone();
    for (what, answer, inner_valid, outer_valid) in [
        ("an inner signature", chain(&changed, outer, &locations), false, true),
        ("the outer signature", chain(&inner, &other_outer, &locations), true, false),
        ("no outer signature", chain(&inner, &Value::Null, &locations), true, false),
        ("a location", chain(&inner, outer, &differ), true, true),
    ] {
        assert_eq!(answer["chain_verified"], false, "{what}: {answer:#}");
        assert_eq!(answer["inner_signature_valid"], inner_valid, "{what}: {answer:#}");
        assert_eq!(answer["outer_signature_valid"], outer_valid, "{what}: {answer:#}");
    }
}

#[test]
fn the_outer_signature_is_about_what_it_was_made_for() {
    let home = home();
    let service = Service::start(&home, &[KEYED]);
    let digest =
        |of: &[u8]| json!({ "s3": { "uri": "s3://golden/x", "digest": format!("sha256:{}", Sha256::of(of)) } });
    let signed = |assessment: &str, path: &str| {
        let body = json!({
            "artifact_locations": digest(assessment.as_bytes()), "inner_signatures": { "files": [file(&home, path)] },
            "assessment_metadata": { "assessment_id": assessment },
        });
        service.post("/v1/sign-artifact", &body).json()["outer_signature"].clone()
    };
    let (_, other) = (signed("a1", "a.json"), signed("a2", "b.json"));
    let body = json!({
        "artifact_locations": digest(b"a1"),
        "signatures": { "inner": { "files": [file(&home, "a.json")] }, "outer": other },
    });
    let answer = service.post("/v1/verify-chain", &body).json();
    assert_eq!(answer["chain_verified"], false, "the signature over another assessment vouches for none: {answer:#}");
}

#[test]
fn a_scan_is_known_from_one_end_to_the_other() {
    let home = home();
    let service = Service::start(&home, &[KEYED]);
    let provenance = |id: &str| service.get(&format!("/v1/provenance/{id}"));
    assert_eq!(provenance("test_000000000000").status, 404);
    let good = scanned(&service);
    let before = provenance(&good).json();
    assert_eq!((&before["chain_status"], &before["trust_level"]), (&json!("partial"), &json!("low")), "{before:#}");
    let upload = permitted(&service, &good, "verified");
    let known = provenance(&good).json();
    assert_eq!((&known["chain_status"], &known["trust_level"]), (&json!("complete"), &json!("high")), "{known:#}");
    let (trail, scans) = (&known["verification_trail"], &known["scans"]);
    assert_eq!(trail[0]["upload_permission_id"], upload["upload_permission_id"], "{known:#}");
    assert_eq!(scans[0]["digest"], upload["evidence"]["plugins"][0]["digest"], "{known:#}");
    assert_eq!(scans[0]["signed_by"], json!(id_of(&home, "ada")), "{known:#}");
    assert_eq!(known["manifest"]["signed_by"], json!(null), "there was no manifest: {known:#}");

    let basic = scanned(&service);
    permitted(&service, &basic, "basic");
    assert_eq!(provenance(&basic).json()["trust_level"], "medium");
    let bad = failing(&service);
    denied(&service, &bad, "verified", "decision_not_accepted");
    let known = provenance(&bad).json();
    assert_eq!((&known["chain_status"], &known["trust_level"]), (&json!("partial"), &json!("low")), "{known:#}");
    assert_eq!(known["verification_trail"][0]["reason"], "decision_not_accepted", "{known:#}");
}

#[test]
fn trust_says_how_it_stands() {
    let home = home();
    let service = Service::start(&home, &[KEYED]);
    let time = |answer: &Value| answer["timestamp"].as_str().is_some_and(|time| time.ends_with('Z'));
    let health = service.get("/v1/health").json();
    assert!(health["status"] == "ok" && time(&health), "{health:#}");
    let ready = service.get("/v1/ready").json();
    let checks = json!({ "fulcio": true, "rekor": true, "tuf": true, "keycloak": true });
    assert!(ready["ready"] == true && ready["checks"] == checks && time(&ready), "{ready:#}");
    sign(&service, b"one");
    permitted(&service, &scanned(&service), "verified");
    denied(&service, &failing(&service), "verified", "decision_not_accepted");
    let stats = service.get("/v1/stats").json();
    // What was signed for somebody, two scans, and the verdict that permits one.
    assert_eq!((&stats["total_signatures"], &stats["total_transparency_entries"]), (&json!(4), &json!(4)), "{stats:#}");
    let counted = json!({ "total": 2, "successful": 1, "failed": 1 });
    assert_eq!((&stats["verification_stats"], &stats["signers"]), (&counted, &json!([id_of(&home, "ada")])));
    assert!(time(&stats), "{stats:#}");
}
