//! Disks that are full, fail, or lose their power.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::json;

use super::on_each;
use crate::support::home::Home;
use crate::support::service::{PATIENCE, Service, directory, verify};

/// A disk of this many KiB, where this machine lets tests mount one.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn mount(at: &'a Path, kib: u32) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "certus-test"]).arg(at);
        if mount.output().is_ok_and(|done| done.status.success()) {
            return Some(Self(at));
        }
        println!("skipped: only root mounts a small disk");
        None
    }

    /// Fills what is left.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.0.join("ballast")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        // What still uses it keeps it until it ends.
        let _ = Command::new("umount").args(["--lazy"]).arg(self.0).status();
    }
}

fn until(what: &str, service: &Service, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < PATIENCE, "{what}\n{}", service.log());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn case_116_a_full_disk_for_bundles_is_waited_out() {
    let home = Home::new();
    home.workspace("repo");
    let artifacts = home.path("artifacts");
    let Some(disk) = Disk::mount(&artifacts, 2048) else { return };
    let database = format!("sqlite:{}", home.path("certus.db").display());
    let service = Service::start(&home, &[("DATABASE_URL", database.as_str())]);
    disk.fill();
    let id = service.submit(&directory("repo"));
    until("the host fails", &service, || service.log().contains("the host failed; the scan is tried again"));
    let bundles: Vec<_> = std::fs::read_dir(artifacts.join("bundles")).unwrap().collect();
    assert!(bundles.is_empty(), "no half bundle: {bundles:?}");
    disk.free();
    let scan = service.ended(&id);
    assert_eq!(scan["status"], "succeeded", "{scan:#}");
    assert!(scan["attempts"].as_u64() > Some(1));
    let bundle = std::fs::read_dir(artifacts.join("bundles")).unwrap().next().unwrap().unwrap().path();
    verify(&home, &bundle);
}

#[test]
fn case_116_a_full_disk_for_the_database_accepts_nothing_and_loses_nothing() {
    let home = Home::new();
    home.workspace("repo");
    let folder = home.path("database");
    let Some(disk) = Disk::mount(&folder, 2048) else { return };
    let database = format!("sqlite:{}", folder.join("certus.db").display());
    let service = Service::start_with(&home, &[("DATABASE_URL", database.as_str())], &["--no-workers"]);
    let before = service.submit(&directory("repo"));
    disk.fill();
    // The file may have pages to spare; they are used up soon.
    let mut accepted = vec![before];
    let refused = (0..500).find_map(|_| {
        let answer = service.post("/v1/security-scans", &directory("repo"));
        if answer.status == 202 {
            accepted.push(answer.json()["test_id"].as_str().unwrap().to_owned());
            return None;
        }
        Some(answer)
    });
    let refused = refused.expect("a full disk shows");
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(!refused.text().contains("sqlite") && !refused.text().contains("/tmp"), "{}", refused.text());
    disk.free();
    until("space shows", &service, || service.post("/v1/security-scans", &directory("repo")).status == 202);
    for id in accepted {
        assert_eq!(service.get(&format!("/v1/security-scans/{id}")).status, 200, "{id} was acknowledged");
    }
}

#[test]
fn case_117_what_could_not_be_written_is_never_acknowledged() {
    on_each(|records| {
        let home = Home::new();
        home.workspace("repo");
        let settings = records.settings(&home);
        let with = |points: &'static str| [&settings[..], &[("FAILPOINTS", points)]].concat();

        // The commit of a submit: no answer but an error, and no scan.
        let service = Service::start(&home, &with("submit-commit=1*return"));
        let answer = service.post("/v1/security-scans", &directory("repo"));
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert_eq!(service.get("/stats").json()["total_scans"], 0);
        let id = service.submit(&directory("repo"));
        assert_eq!(service.ended(&id)["attempts"], json!(1), "the twin: the next one is kept");
        drop(service);

        // The bundle's sync: the attempt does not count as done, the next one does.
        let service = Service::start(&home, &with("bundle-sync=1*return"));
        let scan = service.ended(&service.submit(&directory("repo")));
        assert_eq!((&scan["status"], &scan["attempts"]), (&json!("succeeded"), &json!(2)), "{scan:#}");
        drop(service);

        // The commit of a scan's end: tried again by the worker that still holds the lease.
        let service = Service::start(&home, &with("finish-commit=2*return"));
        let scan = service.ended(&service.submit(&directory("repo")));
        assert_eq!((&scan["status"], &scan["attempts"]), (&json!("succeeded"), &json!(1)), "{scan:#}");
    });
}

#[test]
fn case_120_a_submit_is_synced_before_it_is_acknowledged() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: no strace here");
        return;
    }
    let home = Home::new();
    home.workspace("repo");
    let mut service = Service::start_with(&home, &[], &["--no-workers"]);
    let trace = home.path("trace");
    let id = service.process().id().as_raw_pid().to_string();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-e", "trace=pwrite64,fdatasync,fsync,sendto,write,writev", "-s", "32", "-p", &id, "-o"]);
    let mut strace = strace.arg(&trace).stderr(std::process::Stdio::null()).spawn().unwrap();
    until("strace looks on", &service, || {
        service.get("/livez");
        std::fs::read_to_string(&trace).is_ok_and(|text| text.contains("HTTP/1.1 200"))
    });
    let mut copies = Vec::new();
    for at in 0..20 {
        let scan = service.submit(&directory("repo"));
        // What a power cut at this moment leaves of the files, opened anew.
        let copy = home.path(&format!("copy{at}"));
        std::fs::create_dir_all(&copy).unwrap();
        for name in ["certus.db", "certus.db-wal"] {
            std::fs::copy(home.path("artifacts").join(name), copy.join(name)).unwrap();
        }
        copies.push((copy, scan));
    }
    strace.kill().unwrap();
    strace.wait().unwrap();
    drop(service);
    let mut unsynced = false;
    let mut acknowledged = 0;
    for line in std::fs::read_to_string(&trace).unwrap().lines() {
        if line.contains("certus.db-wal") {
            unsynced = match line {
                line if line.contains("pwrite64(") => true,
                line if line.contains("fdatasync(") || line.contains("fsync(") => false,
                _ => unsynced,
            };
        } else if line.contains("HTTP/1.1 202") {
            assert!(!unsynced, "acknowledged before it was synced: {line}");
            acknowledged += 1;
        }
    }
    assert_eq!(acknowledged, 20, "every acknowledgement was seen");
    let runtime = crate::support::service::runtime();
    for (copy, scan) in copies {
        let url = certus_store::DatabaseUrl::sqlite(&copy.join("certus.db")).unwrap();
        runtime.block_on(async {
            let store = certus_store::Store::open(&url, 2).await.expect("it opens");
            let id = scan.parse().unwrap();
            assert!(store.scan(certus_store::Reach::All, &id).await.unwrap().is_some(), "{scan} was acknowledged");
            assert_eq!(store.damage().await.unwrap(), None);
            store.close().await;
        });
    }
}
