//! How many small scans one to four workers finish on one Postgres and one S3, and how much of a scan's time is
//! spent in the queue; the same on SQLite and a folder, in one process.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints and may panic"
)]

#[path = "../tests/support/postgres.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod postgres;
#[path = "../tests/support/s3.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod s3;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Scans of one figure, each of a repository of its own that takes milliseconds to scan.
const SCANS: usize = 120;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!("{SCANS} scans of small repositories, profile smoke, one slot a worker, {} cores\n", cores());
    println!("{:<34} {:>10} {:>8} {:>18}", "", "scans/s", "ratio", "time in the queue");
    let mut first = None;
    let mut row = |name: &str, (rate, share): (f64, f64)| {
        let ratio = rate / *first.get_or_insert(rate);
        println!("{name:<34} {rate:>10.1} {ratio:>8.2} {:>17.0}%", share * 100.0);
    };
    row("SQLite, folder, one process", runtime.block_on(measure(&[], 0)));
    let (Some(server), Some(store)) = (postgres::server(), s3::server()) else { return };
    for workers in 1..=4 {
        let (database, bucket) = (server.empty(), store.bucket());
        let mut settings = store.settings(&bucket, store.port());
        settings.push(("DATABASE_URL", database.setting.clone()));
        settings.push(("DATABASE_OWNER_URL", database.owner_setting.clone()));
        let figure = runtime.block_on(measure(&settings, workers));
        row(&format!("Postgres, S3, {workers} worker processes"), figure);
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Scans a second, and the share of the time between submit and end that was spent waiting.
async fn measure(settings: &[(&str, String)], workers: usize) -> (f64, f64) {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let certus = |place: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certus"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", place).current_dir(place).stdin(Stdio::null()).stdout(Stdio::null());
        command.env("CERTUS_CACHE_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
        command.env("CERTUS_KEY_DIR", home.path().join("keys"));
        command.env("CERTUS_SCRATCH_DIR", place.join("scratch"));
        command.env("CERTUS_ASSURANCE_WORKSPACE_ROOT", home.path().join("workspaces"));
        command.env("CERTUS_ASSURANCE_LISTEN", "127.0.0.1:0").env("CERTUS_ASSURANCE_MAX_WORKERS", "1");
        command.envs(settings.iter().map(|(name, value)| (*name, value)));
        command
    };
    for at in 0..SCANS {
        let folder = home.path().join(format!("workspaces/repo-{at}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("main.py"), format!("print({at})\n").repeat(200)).unwrap();
    }
    if workers > 0 {
        assert!(certus(home.path()).args(["db", "migrate"]).status().unwrap().success());
    }
    let alone = ["serve"];
    let api = ["serve", "--no-workers"];
    let mut serve = certus(home.path());
    let (_api, address) = started(serve.args(if workers == 0 { &alone[..] } else { &api[..] }), "listens at http://");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let scans = format!("http://{address}/v1/security-scans");
    let submit = |at: usize| {
        let body = json!({ "workspace_id": "w", "component_id": "c", "assessment_id": "a", "profile": "smoke",
                           "source_type": "directory", "directory_path": format!("repo-{at}") });
        client.post(&scans).header("content-type", "application/json").body(body.to_string())
    };
    let began = Instant::now();
    for at in 0..SCANS {
        assert_eq!(submit(at).send().await.unwrap().status(), 202);
    }
    let machines: Vec<_> = (0..workers).map(|_| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()).collect();
    let began = if workers == 0 { began } else { Instant::now() };
    let _workers: Vec<_> =
        machines.iter().map(|place| started(certus(place.path()).arg("worker"), "works for the database ").0).collect();
    let all = loop {
        let text = client.get(format!("{scans}?limit=200")).send().await.unwrap().text().await.unwrap();
        let page: Value = serde_json::from_str(&text).unwrap();
        let items = page["items"].as_array().unwrap().clone();
        if items.iter().all(|scan| scan["completed_at"].is_string()) {
            break items;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let took = began.elapsed().as_secs_f64();
    assert!(all.len() == SCANS && all.iter().all(|scan| scan["status"] == "succeeded"));
    let time = |scan: &Value, name: &str| {
        let text = scan[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        text.as_millisecond() as f64
    };
    let waited: f64 = all.iter().map(|scan| time(scan, "started_at") - time(scan, "created_at")).sum();
    let whole: f64 = all.iter().map(|scan| time(scan, "completed_at") - time(scan, "created_at")).sum();
    (SCANS as f64 / took, waited / whole)
}

/// A process that is killed when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a process, and waits until it says `mark`; what it says after that, up to a comma.
fn started(command: &mut Command, mark: &str) -> (Running, String) {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = lines.by_ref().map_while(Result::ok).find_map(|line| Some(line.split_once(mark)?.1.to_owned()));
    // Whoever writes must not wait for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    let said = said.expect("it starts");
    (Running(child), said.split(',').next().unwrap_or_default().to_owned())
}
