//! What clients of the replaced service do, as they do it.

use serde_json::{Value, json};

use super::on_each;
use crate::support::home::Home;
use crate::support::service::{Service, directory, verify};

#[test]
fn a_submit_without_a_manifest_is_accepted_counted_and_leaves_a_bundle() {
    on_each(|records| {
        let home = Home::new();
        home.workspace("repo");
        let service = Service::start(&home, &records.settings(&home));
        assert_eq!(service.get("/stats").json()["total_scans"], 0, "none right after the start");
        let answer = service.post("/v1/security-scans", &directory("repo"));
        assert_eq!(answer.status, 202, "{}", answer.text());
        let body = answer.json();
        let id = body["test_id"].as_str().expect("an id").to_owned();
        assert_eq!(body["stream_url"], format!("/v1/security-scans/{id}/stream"));
        assert_eq!((&body["profile"], &body["manifest_digest"]), (&json!("smoke"), &json!(null)));
        for field in ["workspace_id", "component_id", "assessment_id", "status"] {
            assert!(body[field].is_string(), "{field}: {body}");
        }
        let stats = service.get("/stats").json();
        let count = |stats: &Value, status: &str| stats["scans_by_status"][status].as_u64().expect("a number");
        let begun: u64 = ["queued", "running", "succeeded", "failed"].iter().map(|word| count(&stats, word)).sum();
        assert_eq!((stats["total_scans"].as_u64(), begun), (Some(1), 1), "{stats}");
        for field in ["pending", "permitted", "uploaded", "denied", "upload_failed"] {
            assert!(stats["upload_stats"][field].is_u64(), "{field}: {stats}");
        }
        assert!(stats["active_streams"].is_u64() && stats["timestamp"].is_string(), "{stats}");

        let scan = service.ended(&id);
        assert_eq!((&scan["status"], &scan["source_type"]), (&json!("succeeded"), &json!("directory")), "{scan:#}");
        assert!(scan["decision"].is_string() && scan["completed_at"].as_str().is_some_and(|at| at.ends_with('Z')));
        let stats = service.get("/stats").json();
        assert_eq!((count(&stats, "succeeded"), &stats["upload_stats"]["pending"]), (1, &json!(1)), "{stats}");
        let findings = service.get(&format!("/v1/security-scans/{id}/findings")).json();
        assert_eq!(findings["items"].as_array().map(Vec::len), Some(1), "{findings}");
        fetch(&home, &service, &id);
    });
}

/// Fetches a bundle file by file, and verifies what came.
fn fetch(home: &Home, service: &Service, id: &str) {
    let listing = service.get(&format!("/v1/security-scans/{id}/artifacts")).json();
    let copy = home.path("copy");
    for file in listing["items"].as_array().expect("a list") {
        let path = file["path"].as_str().expect("a path");
        let answer = service.get(&format!("/v1/security-scans/{id}/artifacts/{path}"));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        std::fs::create_dir_all(copy.join(path).parent().expect("a folder")).expect("folders");
        std::fs::write(copy.join(path), &answer.body).expect("a file");
    }
    let said = verify(home, &copy);
    assert!(said.contains(id), "{said}");
    for outside in ["..%2f..%2fcertus.db", "%2e%2e/x", "scan.json/x", "nothing"] {
        let answer = service.get(&format!("/v1/security-scans/{id}/artifacts/{outside}"));
        assert_eq!(answer.status, 404, "{outside}: {}", answer.text());
    }
}

#[test]
fn a_failed_scan_says_why_and_leaves_a_signed_bundle() {
    let home = Home::new();
    home.workspace("repo");
    let service = Service::start(&home, &[]);
    let id = service.submit(&directory("not-there"));
    let scan = service.ended(&id);
    assert_eq!((&scan["status"], &scan["decision"]), (&json!("failed"), &json!("error")), "{scan:#}");
    assert_eq!(scan["failure"], "not-found", "{scan:#}");
    assert!(scan["errors"][0].as_str().is_some_and(|error| error.contains("not-there")), "{scan:#}");
    verify(&home, &only_bundle(&home));
    let answer = service.get(&format!("/v1/security-scans/{id}/findings"));
    assert_eq!(answer.status, 409, "no report is not an empty one: {}", answer.text());
}

fn only_bundle(home: &Home) -> std::path::PathBuf {
    let listing = std::fs::read_dir(home.path("artifacts/bundles")).expect("a folder");
    let bundles: Vec<_> = listing.map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(bundles.len(), 1, "{bundles:?}");
    bundles[0].clone()
}

#[test]
fn the_sample_says_everywhere_that_it_is_one() {
    let home = Home::new();
    let service = Service::start(&home, &[("CERTUS_ASSURANCE_USE_SAMPLE_MODE", "true")]);
    assert_eq!(service.get("/health").json()["scanning_mode"], "sample");
    let id = service.submit(&directory("whatever"));
    let scan = service.ended(&id);
    assert_eq!((&scan["status"], &scan["mode"]), (&json!("succeeded"), &json!("sample")), "{scan:#}");
    let file = service.get(&format!("/v1/security-scans/{id}/artifacts/scan.json")).json();
    assert_eq!(file["mode"], "sample");
    assert!(verify(&home, &only_bundle(&home)).contains("sample"));
}

#[test]
fn a_scan_that_takes_too_long_fails_with_that_reason() {
    let home = Home::new();
    home.slow_workspace("slow");
    let service = Service::start(&home, &[]);
    let mut body = directory("slow");
    body["timeout_seconds"] = json!(1);
    let scan = service.ended(&service.submit(&body));
    assert_eq!((&scan["status"], &scan["failure"]), (&json!("failed"), &json!("timeout")), "{scan:#}");
    let twin = service.ended(&service.submit(&directory("slow")));
    assert_eq!(twin["status"], "succeeded", "{twin:#}");
}
