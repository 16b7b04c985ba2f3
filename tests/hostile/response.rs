//! E. What was refused, cut or not looked at never passes: each way in which a plugin can fall short,
//! through the command, and the same plugin passing where it does not.

use certus_model::coverage::{FileState, RunStatus};
use certus_model::limits::Limits;
use certus_model::outcome::{CallReason, Verdict};
use certus_model::severity::Thresholds;
use certus_model::source::SourceRecord;
use certus_model::workspace::{MemoryWorkspace, Workspace as _, tree_digest};
use certus_model::{PluginRun, RepoPath};
use certus_report::{Baseline, Inputs, Report};
use serde_json::Value;

use super::findings::floods;
use crate::support::answer::{Argument, Package, Problem, Stated, place, stated};
use crate::support::guest::{ANSWER, Guest};
use crate::support::home::{Ended, Home};

fn json(home: &Home, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(home.path("out").join(name)).expect(name)).expect("JSON")
}

/// Scans one file, `a.txt`, with this guest.
fn scan(home: &Home, guest: &[u8], more: &[&str]) -> Ended {
    home.write("tree/a.txt", "hello".repeat(4_000));
    let plugin = home.write("guest.wasm", guest);
    let base =
        ["scan", "dir:tree", "--profile", "none", "--plugin", plugin.to_str().unwrap(), "--out", "out", "--force"];
    home.run(&[&base[..], more].concat())
}

/// The scan ends with decision `error` and a bundle that verifies, whose statement holds `word`.
fn assert_error(home: &Home, name: &str, word: &str, ended: &Ended) {
    assert_eq!(ended.code, 3, "{name}: {}{}", ended.stdout, ended.stderr);
    let policy = json(home, "policy-result.json");
    assert_eq!((&policy["decision"], &policy["passed"]), (&"error".into(), &false.into()), "{name}");
    assert_ne!(policy["gaps"], Value::Array(Vec::new()), "{name}");
    assert_eq!(json(home, "summary.json")["decision"], "error", "{name}");
    let coverage = json(home, "coverage.json")["plugins"].to_string();
    assert!(coverage.contains(word), "{name}: {word} in {coverage}");
    assert_eq!(home.run(&["verify", "out"]).code, 0, "{name}: an error has a signed bundle too");
}

#[test]
fn case_062_whatever_stops_a_plugin_never_passes() {
    let loops = format!("(loop $again (br $again)) (i32.const {ANSWER})");
    let answers = format!("(i32.const {ANSWER})");
    let fails = |reason| Guest::files().fails(&Problem { reason, ..Problem::default() });
    let tree_fails = |reason| Guest::tree().fails(&Problem { reason, ..Problem::default() });
    let home = Home::new();
    for (reason, guest) in [
        (
            CallReason::Memory,
            Guest::files().manifest("[limits]\nmemory = \"1 MiB\"").scan(format!(
                "(if (i32.eq (memory.grow (i32.const 100)) (i32.const -1)) (then unreachable)) {answers}"
            )),
        ),
        (CallReason::Fuel, Guest::files().manifest("[limits]\nfuel = { call = 100000, per-mib = 0 }").scan(&loops)),
        (
            CallReason::Stack,
            Guest::files()
                .items("(func $down (param i32) (result i32) (i32.add (i32.const 1) (call $down (local.get 0))))")
                .scan(format!("(drop (call $down (i32.const 0))) {answers}")),
        ),
        (CallReason::Trap, Guest::files().scan("unreachable")),
        (CallReason::BadAbi, Guest::files().scan("(i32.const -4)")),
        (CallReason::Malformed, fails(1)),
        (CallReason::Exhausted, fails(2)),
        (CallReason::Internal, fails(3)),
        // A whole run that says so is no answer either; that of one file is a skipped file, below.
        (CallReason::Unsupported, tree_fails(0)),
        (CallReason::Malformed, tree_fails(1)),
        (CallReason::Exhausted, tree_fails(2)),
        (CallReason::Internal, tree_fails(3)),
    ] {
        assert_error(&home, reason.as_str(), reason.as_str(), &scan(&home, &guest.build(), &[]));
    }
    let flood = scan(&home, &floods(1_000_001), &[]);
    assert_error(&home, "flood", CallReason::TooMuchData.as_str(), &flood);

    for guest in [Guest::files(), Guest::tree()] {
        let ended = scan(&home, &guest.build(), &[]);
        assert_eq!(ended.code, 0, "the twin answers: {}", ended.stderr);
    }
    let ended = scan(&home, &fails(0).build(), &[]);
    assert_eq!(ended.code, 0, "a file that is not what its name suggests is no gap: {}", ended.stderr);
    assert!(json(&home, "coverage.json")["plugins"].to_string().contains("skipped:unsupported"), "and is stated");
}

/// The same for every reason there is, those included that take a minute or another kind of guest: the
/// decision rests on the run alone.
#[test]
fn case_062_no_reason_passes() {
    use CallReason::*;
    let all = [
        Memory,
        Fuel,
        Deadline,
        Stack,
        Trap,
        Exit,
        BadAbi,
        TooMuchData,
        Handles,
        Output,
        Unsupported,
        Malformed,
        Exhausted,
        Internal,
    ];
    let mut run = crate::support::run(&Guest::files().build(), &Limits::default(), &[("a.txt", b"a"), ("b.txt", b"b")]);
    assert_eq!(decision(&run), Verdict::Pass, "the twin");
    for reason in all {
        run.files[0] = FileState::Failed(reason);
        run.status = RunStatus::Incomplete;
        assert_eq!(decision(&run), Verdict::Error, "{reason} in one file");
        run.status = RunStatus::Failed(reason);
        assert_eq!(decision(&run), Verdict::Error, "{reason}");
    }
}

fn decision(run: &PluginRun) -> Verdict {
    let path = |name: &str| name.parse::<RepoPath>().unwrap();
    let workspace = MemoryWorkspace::new([(path("a.txt"), b"a".to_vec()), (path("b.txt"), b"b".to_vec())]);
    let source = SourceRecord::Directory { directory_path: "tree".to_owned() };
    let (thresholds, baseline) = (Thresholds::default(), Baseline::default());
    let report = Report::build(Inputs {
        runs: std::slice::from_ref(run),
        workspace: &workspace,
        source: &source,
        tree_digest: tree_digest(workspace.entries()),
        thresholds: &thresholds,
        baseline: &baseline,
        not_run: &[],
        on_error: certus_model::OnError::Closed,
        mode: certus_model::Mode::Production,
        host_version: "0.1.0",
    });
    report.expect("the host does its part").policy().decision
}

#[test]
fn case_056_whatever_is_refused_never_passes() {
    let at = || place("a.txt", Some((0, 5)));
    let number = |name| vec![(name, Argument::Number(1))];
    let files = || Guest::files().rule("parameters = { n = \"number\" }");
    let package =
        |name: &str| Package { id: b"1".to_vec(), ecosystem: b"npm".to_vec(), name: name.into(), ..Package::default() };
    let home = Home::new();
    for (counter, refused, permitted) in [
        (
            "invalid-location",
            files().states(&[stated(place("b.txt", None))]),
            files().states(&[stated(place("a.txt", None))]),
        ),
        (
            "undeclared-rule",
            files().states(&[Stated { rule: b"other".to_vec(), ..stated(at()) }]),
            files().states(&[stated(at())]),
        ),
        (
            "undeclared-severity",
            files().states(&[Stated { severity: Some(0), ..stated(at()) }]),
            files().states(&[Stated { severity: None, ..stated(at()) }]),
        ),
        (
            "undeclared-parameter",
            files().states(&[Stated { parameters: number("m"), ..stated(at()) }]),
            files().states(&[Stated { parameters: number("n"), ..stated(at()) }]),
        ),
        (
            "malformed-dependency",
            Guest::tree().reports_all(&[], &[], &[package("")]),
            Guest::tree().reports_all(&[], &[], &[package("a")]),
        ),
    ] {
        assert_error(&home, counter, &format!("\"{counter}\":1"), &scan(&home, &refused.build(), &[]));
        let ended = scan(&home, &permitted.build(), &[]);
        assert_eq!(ended.code, 0, "{counter}, permitted: {}{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn case_053_a_truncated_run_is_said_in_the_signed_bundle() {
    let home = Home::new();
    let ended = scan(&home, &floods_apart(10_001), &[]);
    assert_error(&home, "truncated", "\"truncated\":1", &ended);
    assert_eq!(json(&home, "findings.json")["findings"].as_array().unwrap().len(), 10_000);
    let gaps = json(&home, "policy-result.json")["gaps"].to_string();
    assert!(gaps.contains("beyond the limit of a run"), "{gaps}");
    let ended = scan(&home, &floods_apart(10_000), &[]);
    assert_eq!(ended.code, 0, "the twin stays within the limit: {}{}", ended.stdout, ended.stderr);
}

/// Answers with `count` findings, each at a place of its own.
fn floods_apart(count: u64) -> Vec<u8> {
    let findings: Vec<_> = (0..count).map(|at| stated(place("a.txt", Some((at, at + 1))))).collect();
    Guest::files().rule("").states(&findings).build()
}

/// What the operator accepts is the file that was named, and nothing that cannot be named.
#[test]
fn case_062_an_accepted_gap_covers_nothing_else() {
    let home = Home::new();
    home.write("base.toml", "[[gap]]\npath = \"a.txt\"\nreason = \"broken on purpose\"\n");
    let accepted = ["--baseline", "base.toml"];
    let broken = Problem { reason: 1, at: Some(place("a.txt", None)), note: Vec::new() };
    let nowhere = Problem { reason: 3, at: None, note: Vec::new() };
    home.write("tree/b.txt", "fine");
    // It reads the other file, so that its run is an answer.
    let guest = |problems: &[Problem]| {
        let guest = Guest::tree()
            .imports("(import \"certus:scanner/workspace@0.1.0\" \"read\" (func $read (param i32 i32 i32 i32)))");
        let read = "(call $read (i32.const 0) (i32.const 4096) (i32.const 5) (i32.const 8192))";
        let guest = guest.items("(data (i32.const 4096) \"b.txt\")").scan(format!("{read} (i32.const {ANSWER})"));
        guest.reports_all(&[], problems, &[]).build()
    };
    let ended = scan(&home, &guest(std::slice::from_ref(&broken)), &accepted);
    assert_eq!(ended.code, 0, "the twin is accepted: {}{}", ended.stdout, ended.stderr);
    let ended = scan(&home, &guest(&[broken, nowhere]), &accepted);
    assert_error(&home, "a problem of the whole run", "incomplete", &ended);
}
