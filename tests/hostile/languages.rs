//! Guests that other people's toolchains made, in JavaScript and Python, under the same limits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use certus_model::PluginRun;
use certus_model::coverage::{FileState, RunStatus};
use certus_model::limits::{AdmissionLimits, Limits};
use certus_model::outcome::CallReason;
use certus_model::plugin::Capability;
use certus_sandbox::Plugin;

use crate::support::guest::with_manifest;
use crate::support::{Bench, admission, run_plugin};

const MANIFEST: &str = include_str!("../guests/plugin.toml");
const WASI: &str = "\n[capabilities.wasi]\nfilesystem = [\"**\"]\nreason = \"its standard library\"\n";

/// One sandbox and one admission for all tests: compiling an interpreter takes longer than they do, so
/// the compiled form is also kept for the next run.
static PLUGINS: LazyLock<Mutex<(Bench, BTreeMap<String, Plugin>)>> = LazyLock::new(|| {
    // Ten times what it takes on a quiet machine: what is tested is what comes after.
    let limits = AdmissionLimits {
        child_cpu: Duration::from_secs(200),
        child_wall: Duration::from_secs(600),
        ..AdmissionLimits::default()
    };
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    Mutex::new((admission(Some(&cache), limits).expect("the sandbox starts"), BTreeMap::new()))
});

/// The component of that name; none where the set-up has built no guests.
fn component(name: &str) -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("CERTUS_TEST_GUESTS") else {
        println!("skipped: guests of other languages: CERTUS_TEST_GUESTS names no folder; run `cargo xtask test`");
        return None;
    };
    let path = PathBuf::from(folder).join(name);
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask setup`", path.display())))
}

/// The guest admitted with everything granted.
fn plugin(name: &str) -> Option<Plugin> {
    let component = component(name)?;
    let manifest = if name.contains("wasi") { format!("{MANIFEST}{WASI}") } else { MANIFEST.to_owned() };
    let mut plugins = PLUGINS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (bench, admitted) = &mut *plugins;
    let plugin = admitted.entry(name.to_owned()).or_insert_with(|| {
        bench.admit(&with_manifest(component, &manifest), &Capability::ALL).expect("the guest is admitted")
    });
    Some(plugin.clone())
}

fn scan(plugin: &Plugin, limits: &Limits, files: &[(&str, &[u8])]) -> PluginRun {
    run_plugin(plugin.clone(), limits, files, 1)
}

/// Interpreters take more instructions than compiled guests.
fn generous() -> Limits {
    let mut limits = Limits::default();
    limits.fuel.configure = u64::MAX / 2;
    limits.fuel.file_call = u64::MAX / 2;
    limits
}

fn finds_and_fails_within_limits(name: &str) {
    let Some(plugin) = plugin(name) else { return };
    let limits = Limits { call_deadline: Duration::from_secs(5), ..generous() };
    let found = scan(&plugin, &Limits::default(), &[("a.txt", b"a forbidden word"), ("b.txt", b"none")]);
    assert_eq!(found.status, RunStatus::Complete, "{name} runs within the defaults");
    assert_eq!(found.files, [FileState::Analysed; 2], "{name}");
    let [finding] = found.findings.as_slice() else { panic!("{name}: {:?}", found.findings) };
    let span = finding.at.span.expect("a span");
    assert_eq!((finding.at.path.as_str(), span.start, span.end), ("a.txt", 2, 11), "{name}");

    // Each deed on the file between two others, which are scanned all the same.
    for (deed, reasons) in [
        ("loop", [CallReason::Deadline, CallReason::Fuel]),
        ("allocate", [CallReason::Memory, CallReason::Trap]),
        // JavaScript's engine sees its stack end before ours does; Python's frames lie in its memory.
        ("recurse", [CallReason::Memory, CallReason::Trap]),
        ("throw", [CallReason::Trap, CallReason::Exit]),
    ] {
        let content = format!("{deed} and no more");
        let files: &[(&str, &[u8])] =
            &[("a.txt", b"forbidden"), ("b.txt", content.as_bytes()), ("c.txt", b"forbidden")];
        let run = scan(&plugin, &limits, files);
        let [FileState::Analysed, FileState::Failed(reason), FileState::Analysed] = run.files[..] else {
            panic!("{name} {deed}: {:?}", run.files)
        };
        println!("{name}: {deed} is contained as {reason}");
        assert!(reasons.contains(&reason), "{name} {deed}: {reason}");
        assert_eq!((run.status, run.findings.len()), (RunStatus::Incomplete, 2), "{name} {deed}");
    }
    let mut by_fuel = Limits { call_deadline: Duration::from_secs(60), ..generous() };
    by_fuel.fuel.file_call = 500_000_000;
    let run = scan(&plugin, &by_fuel, &[("a.txt", b"loop")]);
    assert_eq!(run.status, RunStatus::Failed(CallReason::Fuel), "{name}: an endless loop without its deadline");
}

#[test]
fn case_001_javascript_runs_within_the_limits() {
    finds_and_fails_within_limits("javascript.wasm");
}

#[test]
fn case_001_javascript_on_wasi_runs_within_the_limits() {
    finds_and_fails_within_limits("javascript-wasi.wasm");
}

#[test]
fn case_001_python_runs_within_the_limits() {
    finds_and_fails_within_limits("python.wasm");
}

#[test]
fn case_018_javascript_on_wasi_is_refused_undeclared_and_ungranted() {
    let Some(component) = component("javascript-wasi.wasm") else { return };
    let sandbox = crate::support::sandbox();
    let refused = |manifest: &str, granted: &[Capability]| {
        let component = with_manifest(component.clone(), manifest);
        sandbox.admit(&component, granted).map(|_| ()).expect_err("refused").to_string()
    };
    assert!(refused(MANIFEST, &Capability::ALL).contains("imports capability `wasi`"));
    assert!(refused(&format!("{MANIFEST}{WASI}"), &[]).contains("capability `wasi`, which is not granted"));
    assert!(plugin("javascript-wasi.wasm").is_some(), "the twin is admitted");
}

#[test]
fn case_032_a_javascript_engine_sees_no_time_and_the_same_randomness() {
    let Some(plugin) = plugin("javascript-wasi.wasm") else { return };
    let padding = " ".repeat(100);
    let place = |word: &str| {
        let content = format!("{word} {padding}");
        let run = scan(&plugin, &generous(), &[("a.txt", content.as_bytes())]);
        assert_eq!(run.status, RunStatus::Complete, "{word}");
        run.findings[0].at.span.expect("a span").start
    };
    assert_eq!(place("now"), 0, "it is 1970");
    assert_eq!(place("tick"), 49, "and stays so");
    assert_eq!(place("random"), place("random"));
}

#[test]
fn case_013_a_javascript_engine_costs_the_same_every_time() {
    let Some(plugin) = plugin("javascript.wasm") else { return };
    let fuel = || scan(&plugin, &Limits::default(), &[("a.txt", b"a forbidden word")]).cost.fuel;
    let first = fuel();
    assert!(first > 0);
    assert_eq!(fuel(), first);
}
