//! The gate: who may ask when, what is answered, and what of it is counted.

use reqwest::Method;
use serde_json::{Value, json};

use super::{KEYED, ask, denied, failing, home, id_of, permitted, scanned, statement, upload};
use crate::service::keys::{key, production, user};
use crate::support::home::Home;
use crate::support::service::{Service, directory, send};

#[test]
fn only_a_scan_that_has_succeeded_may_be_asked_for() {
    let home = home();
    let service = Service::start(&home, &[KEYED]);
    let failed = service.submit(&directory("not-there"));
    assert_eq!(service.ended(&failed)["status"], "failed");
    let answer = service.post(&format!("/v1/security-scans/{failed}/upload-request"), &json!({}));
    let said = "Scan must be SUCCEEDED to submit upload request. Current status: FAILED";
    assert_eq!((answer.status, &answer.json()["detail"]), (400, &json!(said)), "{}", answer.text());

    let id = scanned(&service);
    let path = format!("/v1/security-scans/{id}/upload-request");
    assert_eq!(service.get(&path).status, 404, "nobody has asked yet");
    for body in [json!({"tier": "gold"}), json!({"tier": 1}), json!({"tier": "basic", "more": 1}), json!([])] {
        let answer = service.post(&path, &body);
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
    }
    assert_eq!(service.get(&path).status, 404, "what is not valid asks for nothing");
    assert_eq!(service.get(&format!("/v1/security-scans/{id}")).json()["upload_status"], "pending");
}

#[test]
fn another_tenants_scan_is_not_there() {
    let home = Home::new();
    home.workspace("repo");
    let acme = key(&home, &user(&home, "acme", "tenant"), "write");
    let other = key(&home, &user(&home, "other", "tenant"), "write");
    let service = Service::start(&home, &production(&home)).with_key(&acme);
    let path = format!("/v1/security-scans/{}/upload-request", scanned(&service));
    let as_other = |method: Method, path: &str| {
        let request = service.anonymous(method, path).bearer_auth(&other);
        send(request.header("content-type", "application/json").body("{}"))
    };
    let nobodys = "/v1/security-scans/test_000000000000/upload-request";
    let (foreign, missing) = (as_other(Method::POST, &path), as_other(Method::POST, nobodys));
    assert_eq!((foreign.status, foreign.json()["detail"].clone()), (404, missing.json()["detail"].clone()));
    assert_eq!(service.get(&path).status, 404, "it asked for nothing");
    assert_eq!(service.post(&path, &json!({})).status, 202);
    assert_eq!(as_other(Method::GET, &path).status, 404);
    assert_eq!(service.get(&path).json()["upload_status"], "permitted");
}

#[test]
fn what_is_permitted_stays_so_whoever_asks_again() {
    let home = home();
    let service = Service::start(&home, &[KEYED]);
    let id = scanned(&service);
    let first = service.post(&format!("/v1/security-scans/{id}/upload-request"), &json!({}));
    assert_eq!(first.status, 202);
    let first = first.json();
    assert_eq!((&first["upload_status"], &first["upload_error"]), (&json!("permitted"), &Value::Null), "{first:#}");
    for again in ["premium", "verified"] {
        assert_eq!(ask(&service, &id, again), first, "{again}");
    }
    let shown = upload(&service, &id);
    assert_eq!((&shown["tier"], &shown["attempts"]), (&json!("verified"), &json!(1)), "{shown:#}");
    assert_eq!((&shown["test_id"], &shown["upload_permission_id"]), (&json!(id), &first["upload_permission_id"]));
    assert_eq!(service.get("/v1/stats").json()["verification_stats"]["total"], 1, "it was decided once");

    let premium = scanned(&service);
    assert_eq!(permitted(&service, &premium, "premium")["tier"], "verified");
    let proof = &shown["verification_proof"];
    for (field, value) in [
        ("chain_verified", json!(true)),
        ("inner_signature_valid", json!(true)),
        ("outer_signature_valid", json!(true)),
        ("chain_unbroken", json!(true)),
        ("signer_inner", json!(id_of(&home, "ada"))),
        ("signer_outer", json!(id_of(&home, "ada"))),
    ] {
        assert_eq!(proof[field], value, "{field}: {proof:#}");
    }
    let scan = service.get(&format!("/v1/security-scans/{id}")).json();
    assert_eq!((&scan["upload_status"], &scan["verification_proof"]), (&json!("permitted"), proof), "{scan:#}");
    let verdict = statement(&shown["vsa"]);
    assert_eq!(verdict["predicate"]["verificationResult"], "PASSED", "{verdict:#}");
    let permit = statement(&shown["permit"]);
    let names: Vec<_> = permit["subject"].as_array().expect("files").iter().map(|file| &file["name"]).collect();
    for name in ["index.json", "attestation.dsse.json", "bundle.sigstore.json", "findings.json", "vsa.dsse.json"] {
        assert!(names.contains(&&json!(name)), "{name} is not in {names:?}");
    }

    // Another tier is another question.
    let other = ask(&service, &id, "basic");
    assert_eq!(other["upload_status"], "permitted");
    assert_ne!(other["upload_permission_id"], first["upload_permission_id"]);
    assert_eq!(upload(&service, &id)["tier"], "basic");
}

#[test]
fn a_denial_says_why_and_proves_it() {
    let home = home();
    let service = Service::start(&home, &[KEYED]);
    let id = failing(&service);
    for tier in ["basic", "verified"] {
        let upload = denied(&service, &id, tier, "decision_not_accepted");
        let detail = upload["detail"].as_str().expect("a sentence");
        assert!(detail.contains("`fail`") && detail.contains(tier), "{detail}");
        let error = upload["upload_error"].as_str().expect("a sentence");
        assert!(error.starts_with("decision_not_accepted: ") && error.contains(detail), "{error}");
        let checks = upload["evidence"]["checks"].as_array().expect("checks");
        let (last, before) = checks.split_last().expect("some");
        assert_eq!((&last["name"], &last["passed"]), (&json!("decision"), &json!(false)), "{checks:?}");
        assert!(before.len() > 4 && before.iter().all(|check| check["passed"] == true), "{checks:?}");
        let verdict = statement(&upload["vsa"]);
        assert_eq!(verdict["predicate"]["verificationResult"], "FAILED", "{verdict:#}");
        assert_eq!(verdict["predicate"]["certusDenial"]["reason"], "decision_not_accepted", "{verdict:#}");
        assert_eq!((&upload["retried"], &upload["verification_proof"]), (&json!(false), &Value::Null));
    }
    let stats = service.get("/stats").json();
    assert_eq!((&stats["upload_stats"]["denied"], &stats["upload_stats"]["permitted"]), (&json!(1), &json!(0)));
}

#[test]
fn a_development_key_is_good_for_basic_alone() {
    let home = Home::new();
    home.workspace("repo");
    let service = Service::start(&home, &[]);
    let id = scanned(&service);
    let upload = denied(&service, &id, "verified", "development_key");
    assert!(upload["detail"].as_str().is_some_and(|detail| detail.contains("certus keys generate")), "{upload:#}");
    let upload = permitted(&service, &id, "basic");
    assert_eq!(upload["verification_proof"]["signer_outer"], Value::Null, "{upload:#}");
}

#[test]
fn the_sample_is_never_verified() {
    let home = home();
    let service = Service::start(&home, &[KEYED, ("CERTUS_ASSURANCE_USE_SAMPLE_MODE", "true")]);
    let id = service.submit(&directory("whatever"));
    assert_eq!(service.ended(&id)["mode"], "sample");
    denied(&service, &id, "verified", "sample_mode");
    let loose = home.write(
        "loose.toml",
        "format = \"certus-trust-policy/1\"\n[tiers.verified]\ndecisions = [\"pass\"]\n\
        coverage = \"complete\"\nlog = true\ndevelopment = false\nsample = true\n",
    );
    let refused = home.service(&[KEYED, ("CERTUS_TRUST_POLICY", loose.to_str().expect("UTF-8"))]).arg("serve").output();
    let refused = refused.expect("certus runs");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("never accepts sample"), "{said}");
}

#[test]
fn what_was_permitted_stays_counted() {
    let home = home();
    let service = Service::start(&home, &[KEYED]);
    let stats = || service.get("/stats").json()["upload_stats"].clone();
    let first = scanned(&service);
    assert_eq!((&stats()["pending"], &stats()["permitted"]), (&json!(1), &json!(0)));
    permitted(&service, &first, "verified");
    let second = scanned(&service);
    permitted(&service, &second, "basic");
    assert_eq!((&stats()["pending"], &stats()["permitted"], &stats()["uploaded"]), (&json!(0), &json!(2), &json!(0)));
    let metrics = service.get("/metrics").text();
    assert!(metrics.contains("certus_assurance_uploads_total{outcome=\"permitted\"} 2"), "{metrics}");
}

#[test]
fn what_is_permitted_is_published_whole_and_verifies() {
    let home = home();
    let lake = home.path("lake");
    let service = Service::start(&home, &[KEYED, ("CERTUS_PUBLISH_DIR", lake.to_str().expect("UTF-8"))]);
    let id = scanned(&service);
    ask(&service, &id, "verified");
    let scan = service.until(&id, |scan| ["uploaded", "upload_failed"].iter().any(|s| scan["upload_status"] == *s));
    assert_eq!(scan["upload_status"], "uploaded", "{scan:#}\n{}", service.log());
    let shown = upload(&service, &id);
    assert!(shown["uploaded_at"].is_string() && shown["published"].is_object(), "{shown:#}");
    let stats = service.get("/stats").json()["upload_stats"].clone();
    assert_eq!((&stats["permitted"], &stats["uploaded"]), (&json!(1), &json!(1)), "{stats}");
    let again = ask(&service, &id, "verified");
    assert_eq!(again["upload_status"], "uploaded", "{again:#}");
}
