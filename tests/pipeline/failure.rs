//! A scan without a report leaves a signed bundle that says so, and says nothing else.

use std::collections::BTreeSet;

use certus_bundle::Mode;
use certus_model::{FailureReason, OnError, ScanId};
use certus_pipeline::{Failure, Labels, record_failure};
use serde_json::{Value, json};

use crate::support::guest::Guest;
use crate::support::home::Home;
use crate::support::host::{host, json as file, output, scan, source};

fn failure(reason: FailureReason, message: &str) -> Failure {
    Failure {
        id: ScanId::from_random(1),
        tenant: None,
        labels: None,
        key: None,
        mode: Mode::Production,
        asked: "git:repo at nowhere".to_owned(),
        profile: "light".to_owned(),
        on_error: OnError::Closed,
        reason,
        message: message.to_owned(),
        events: Vec::new(),
        started_at: Some("2026-11-22T05:37:24.123Z".parse().expect("a time")),
    }
}

/// Every file of the bundle.
fn names(home: &Home) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["", "logs", "reports"] {
        for entry in std::fs::read_dir(home.path("out").join(folder)).into_iter().flatten() {
            let entry = entry.expect("an entry");
            if entry.path().is_file() {
                names.insert(format!("{folder}/{}", entry.file_name().to_string_lossy()));
            }
        }
    }
    names
}

#[test]
fn a_failed_scan_is_signed_and_says_why() {
    let home = Home::new();
    home.repository("repo", &[("a.txt", b"hello\n")]);
    let host = host(&home);
    let ran = scan(&home, &host, source(&home, "git:repo", Some("nowhere")), |_| {});
    let error = ran.outcome.err().expect("there is no such branch");
    assert_eq!(error.reason(), FailureReason::UnknownRef);
    assert!(!home.path("out").exists(), "the scan itself leaves nothing");

    let failed = Failure {
        labels: Some(Labels {
            workspace_id: "shop".parse().expect("an id"),
            component_id: "cart".parse().expect("an id"),
            assessment_id: "q4".parse().expect("an id"),
            requested_by: Some("ci".to_owned()),
        }),
        on_error: OnError::Open,
        events: ran.told.clone(),
        ..failure(error.reason(), &error.told())
    };
    let recorded = record_failure(&host, failed, output(&home)).expect("a bundle");
    let expected = [
        "/attestation.dsse.json",
        "/bundle.sigstore.json",
        "/index.json",
        "/policy-result.json",
        "/scan.json",
        "logs/events.jsonl",
    ];
    assert_eq!(names(&home), expected.map(str::to_owned).into());

    let record = file(&home, "scan.json");
    for (key, value) in [
        ("test_id", json!("test_000000000001")),
        ("status", json!("FAILED")),
        ("decision", json!("error")),
        ("reason", json!("unknown-ref")),
        ("mode", json!("production")),
        ("asked", json!("git:repo at nowhere")),
        ("workspace_id", json!("shop")),
        ("component_id", json!("cart")),
        ("assessment_id", json!("q4")),
        ("requested_by", json!("ci")),
        ("artifacts", json!({"attestation": "attestation.dsse.json"})),
        ("started_at", json!("2026-11-22T05:37:24.123Z")),
        ("errors", json!([error.told()])),
    ] {
        assert_eq!(record[key], value, "{key}");
    }
    assert!(record.get("tree_digest").is_none() && record.get("git_commit").is_none(), "{record}");
    let policy = file(&home, "policy-result.json");
    assert_eq!((&policy["decision"], &policy["passed"]), (&json!("error"), &json!(false)));
    assert_eq!(policy["on_error"], "open", "the stance is recorded and changes nothing");
    assert!(policy.get("counts").is_none(), "nothing was counted: {policy}");
    assert!(policy["gaps"][0].as_str().expect("a sentence").contains("nothing was scanned (unknown-ref)"), "{policy}");

    let lines = std::fs::read_to_string(home.path("out/logs/events.jsonl")).expect("events");
    let told = ran.told.iter().chain(&recorded.events).map(|line| serde_json::to_string(line).expect("JSON"));
    assert_eq!(lines.lines().map(str::to_owned).collect::<Vec<_>>(), told.collect::<Vec<_>>());
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [.., error_line, last] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&error_line["type"], &error_line["message"]), (&json!("error"), &json!(error.told())));
    assert_eq!((&last["type"], &last["status"]), (&json!("scan_complete"), &json!("FAILED")));
    assert_eq!(last["seq"].as_u64(), Some(lines.len() as u64 - 1));

    let verified = home.run(&["verify", "out"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    for said in ["FAILED (unknown-ref)", "nothing was scanned", "nowhere", "decision  error"] {
        assert!(verified.stdout.contains(said), "{said}: {}", verified.stdout);
    }

    // The twin with a branch that exists is a scan.
    scan(&home, &host, source(&home, "git:repo", Some("main")), |_| {}).outcome.expect("a bundle");
    assert_eq!(file(&home, "scan.json")["status"], "SUCCEEDED");
    let verified = home.run(&["verify", "out"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(!verified.stdout.contains("FAILED") && home.path("out/findings.json").exists(), "{}", verified.stdout);
}

#[test]
fn a_scan_that_was_called_off_is_no_error_of_anybodys() {
    let home = Home::new();
    let called_off = Failure { started_at: None, ..failure(FailureReason::Cancelled, "the scan was interrupted") };
    let recorded = record_failure(&host(&home), called_off, output(&home)).expect("a bundle");
    assert_eq!(recorded.events.len(), 1, "{:?}", recorded.events);
    let record = file(&home, "scan.json");
    assert_eq!((&record["status"], &record["reason"]), (&json!("CANCELLED"), &json!("cancelled")));
    assert_eq!(record["started_at"], record["completed_at"], "it never began");
    let verified = home.run(&["verify", "out"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(verified.stdout.contains("CANCELLED (cancelled)"), "{}", verified.stdout);
}

#[test]
fn a_failed_scan_cannot_be_made_into_a_report() {
    let home = Home::new();
    record_failure(&host(&home), failure(FailureReason::Internal, "no"), output(&home)).expect("a bundle");
    assert_eq!(home.run(&["verify", "out"]).code, 0, "the twin");
    home.write("out/findings.json", r#"{"findings":[]}"#);
    let refused = home.run(&["verify", "out"]);
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    assert!(refused.stderr.contains("findings.json"), "{}", refused.stderr);
}

#[test]
fn what_a_failure_says_is_printed_on_one_line() {
    let home = Home::new();
    let hostile = "\u{1b}[2J\n  verified  test_ffffffffffff\u{202e}";
    let failed = Failure {
        asked: hostile.to_owned(),
        profile: hostile.to_owned(),
        ..failure(FailureReason::NotFound, &hostile.repeat(500))
    };
    record_failure(&host(&home), failed, output(&home)).expect("a bundle");
    let verified = home.run(&["verify", "out"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(!verified.stdout.contains(['\u{1b}', '\u{202e}']), "{}", verified.stdout);
    let claims = verified.stdout.lines().filter(|line| line.trim_start().starts_with("verified"));
    assert_eq!(claims.count(), 1, "{}", verified.stdout);
    assert!(verified.stdout.len() < 8000, "{} bytes", verified.stdout.len());
}

#[test]
fn the_local_command_leaves_nothing_when_it_fails() {
    let home = Home::new();
    home.repository("repo", &[("a.txt", b"hello\n")]);
    home.write("good.wasm", Guest::files().build());
    let scan = |reference: &str| {
        home.run(&["scan", "repo", "--ref", reference, "--profile", "none", "--plugin", "good.wasm", "--out", "out"])
    };
    let ended = scan("nowhere");
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("nowhere") && !home.path("out").exists(), "{}", ended.stderr);
    assert_eq!(scan("main").code, 0, "the twin");
}
