//! More machines than one: workers on one Postgres and one S3, all of which fail in turn.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::workers::worker;
use crate::support::home::Home;
use crate::support::postgres;
use crate::support::s3::{self, Unreliable};
use crate::support::service::{PATIENCE, Process, Service, directory};

/// How many scans there are, each of a repository of its own.
const SCANS: usize = 200;
/// How long all of them may take on a busy machine.
const ALL: Duration = Duration::from_secs(600);

/// How many scans have succeeded, and how many have ended otherwise.
fn ended(service: &Service) -> (u64, u64) {
    let answer = service.get("/stats");
    if answer.status != 200 {
        // While the database is away.
        return (0, 0);
    }
    let scans = &answer.json()["scans_by_status"];
    let count = |status: &str| scans[status].as_u64().unwrap_or_default();
    (count("succeeded"), count("failed") + count("cancelled"))
}

fn until(service: &Service, workers: &[Process], wanted: u64) {
    let patience = Instant::now() + ALL;
    while ended(service).0 < wanted {
        let logs = || workers.iter().map(Process::log).collect::<String>();
        assert!(Instant::now() < patience, "{:?} of {wanted} scans have ended\n{}", ended(service), logs());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn case_119_four_workers_finish_every_scan_once_whatever_fails() {
    let (Some(postgres), Some(store)) = (postgres::own(), s3::server()) else { return };
    let home = Home::new();
    let (database, bucket) = (postgres.empty(), store.bucket());
    let keys = home.path("keys").to_str().expect("UTF-8").to_owned();
    let made = home.service(&[("CERTUS_KEY_DIR", &keys)]).args(["keys", "generate", "fleet"]).output();
    assert!(made.expect("certus runs").status.success());
    let wire = Unreliable::to(store.port());
    let blobs = store.settings(&bucket, wire.port());
    let mut settings: Vec<(&str, &str)> = blobs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.extend([
        ("DATABASE_URL", database.setting.as_str()),
        ("DATABASE_OWNER_URL", database.owner_setting.as_str()),
        ("CERTUS_LEASE_SECONDS", "4"),
        ("CERTUS_ASSURANCE_MAX_WORKERS", "1"),
        // All machines sign as one host.
        ("CERTUS_KEY_DIR", keys.as_str()),
        ("CERTUS_KEY", "fleet"),
    ]);
    let migrated = home.service(&settings).args(["db", "migrate"]).output().expect("certus runs");
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let service = Service::start_with(&home, &settings, &["--no-workers"]);
    let ids: Vec<String> = (0..SCANS)
        .map(|at| {
            let name = format!("repo-{at}");
            let folder = home.workspace(&name);
            std::fs::write(folder.join("which.txt"), format!("repository {at}\n")).expect("a file");
            service.submit(&directory(&name))
        })
        .collect();

    // Each worker on a machine of its own: nothing but database and store is shared.
    let homes: Vec<_> = (0..4).map(|_| Home::new()).collect();
    let alone = |at: usize| {
        let root = home.path("workspaces");
        let mut own = settings.clone();
        own.push(("CERTUS_ASSURANCE_WORKSPACE_ROOT", root.to_str().expect("UTF-8")));
        worker(&homes[at], &own)
    };
    let workers: Vec<_> = (0..4).map(alone).collect();

    until(&service, &workers, 20);
    workers[0].signal(Signal::KILL);
    until(&service, &workers, 50);
    workers[1].signal(Signal::STOP);
    // Past its lease: another one has taken over what it had.
    let patience = Instant::now() + PATIENCE;
    let lost = |workers: &[Process]| workers.iter().filter(|w| w.log().contains("its worker was lost")).count() > 0;
    while !lost(&workers) {
        assert!(Instant::now() < patience, "nobody has noticed the paused worker");
        std::thread::sleep(Duration::from_millis(100));
    }
    until(&service, &workers, 90);
    workers[1].signal(Signal::CONT);
    postgres.down();
    postgres.up();
    until(&service, &workers, 130);
    let before = wire.count(|_| true);
    wire.outage(Some(503));
    let patience = Instant::now() + PATIENCE;
    // Whatever a worker does first, the log or the bundle, it is refused, and some of it more than once.
    while wire.count(|_| true) < before + 24 {
        assert!(Instant::now() < patience, "nobody asks the store");
        std::thread::sleep(Duration::from_millis(50));
    }
    wire.outage(None);
    until(&service, &workers, SCANS as u64);

    assert_eq!(ended(&service), (SCANS as u64, 0));
    let finished = postgres.sql(
        database.name(),
        "SELECT object || ' ' || count(*) FROM audit_events WHERE action = 'scan.finished' GROUP BY object",
    );
    let finished: BTreeMap<_, _> = finished.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(finished.len(), SCANS);
    assert!(finished.values().all(|count| *count == "1"), "a scan has ended twice: {finished:?}");
    let mut digests = BTreeMap::new();
    for id in &ids {
        let scan = service.get(&format!("/v1/security-scans/{id}")).json();
        assert_eq!((&scan["status"], &scan["errors"]), (&json!("succeeded"), &json!([])), "{scan:#}");
        *digests.entry(scan["result_digest"].to_string()).or_insert(0) += 1;
        let told = postgres.sql(
            database.name(),
            &format!("SELECT count(*) FROM scan_events WHERE scan_id = '{id}' AND body LIKE '%scan_complete%'"),
        );
        assert_eq!(told, "1", "{id} tells its end once");
    }
    assert_eq!(digests.len(), SCANS, "every repository has its own result");
    // Every bundle is fetched from the store and verified, and the audit chain is walked.
    let checked = home.service(&settings).args(["db", "check", "--bundles"]).output().expect("certus runs");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
    assert!(said.contains(&format!("{SCANS} on record, every one verified")), "{said}");
    // And what came to be on these machines is nowhere any more.
    for at in homes.iter().skip(2) {
        let left: Vec<_> = std::fs::read_dir(at.path("artifacts/incoming")).expect("a folder").collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
