//! Worker processes: paused, poisoned, drained, alone.

use std::time::{Duration, Instant};

use reqwest::Method;
use rustix::process::Signal;
use serde_json::json;

use super::{Records, on_each};
use crate::support::home::Home;
use crate::support::postgres;
use crate::support::service::{PATIENCE, Process, Service, directory, runtime};
use crate::support::wire::Wire;

pub(crate) fn worker(home: &Home, settings: &[(&str, &str)]) -> Process {
    let mut command = home.service(settings);
    command.arg("worker");
    let process = Process::start(command);
    let patience = Instant::now() + PATIENCE;
    while !process.log().contains("works for the database") {
        assert!(Instant::now() < patience, "{}", process.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    process
}

#[test]
fn the_api_alone_accepts_and_a_worker_process_does_the_work() {
    on_each(|records| {
        let home = Home::new();
        home.workspace("repo");
        let settings = records.settings(&home);
        let service = Service::start_with(&home, &settings, &["--no-workers"]);
        let id = service.submit(&directory("repo"));
        assert_eq!(service.get(&format!("/v1/security-scans/{id}")).json()["status"], "queued");
        let mut worker = worker(&home, &settings);
        assert_eq!(service.ended(&id)["status"], "succeeded");
        worker.signal(Signal::TERM);
        assert_eq!(worker.ended().code(), Some(0));
    });
}

#[test]
fn case_109_a_paused_worker_wakes_to_find_its_lease_gone() {
    on_each(|records| {
        let home = Home::new();
        home.slow_workspace("slow");
        home.workspace("repo");
        let settings = [&records.settings(&home)[..], &[("CERTUS_LEASE_SECONDS", "3")]].concat();
        let service = Service::start_with(&home, &settings, &["--no-workers"]);
        let paused = worker(&home, &settings);
        let id = service.submit(&directory("slow"));
        service.until(&id, |scan| scan["status"] == "running");
        // Of SQLite a process that is stopped while it writes stops all others: try until it does not.
        loop {
            paused.signal(Signal::STOP);
            let body = directory("repo").to_string();
            let probe = service.request(Method::POST, "/v1/security-scans").header("content-type", "application/json");
            let probe = probe.body(body).timeout(Duration::from_secs(1));
            if runtime().block_on(async { probe.send().await }).is_ok_and(|answer| answer.status() == 202) {
                break;
            }
            paused.signal(Signal::CONT);
        }
        let _other = worker(&home, &settings);
        let scan = service.ended(&id);
        assert_eq!(scan["status"], "succeeded", "{scan:#}");
        assert!(scan["attempts"].as_u64() > Some(1), "another worker has done it: {scan:#}");
        paused.signal(Signal::CONT);
        let patience = Instant::now() + PATIENCE;
        loop {
            let metrics = service.get("/metrics").text();
            let late = metrics.lines().find(|line| line.contains("late_writes") && !line.starts_with('#'));
            if late.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).is_some_and(|late| late >= 1.0) {
                break;
            }
            assert!(Instant::now() < patience, "no late write is counted: {late:?}\n{}", paused.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        let again = service.get(&format!("/v1/security-scans/{id}")).json();
        assert_eq!(again, scan, "what woke late has changed nothing");
    });
}

#[test]
fn case_111_a_scan_that_kills_its_workers_is_given_up_and_can_be_replayed() {
    on_each(|records| {
        let home = Home::new();
        home.workspace("repo");
        let settings = [&records.settings(&home)[..], &[("CERTUS_LEASE_SECONDS", "3")]].concat();
        let service = Service::start_with(&home, &settings, &["--no-workers"]);
        let id = service.submit(&directory("repo"));
        let deadly = [&settings[..], &[("FAILPOINTS", "pipeline-engine=return")]].concat();
        for _ in 0..3 {
            let mut dies = worker(&home, &deadly);
            assert!(dies.ended().code().is_none(), "{}", dies.log());
        }
        let _survivor = worker(&home, &settings);
        let scan = service.ended(&id);
        assert_eq!((&scan["status"], &scan["failure"]), (&json!("failed"), &json!("worker-lost")), "{scan:#}");
        assert!(scan["errors"][0].as_str().is_some_and(|error| error.contains("3 times")), "{scan:#}");
        let next = service.ended(&service.submit(&directory("repo")));
        assert_eq!(next["status"], "succeeded", "the queue keeps moving");
        let replayed = home.service(&settings).args(["queue", "replay", &id]).output().unwrap();
        assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
        let scan = service.until(&id, |scan| scan["status"] == "succeeded");
        assert_eq!(scan["errors"], json!([]), "{scan:#}");
    });
}

#[test]
fn case_110_a_worker_without_its_database_stops_before_its_lease_ends() {
    let Some(server) = postgres::server() else { return };
    let home = Home::new();
    home.slow_workspace("slow");
    let records = Records::Postgres(server.empty());
    let direct = [&records.settings(&home)[..], &[("CERTUS_LEASE_SECONDS", "6")]].concat();
    let service = Service::start_with(&home, &direct, &["--no-workers"]);
    let wire = Wire::to(server.port());
    let through = direct[0].1.replace(&format!(":{}/", server.port()), &format!(":{}/", wire.port()));
    let settings = [("DATABASE_URL", through.as_str()), ("CERTUS_LEASE_SECONDS", "6")];
    let worker = worker(&home, &settings);
    let id = service.submit(&directory("slow"));
    service.until(&id, |scan| scan["status"] == "running");
    let cut = Instant::now();
    wire.cut(true);
    let stopped = "this worker stops before it ends";
    while !worker.log().contains(stopped) {
        assert!(cut.elapsed() < PATIENCE, "{}", worker.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    // The last renewal that can have arrived is older than the cut, so a lease later it is free.
    assert!(cut.elapsed() < Duration::from_secs(6), "{:?}", cut.elapsed());
    println!("case 110: stopped {:?} after the database was gone, under a lease of 6 s", cut.elapsed());
    wire.cut(false);
    let scan = service.ended(&id);
    assert_eq!((&scan["status"], &scan["attempts"]), (&json!("succeeded"), &json!(2)), "the twin: {scan:#}");
}

#[test]
fn case_112_asked_to_stop_it_finishes_or_gives_back_and_ends_well() {
    on_each(|records| {
        let home = Home::new();
        home.workspace("repo");
        home.slow_workspace("slow");
        let settings = [&records.settings(&home)[..], &[("CERTUS_DRAIN_SECONDS", "1")]].concat();
        let mut service = Service::start(&home, &settings);
        let ids: Vec<_> = (0..8).map(|at| service.submit(&directory(if at < 2 { "slow" } else { "repo" }))).collect();
        service.until(&ids[0], |scan| scan["status"] == "running");
        service.process().signal(Signal::TERM);
        let asked = Instant::now();
        assert_eq!(service.process().ended().code(), Some(0), "{}", service.log());
        println!("case 112: ended {:?} after SIGTERM on {}", asked.elapsed(), records.name());
        // What was given back has cost it no attempt.
        let reader = Service::start_with(&home, &settings, &["--no-workers"]);
        for id in &ids {
            let scan = reader.get(&format!("/v1/security-scans/{id}")).json();
            let given_back = scan["status"] == "queued" && scan["attempts"] == 0;
            assert!(given_back || (scan["status"] == "succeeded" && scan["attempts"] == 1), "{scan:#}");
        }
        drop(reader);
        let service = Service::start(&home, &settings);
        for id in ids {
            let scan = service.ended(&id);
            let done = (&scan["status"], &scan["attempts"]);
            assert_eq!(done, (&json!("succeeded"), &json!(1)), "{scan:#}\n{}", service.log());
        }
    });
}

#[test]
fn a_running_scan_is_called_off() {
    let home = Home::new();
    home.slow_workspace("slow");
    let service = Service::start(&home, &[("CERTUS_LEASE_SECONDS", "2")]);
    let id = service.submit(&directory("slow"));
    service.until(&id, |scan| scan["status"] == "running");
    let answer = service.post(&format!("/v1/security-scans/{id}/cancel"), &json!({}));
    assert_eq!(answer.status, 202, "{}", answer.text());
    let scan = service.ended(&id);
    assert_eq!(scan["status"], "cancelled", "{scan:#}");
    let again = service.post(&format!("/v1/security-scans/{id}/cancel"), &json!({}));
    assert_eq!(again.status, 409, "{}", again.text());
}
