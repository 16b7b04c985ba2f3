//! E. One result, in whatever order plugins run and speak and whatever else the machine does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::support::answer::{place, stated};
use crate::support::guest::{Guest, with_manifest};
use crate::support::home::{Home, ended};

/// Every file of the result, by name.
fn result(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let index: Value = serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
    let files = index["result"]["files"].as_array().unwrap();
    let read = |file: &Value| {
        let name = file["path"].as_str().unwrap();
        (name.to_owned(), std::fs::read(folder.join(name)).unwrap())
    };
    files.iter().map(read).collect()
}

/// Reports the same secret at these places, as a plugin of that id.
fn finding_twins(id: &str, spans: &[(u64, u64)]) -> Vec<u8> {
    let findings: Vec<_> = spans.iter().map(|span| stated(place("a.txt", Some(*span)))).collect();
    let guest = Guest::files().rule("sensitive = true").states(&findings);
    with_manifest(guest.bare(), &guest.manifest_text().replace("test.guest", id))
}

#[test]
fn case_060_one_fingerprint_from_two_plugins_in_any_order() {
    let home = Home::new();
    home.write("tree/a.txt", "token = s3cr3t-value; again = s3cr3t-value;");
    let spans = [(8, 20), (30, 42)];
    let scan = |out: &str, first: &str, second: &str, jobs: &str| {
        let arguments =
            ["scan", "dir:tree", "--profile", "none", "--plugin", first, "--plugin", second, "--jobs", jobs];
        let ended = home.run(&[&arguments[..], &["--out", out]].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        result(&home.path(out))
    };
    let write = |name: &str, id: &str, spans: &[(u64, u64)]| {
        home.write(name, finding_twins(id, spans)).to_str().unwrap().to_owned()
    };
    let (one, two) = (write("one.wasm", "test.one", &spans), write("two.wasm", "test.two", &spans));
    let straight = scan("straight", &one, &two, "1");
    assert_eq!(scan("swapped", &two, &one, "8"), straight, "every byte of the result");
    let findings: Value = serde_json::from_slice(&straight["findings.json"]).unwrap();
    let findings = findings["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2, "one of each plugin, and neither takes over the other's");
    assert!(findings.iter().all(|finding| finding["places"].as_array().unwrap().len() == 2), "with both places");

    // The same statements the other way round: another component, the same findings.
    let turned = [spans[1], spans[0]];
    let (one, two) = (write("one-turned.wasm", "test.one", &turned), write("two-turned.wasm", "test.two", &spans));
    let other = scan("turned", &two, &one, "1");
    for name in ["findings.json", "policy-result.json", "ledger.jsonl"] {
        assert_eq!(other[name], straight[name], "{name}");
    }
    assert_ne!(other["coverage.json"], straight["coverage.json"], "which names the component: the check can fail");
}

/// Keeps every core busy until it is dropped.
struct Load {
    over: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Load {
    fn start() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let spin = |over: Arc<AtomicBool>| {
            move || {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            }
        };
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let threads = (0..2 * cores).map(|_| std::thread::spawn(spin(over.clone()))).collect();
        Self { over, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("a busy thread ends");
        }
    }
}

#[test]
fn case_061_twenty_runs_under_load_have_one_result() {
    let home = Home::new();
    let guest = Guest::files().rule("").manifest("[interest]\ninclude = [\"a.txt\"]");
    let plugin = home.write("guest.wasm", guest.reports("r", "a.txt", Some((0, 5))).build());
    let plugin = plugin.to_str().unwrap();
    let names: Vec<String> = (0..600).map(|i| format!("d{}/f{i}.txt", i % 5)).collect();
    let mut files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), n.as_bytes())).collect();
    files.push(("a.txt", b"hello"));
    home.repository("one", &files);
    home.git("one", &["clone", "-q", "--bare", ".", "../two/"]);
    let load = Load::start();
    let mut digests = Vec::new();
    for round in 0..20 {
        let (source, jobs) = (["one", "two"][round % 2], ["1", "8"][round / 2 % 2]);
        let mut command = home.certus();
        command.env("LC_ALL", ["C", "de_DE.UTF-8"][round / 4 % 2]).env("TZ", ["UTC", "Asia/Kathmandu"][round / 3 % 2]);
        let out = format!("out{round}");
        let arguments = ["scan", source, "--profile", "none", "--plugin", plugin, "--jobs", jobs, "--out", &out];
        let ended = ended(command.args(arguments).output().unwrap());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let index = std::fs::read(home.path(&out).join("index.json")).unwrap();
        digests.push(serde_json::from_slice::<Value>(&index).unwrap()["result"]["digest"].clone());
    }
    drop(load);
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
    // The digest is of the content: one file more makes another.
    home.write("one/new.txt", "new");
    home.git("one", &["add", "-A"]);
    home.git("one", &["commit", "-q", "-m", "second"]);
    let ended = home.run(&["scan", "one", "--profile", "none", "--plugin", plugin, "--out", "other"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let index = std::fs::read(home.path("other").join("index.json")).unwrap();
    assert_ne!(serde_json::from_slice::<Value>(&index).unwrap()["result"]["digest"], digests[0]);
}
