//! Crash points: the process dies as by `kill -9`, is started anew, and every scan ends once.

use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use super::on_each;
use crate::support::home::Home;
use crate::support::service::{Answer, PATIENCE, Process, Service, directory, runtime, send, verify};

/// Dies at `point`, is started again, and is asked for the same scan again. Whatever was there before the crash,
/// there is one scan afterwards, with one bundle.
fn survives(case: &str, point: &str, lease: &str, within: Duration) {
    on_each(|records| {
        let home = Home::new();
        home.workspace("repo");
        if point == "pipeline-running" {
            // Long enough to be told of while it runs.
            home.slow_workspace("repo");
        }
        let mut settings = records.settings(&home);
        settings.push(("CERTUS_LEASE_SECONDS", lease));
        let points = format!("{point}=return");
        let mut service = Service::start(&home, &[&settings[..], &[("FAILPOINTS", points.as_str())]].concat());
        let accepted = try_submit(&service);
        let status = service.process().ended();
        assert_eq!(status.signal(), Some(9), "{case}: it dies at {point}, not elsewhere:\n{}", service.log());
        drop(service);

        let started = Instant::now();
        let service = Service::start(&home, &settings);
        let again = try_submit(&service).expect("an answer");
        assert_eq!(again.status, 202, "{}", again.text());
        let id = again.json()["test_id"].as_str().expect("an id").to_owned();
        if let Some(accepted) = accepted {
            assert_eq!(accepted.json()["test_id"], id.as_str(), "{case}: what was accepted is what there is");
            assert_eq!(again.header("idempotency-replayed"), "true");
        }
        let scan = service.ended(&id);
        let recovered = started.elapsed();
        assert_eq!(scan["status"], "succeeded", "{case} on {}: {scan:#}\n{}", records.name(), service.log());
        assert!(recovered < within, "{case} on {}: recovered after {recovered:?}", records.name());
        println!("{case}: recovered after {recovered:?} on {}", records.name());
        let all = service.get("/v1/security-scans").json();
        assert_eq!(all["items"].as_array().map(Vec::len), Some(1), "{case}: {all}");
        one_bundle(case, &home, &id);
        ends_once(case, &service, &id);
    });
}

/// None if the process died before it answered.
fn try_submit(service: &Service) -> Option<Answer> {
    let request = service
        .request(Method::POST, "/v1/security-scans")
        .header("content-type", "application/json")
        .header("idempotency-key", "the-same")
        .body(directory("repo").to_string());
    runtime().block_on(async {
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Some(Answer { status, headers, body: response.bytes().await.ok()?.to_vec() })
    })
}

/// One bundle, which verifies, and nothing that was left behind.
fn one_bundle(case: &str, home: &Home, id: &str) {
    let names = |folder: &str| -> Vec<String> {
        let listing = std::fs::read_dir(home.path(folder)).expect("a folder");
        listing.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    };
    let bundles = names("artifacts/bundles");
    assert_eq!(bundles.len(), 1, "{case}: {bundles:?}");
    assert!(bundles[0].starts_with(id), "{case}: {bundles:?}");
    verify(home, &home.path("artifacts/bundles").join(&bundles[0]));
    let scratch: Vec<_> = names("scratch").into_iter().filter(|name| name.starts_with("certus-")).collect();
    assert!(scratch.is_empty(), "{case}: orphans {scratch:?}");
}

/// The events are numbered without a gap, and the last one, and no other, says that the scan has ended.
fn ends_once(case: &str, service: &Service, id: &str) {
    let path = format!("/v1/security-scans/{id}/stream");
    let text = send(service.request(Method::GET, &path).header("accept", "text/event-stream")).text();
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let events: Vec<Value> = data.map(|data| serde_json::from_str(data.trim()).expect("JSON")).collect();
    let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>(), "{case}: {text}");
    let ends = events.iter().filter(|event| event["type"] == "scan_complete").count();
    assert_eq!((ends, events.last().map(|event| &event["status"])), (1, Some(&"SUCCEEDED".into())), "{case}: {text}");
}

macro_rules! crash {
    ($(fn $name:ident => $point:literal;)+) => {
        $(#[test]
        fn $name() {
            survives(stringify!($name), $point, "4", Duration::from_secs(45));
        })+
    };
}

crash! {
    fn case_096_killed_after_the_scan_row_before_the_job_row => "submit-between-scan-and-job";
    fn case_097_killed_after_the_commit_before_the_reply => "submit-after-commit";
    fn case_098_killed_after_the_claim => "job-after-claim";
    fn case_099_killed_during_the_fetch => "pipeline-checkout";
    fn case_100_killed_during_materialisation => "pipeline-materialise";
    fn case_101_killed_before_plugins_run => "pipeline-engine";
    fn case_101_killed_while_plugins_run => "pipeline-running";
    fn case_102_killed_after_findings_before_the_bundle => "pipeline-report";
    fn case_103_killed_after_the_bundle_before_its_place => "pipeline-written";
    fn case_103_killed_before_the_bundle_is_signed => "pipeline-sign";
    fn case_104_killed_after_the_bundle_is_in_place => "pipeline-placed";
    fn case_104_killed_before_findings_are_stored => "job-before-store";
    fn case_105_killed_before_the_end_is_written => "job-before-finish";
    fn case_105_killed_before_the_end_is_committed => "finish-before-commit";
    fn case_107_killed_after_the_end_is_committed => "finish-after-commit";
}

#[test]
fn case_098_recovers_within_45_seconds_with_the_lease_of_the_default_settings() {
    survives("case_098 with a lease of 30 s", "job-after-claim", "30", Duration::from_secs(45));
}

#[test]
fn case_108_killed_while_it_sweeps() {
    on_each(|records| {
        let home = Home::new();
        home.workspace("repo");
        let settings = records.settings(&home);
        let orphans = [1, 2].map(|at| home.path(&format!("artifacts/bundles/test_00000000000{at}.1")));
        for orphan in &orphans {
            std::fs::create_dir_all(orphan).expect("a folder");
            let old = std::process::Command::new("touch").args(["-d", "yesterday"]).arg(orphan).status();
            assert!(old.expect("touch runs").success());
        }
        let mut dies = home.service(&[&settings[..], &[("FAILPOINTS", "sweep-begun=return")]].concat());
        dies.arg("serve");
        let mut dies = Process::start(dies);
        assert_eq!(dies.ended().signal(), Some(9), "{}", dies.log());
        let there = || orphans.iter().filter(|orphan| orphan.exists()).count();
        assert_eq!(there(), 1, "it died half-way");
        let service = Service::start(&home, &settings);
        let id = service.submit(&directory("repo"));
        assert_eq!(service.ended(&id)["status"], "succeeded", "{}", records.name());
        let patience = Instant::now() + PATIENCE;
        while there() > 0 {
            assert!(Instant::now() < patience, "the next one sweeps: {}", service.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        one_bundle("case_108", &home, &id);
    });
}
