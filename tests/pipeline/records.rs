//! What a bundle says beside its findings: whose scan it was, what an error means, and that a sample is one.

use certus_bundle::Mode;
use certus_model::OnError;
use certus_pipeline::{Labels, Subject};
use serde_json::json;

use crate::support::guest::Guest;
use crate::support::home::Home;
use crate::support::host::{host, json as file, scan, source};

#[test]
fn labels_are_kept_where_there_are_some() {
    let home = Home::new();
    home.write("tree/a.txt", "content");
    let host = host(&home);
    let keys = ["workspace_id", "component_id", "assessment_id", "requested_by"];
    for (requested_by, last) in [(Some("ci"), json!("ci")), (None, json!(null))] {
        scan(&home, &host, source(&home, "dir:tree", None), |request| {
            request.labels = Some(Labels {
                workspace_id: "shop".parse().expect("an id"),
                component_id: "cart".parse().expect("an id"),
                assessment_id: "q4".parse().expect("an id"),
                requested_by: requested_by.map(str::to_owned),
            });
        })
        .outcome
        .expect("a bundle");
        let record = file(&home, "scan.json");
        assert_eq!(keys.map(|key| record[key].clone()), [json!("shop"), json!("cart"), json!("q4"), last]);
        assert_eq!(home.run(&["verify", "out"]).code, 0);
    }
    scan(&home, &host, source(&home, "dir:tree", None), |_| {}).outcome.expect("a bundle");
    let record = file(&home, "scan.json");
    assert!(keys.iter().all(|key| record.get(key).is_none()), "{record}");
}

#[test]
fn the_stance_on_errors_is_recorded_and_never_makes_a_pass() {
    let home = Home::new();
    home.write("tree/a.txt", "content");
    let host = host(&home);
    let traps = home.write("traps.wasm", Guest::files().scan("unreachable").build());
    for on_error in [OnError::Closed, OnError::Open] {
        for (plugin, decision) in [(home.path("harmless.wasm"), "pass"), (traps.clone(), "error")] {
            scan(&home, &host, source(&home, "dir:tree", None), |request| {
                request.on_error = on_error;
                request.plugins = vec![plugin];
            })
            .outcome
            .expect("a bundle");
            let policy = file(&home, "policy-result.json");
            assert_eq!((&policy["on_error"], &policy["decision"]), (&json!(on_error), &json!(decision)));
        }
    }
}

#[test]
fn the_local_command_is_closed_and_nobodys() {
    let home = Home::new();
    home.write("tree/a.txt", "content");
    home.write("good.wasm", Guest::files().build());
    let ended = home.run(&["scan", "dir:tree", "--profile", "none", "--plugin", "good.wasm", "--out", "out"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(file(&home, "policy-result.json")["on_error"], "closed");
    let record = file(&home, "scan.json");
    assert!(record.get("workspace_id").is_none() && record["mode"] == "production", "{record}");
}

#[test]
fn the_sample_is_scanned_like_anything_else_and_says_that_it_is_the_sample() {
    let home = Home::new();
    let host = host(&home);
    let ran = scan(&home, &host, Subject::Sample, |request| {
        request.profile = "light".to_owned();
        request.plugins = Vec::new();
    });
    let outcome = ran.outcome.expect("a bundle");
    let record = file(&home, "scan.json");
    assert_eq!((&record["mode"], &record["directory_path"]), (&json!("sample"), &json!("sample")));
    let rules: Vec<_> = file(&home, "findings.json")["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| finding["rule"].to_string())
        .collect();
    for expected in ["aws-access-key-id", "licence-file"] {
        assert!(rules.iter().any(|rule| rule.contains(expected)), "{expected}: {rules:?}");
    }
    let sbom = file(&home, "reports/sbom/sbom.cdx.json").to_string();
    assert!(sbom.contains("pkg:cargo/itoa@1.0.15"), "{sbom}");
    let page = std::fs::read_to_string(home.path("out/reports/report.html")).expect("a page");
    assert!(page.contains("Sample data that comes with the host"));
    let bundle = certus_bundle::verify(
        &home.path("out"),
        &certus_signing::KeyStore::at(home.path(".config/certus/keys")).verification_keys().expect("keys"),
    );
    assert_eq!(bundle.expect("it verifies").scan().mode, Mode::Sample);
    let verified = home.run(&["verify", "out"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(verified.stdout.contains("warning   sample data"), "{}", verified.stdout);
    assert_eq!(home.left_over(), [""; 0]);

    // It repeats, wherever it was laid out.
    let again = scan(&home, &host, Subject::Sample, |request| {
        request.profile = "light".to_owned();
        request.plugins = Vec::new();
    });
    assert_eq!(again.outcome.expect("a bundle").result_digest, outcome.result_digest);

    home.write("tree/a.txt", "content");
    scan(&home, &host, source(&home, "dir:tree", None), |_| {}).outcome.expect("a bundle");
    let page = std::fs::read_to_string(home.path("out/reports/report.html")).expect("a page");
    assert!(!page.contains("Sample data") && file(&home, "scan.json")["mode"] == "production");
    assert!(!home.run(&["verify", "out"]).stdout.contains("sample data"));
}
