//! E. What guests report.

use certus_model::coverage::RunStatus;
use certus_model::limits::Limits;
use certus_model::outcome::CallReason;

use crate::support::guest::{ANSWER, DATA, Guest, escaped};
use crate::support::{run, run_jobs};

const FILES: &[(&str, &[u8])] = &[("a.txt", b"hello"), ("b.txt", b"other")];

/// Answers with `count` copies of one finding at the first byte of the file it is given.
fn floods(count: u32) -> Vec<u8> {
    let list: u32 = 262_144;
    Guest::files()
        .pages(2000)
        .rule("")
        .items(format!("(data (i32.const {DATA}) \"{}\")", escaped(b"r")))
        .scan(format!(
            "(local $i i32) (local $at i32)
             (local.set $at (i32.const {list}))
             (loop $again
               (i32.store (local.get $at) (i32.const {DATA}))
               (i32.store offset=4 (local.get $at) (i32.const 1))
               (i32.store offset=8 (local.get $at) (local.get 0))
               (i32.store offset=12 (local.get $at) (local.get 1))
               (local.set $at (i32.add (local.get $at) (i32.const 80)))
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if $again (i32.lt_u (local.get $i) (i32.const {count}))))
             (i32.store (i32.const {}) (i32.const {list}))
             (i32.store (i32.const {}) (i32.const {count}))
             (i32.const {ANSWER})",
            ANSWER + 8,
            ANSWER + 12
        ))
        .build()
}

#[test]
fn case_053_a_flood_of_findings_is_cut_and_said() {
    let limits = Limits::default();
    let flooded = run(&floods(1_000_001), &limits, &FILES[..1]);
    assert_eq!(flooded.status, RunStatus::Failed(CallReason::TooMuchData));
    let cut = run(&floods(20_000), &limits, &FILES[..1]);
    assert_eq!((cut.status, cut.refused.truncated), (RunStatus::Incomplete, 10_000));
    let off = Limits { findings_per_run: 1_000_000, ..limits };
    assert_eq!(run(&floods(20_000), &off, &FILES[..1]).status, RunStatus::Complete);
}

#[test]
fn case_055_places_that_do_not_exist_are_refused_and_counted() {
    for (name, path, span) in [
        ("parent", "../../etc/passwd", None),
        ("absolute", "/etc/passwd", None),
        ("drive", "C:\\x", None),
        ("NUL", "a.txt\0", None),
        ("unknown", "z.txt", None),
        ("empty", "", None),
        ("beyond the end", "a.txt", Some((0, 6))),
        ("end before start", "a.txt", Some((3, 2))),
        ("far beyond", "a.txt", Some((u64::MAX, u64::MAX))),
    ] {
        let guest = Guest::files().rule("").reports("r", path, span).build();
        let run = run(&guest, &Limits::default(), &FILES[..1]);
        assert_eq!(run.refused.invalid_location, 1, "{name}");
        assert!(run.findings.is_empty(), "{name}");
        assert_eq!(run.status, RunStatus::Incomplete, "{name}");
    }
    let guest = Guest::files().rule("").reports("r", "a.txt", Some((0, 5))).build();
    let run = run(&guest, &Limits::default(), &FILES[..1]);
    assert_eq!((run.findings.len(), run.status), (1, RunStatus::Complete), "the twin exists");
}

#[test]
fn case_055_a_finding_speaks_of_the_file_that_was_given() {
    // Both files exist; the plugin was given one at a time.
    let guest = Guest::files().rule("").reports("r", "a.txt", None).build();
    let run = run(&guest, &Limits::default(), FILES);
    assert_eq!((run.findings.len(), run.refused.invalid_location), (1, 1));
}

#[test]
fn case_056_undeclared_rules_are_refused() {
    let guest = Guest::files().rule("").reports("other", "a.txt", None).build();
    let run = run(&guest, &Limits::default(), &FILES[..1]);
    assert_eq!((run.findings.len(), run.refused.undeclared_rule), (0, 1));
    assert_eq!(run.status, RunStatus::Incomplete);
}

#[test]
fn case_061_the_order_of_workers_leaves_no_trace() {
    let names: Vec<_> = (0..3000).map(|i| format!("d{}/f{i:04}.txt", i % 7)).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), n.as_bytes())).collect();
    let guest = floods(3);
    let one = run_jobs(&guest, &Limits::default(), &files, 1);
    assert_eq!(one.findings.len(), 3000);
    for jobs in [2, 8] {
        let many = run_jobs(&guest, &Limits::default(), &files, jobs);
        assert_eq!(
            (many.findings, many.files, many.uses, many.status),
            (one.findings.clone(), one.files.clone(), one.uses.clone(), one.status)
        );
    }
}
