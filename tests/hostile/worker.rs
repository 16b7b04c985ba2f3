//! The process in which guests run: it dies alone, it is killed when it hangs, and the kernel holds it
//! to what it needs.

use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use certus_bundle::{Existing, Output};
use certus_checkout::{Git, Scratch, Source, SourcePolicy};
use certus_model::limits::{Limits, WorkspaceLimits};
use certus_model::outcome::Verdict;
use certus_model::{OnError, ScanId};
use certus_pipeline::{Host, Manifest, ManifestVerification, Request, Subject, Worker};
use certus_report::Baseline;
use certus_sandbox::Probe;
use certus_signing::KeyStore;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::guest::{ANSWER, Guest};
use crate::support::home::{Ended, Home, ended};

/// A tree scanner that is busy for as long as its fuel lasts, which is many seconds.
fn busy() -> Guest {
    Guest::tree().scan(format!("(loop $again (br $again)) (i32.const {ANSWER})"))
}

/// Scan workers that a thread of `host` has started.
fn workers(host: u32) -> Vec<Pid> {
    let threads = std::fs::read_dir(format!("/proc/{host}/task")).into_iter().flatten().flatten();
    let children = threads.map(|thread| std::fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    let children: String = children.collect();
    let workers = children.split_whitespace().filter(|child| {
        let command = std::fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        command.split(|b| *b == 0).nth(1) == Some(certus_pipeline::WORKER_ARGUMENT.as_bytes())
    });
    workers.filter_map(|child| Pid::from_raw(child.parse().ok()?)).collect()
}

/// Scans with a benign and a busy plugin, and does `harm` to every worker that comes up.
fn scan(home: &Home, harm: impl Fn(Pid)) -> Ended {
    home.write("plugins/benign.wasm", Guest::files().rule("").reports("r", "a.txt", None).build());
    home.write("plugins/busy.wasm", with_id(&busy(), "test.busy"));
    home.write("tree/a.txt", "content");
    let mut child = home
        .command()
        .args(["scan", "dir:tree", "--profile", "none", "--out", "out"])
        .args(["--plugin", "plugins/benign.wasm", "--plugin", "plugins/busy.wasm"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut harmed = Vec::new();
    while child.try_wait().expect("a child").is_none() {
        for worker in workers(child.id()) {
            if !harmed.contains(&worker) && is_at_work(worker) {
                harm(worker);
                harmed.push(worker);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    ended(child.wait_with_output().expect("it ends"))
}

/// Whether the worker has been in its guest for a while: user time in its `stat`, in clock ticks.
fn is_at_work(worker: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", worker.as_raw_pid())).unwrap_or_default();
    let ticks = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(11)).and_then(|t| t.parse::<u64>().ok());
    ticks.is_some_and(|ticks| ticks >= 50)
}

fn with_id(guest: &Guest, id: &str) -> Vec<u8> {
    crate::support::guest::with_manifest(guest.bare(), &guest.manifest_text().replace("test.guest", id))
}

fn json(home: &Home, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(home.path("out").join(name)).expect("a file of the bundle")).expect("JSON")
}

#[test]
fn a_worker_that_is_killed_fails_its_own_plugin_only() {
    let home = Home::new();
    let ended = scan(&home, |worker| kill_process(worker, Signal::KILL).expect("it is there"));
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let coverage = json(&home, "coverage.json").to_string();
    assert!(coverage.contains("internal"), "{coverage}");
    let findings = json(&home, "findings.json").to_string();
    assert!(findings.contains("test.guest"), "the other plugin's finding is there: {findings}");
    assert_eq!(home.run(&["verify", "out"]).code, 0);
    assert_eq!(home.left_over(), [""; 0]);
}

#[test]
fn a_worker_that_is_left_alone_answers_for_both() {
    let home = Home::new();
    let ended = scan(&home, |_| {});
    assert_eq!(ended.code, 3, "the busy one runs out of fuel: {}", ended.stderr);
    let coverage = json(&home, "coverage.json").to_string();
    assert!(coverage.contains("fuel") && !coverage.contains("internal"), "{coverage}");
    let confinement = &json(&home, "scan.json")["confinement"];
    assert!(confinement["landlock"].is_u64() && confinement["seccomp"].is_boolean(), "{confinement}");
}

#[test]
fn a_worker_that_hangs_is_killed() {
    // A stopped process is what a host call that never returns looks like from outside.
    let home = Home::new();
    let plugin = home.write("busy.wasm", busy().build());
    home.write("tree/a.txt", "content");
    let host = Host {
        admission: crate::support::sandbox().admission,
        worker: Worker { program: env!("CARGO_BIN_EXE_certus").into(), verbose: 0, json: false },
        plugins: home.path("plugins"),
        key: KeyStore::at(home.path("keys")).development().expect("a key"),
        log: crate::support::host::log(&home),
        manifest_verification: ManifestVerification::default(),
        scratch: Scratch::open(&home.path("scratch")).expect("a scratch folder"),
        git: Git::default(),
        limits: Limits { run_deadline: Duration::from_secs(2), ..Limits::default() },
        workspace: WorkspaceLimits::default(),
    };
    let scan = || {
        let request = Request {
            id: ScanId::from_random(1),
            tenant: None,
            labels: None,
            key: None,
            subject: Subject::Source {
                source: Source::parse(&format!("dir:{}", home.path("tree").display()), SourcePolicy::Any)
                    .expect("a source"),
                reference: None,
            },
            profile: "none".to_owned(),
            manifest: Manifest::None,
            plugins: vec![plugin.clone()],
            baseline: Baseline::default(),
            fail_on: None,
            on_error: OnError::Closed,
            jobs: NonZeroUsize::MIN,
            output: Output::open(&home.path("out"), Existing::Replace).expect("an output"),
            first_event: 0,
            watch: &|_| {},
            cancelled: &AtomicBool::new(false),
        };
        certus_pipeline::scan(&host, request, &|_| Ok(Vec::new()))
    };
    let outcome = std::thread::scope(|scope| {
        let scan = scope.spawn(scan);
        let mut stopped = Vec::new();
        while !scan.is_finished() {
            for worker in workers(std::process::id()).into_iter().filter(|worker| is_at_work(*worker)) {
                if !stopped.contains(&worker) {
                    kill_process(worker, Signal::STOP).expect("it is there");
                    stopped.push(worker);
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        scan.join().expect("no panic")
    });
    assert_eq!(outcome.expect("a bundle").verdict(), Verdict::Error);
    let coverage = json(&home, "coverage.json").to_string();
    assert!(coverage.contains("failed:deadline"), "{coverage}");
}

#[test]
fn a_host_that_is_killed_takes_its_worker_with_it() {
    let home = Home::new();
    home.write("busy.wasm", busy().build());
    home.write("tree/a.txt", "content");
    let mut child = home
        .command()
        .args(["scan", "dir:tree", "--profile", "none", "--plugin", "busy.wasm", "--out", "out"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let worker = loop {
        assert!(child.try_wait().expect("a child").is_none(), "it ended too early");
        match workers(child.id()).first() {
            Some(worker) if is_at_work(*worker) => break *worker,
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    child.kill().expect("it is there");
    child.wait().expect("it ends");
    let started = Instant::now();
    while is_running(worker) {
        assert!(started.elapsed() < Duration::from_secs(5), "the worker outlives its host");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_running(process: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_pid())).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

/// What a process of this program could do.
fn probe(arguments: &[&str]) -> Probe {
    let output = Command::new(env!("CARGO_BIN_EXE_certus"))
        .arg(certus_sandbox::PROBE_ARGUMENT)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the probe starts");
    serde_json::from_slice(&output.stdout).expect("an answer")
}

#[test]
fn a_confined_process_can_do_nothing_but_compute() {
    let confined = probe(&[]);
    let refused = |what: &str| confined.attempts.iter().any(|a| a.what == what && a.refused);
    if !confined.confinement.seccomp || confined.confinement.landlock == 0 {
        println!("skipped: confinement: this kernel enforces {:?} only", confined.confinement);
        return;
    }
    for what in ["read a file", "write a file", "open an internet socket", "open a local socket", "start a program"] {
        assert!(refused(what), "{what}: {:?}", confined.attempts);
    }
    assert!(!refused("start a thread"), "{:?}", confined.attempts);
    let twin = probe(&["unconfined"]);
    assert!(twin.attempts.iter().all(|attempt| !attempt.refused), "{:?}", twin.attempts);
}

#[test]
fn the_doctor_says_what_the_kernel_adds() {
    let home = Home::new();
    home.write("plugins/benign.wasm", Guest::files().build());
    let doctor = |folder: &str| {
        let output = home.certus().env("CERTUS_PLUGIN_DIR", home.path(folder)).arg("doctor").output().expect("it runs");
        ended(output)
    };
    let good = doctor("plugins");
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    for line in ["git", "scratch folder", "test.guest 0.0.1", "landlock", "seccomp", "a worker cannot"] {
        assert!(good.stdout.contains(line), "{line}: {}", good.stdout);
    }
    home.write("broken/bad.wasm", "no plugin");
    let bad = doctor("broken");
    assert_eq!(bad.code, 2, "{}", bad.stdout);
    assert!(bad.stdout.contains("FAILED") && bad.stdout.contains("bad.wasm"), "{}", bad.stdout);
}
