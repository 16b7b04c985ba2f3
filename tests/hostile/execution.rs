//! A. Execution and memory.

use std::time::{Duration, Instant};

use certus_model::coverage::{FileState, RunStatus};
use certus_model::limits::Limits;
use certus_model::outcome::CallReason;

use crate::support::guest::{ANSWER, Guest};
use crate::support::run;

const FILES: &[(&str, &[u8])] = &[("a.txt", b"hello")];

/// Fuel and time enough for anything in these tests: the limit under test is the only one.
fn generous() -> Limits {
    let mut limits = Limits::default();
    limits.fuel.configure = u64::MAX / 2;
    limits.fuel.file_call = u64::MAX / 2;
    limits
}

fn failed(reason: CallReason) -> RunStatus {
    RunStatus::Failed(reason)
}

/// Counts to `rounds`, then answers.
fn counts(rounds: i64) -> Guest {
    Guest::files().scan(format!(
        "(local $i i64)
         (loop $again
           (local.set $i (i64.add (local.get $i) (i64.const 1)))
           (br_if $again (i64.lt_u (local.get $i) (i64.const {rounds}))))
         (i32.const {ANSWER})"
    ))
}

#[test]
fn case_001_infinite_loop_meets_the_deadline() {
    let endless = Guest::files().scan(format!("(loop $again (br $again)) (i32.const {ANSWER})")).build();
    let limits = Limits { call_deadline: Duration::from_millis(300), ..generous() };
    let started = Instant::now();
    let run = run(&endless, &limits, FILES);
    assert_eq!(run.status, failed(CallReason::Deadline));
    assert_eq!(run.files, [FileState::Failed(CallReason::Deadline)]);
    // The compile child's time is in here too: what is asserted is that the loop ended at all, soon.
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn case_001_a_long_loop_is_stopped_by_each_limit_and_ends_without_them() {
    let long = counts(1_000_000_000).build();
    let by_time = Limits { call_deadline: Duration::from_millis(50), ..generous() };
    assert_eq!(run(&long, &by_time, FILES).status, failed(CallReason::Deadline));
    let mut by_fuel = generous();
    by_fuel.fuel.file_call = 1_000_000;
    by_fuel.fuel.per_mib = 0;
    assert_eq!(run(&long, &by_fuel, FILES).status, failed(CallReason::Fuel));
    assert_eq!(run(&long, &generous(), FILES).status, RunStatus::Complete);
}

#[test]
fn case_013_fuel_runs_out_at_the_same_place_every_time() {
    let long = counts(1_000_000_000).build();
    let mut limits = generous();
    limits.fuel.file_call = 1_000_000;
    let first = run(&long, &limits, FILES);
    for _ in 0..3 {
        let again = run(&long, &limits, FILES);
        assert_eq!((again.status, again.files, again.uses), (first.status, first.files.clone(), first.uses.clone()));
    }
    let short = counts(1_000).build();
    let fuel: Vec<_> = (0..3).map(|_| run(&short, &limits, FILES).cost.fuel).collect();
    assert!(fuel[0] > 1_000 && fuel.iter().all(|f| *f == fuel[0]), "{fuel:?}");
}

#[test]
fn case_006_memory_growth_meets_the_limit() {
    let grows = Guest::files()
        .scan(format!(
            "(if (i32.eq (memory.grow (i32.const 60000)) (i32.const -1)) (then unreachable)) (i32.const {ANSWER})"
        ))
        .build();
    let before = resident();
    assert_eq!(run(&grows, &generous(), FILES).status, failed(CallReason::Memory));
    assert!(resident().saturating_sub(before) < (256 + 32) << 10, "in KiB");
    let off = Limits { memory: 5 << 30, ..generous() };
    assert_eq!(run(&grows, &off, FILES).status, RunStatus::Complete);
}

#[test]
fn case_007_many_memories_are_summed() {
    // Twenty more core instances, each with a memory of 64 MiB.
    let mut text = wasmprinter::print_bytes(Guest::files().bare()).expect("the component prints");
    let end = text.rfind(')').expect("a closing parenthesis");
    let instances: String = (0..20).map(|_| "(core instance (instantiate $big))".to_owned()).collect();
    text.insert_str(end, &format!("(core module $big (memory 1024)) {instances}"));
    let component = wat::parse_str(&text).expect("the component parses");
    let component = crate::support::guest::with_manifest(component, Guest::files().manifest_text());

    let only_sum = Limits { memories: 100, ..generous() };
    assert_eq!(run(&component, &only_sum, FILES).status, failed(CallReason::Memory));
    let only_count = Limits { memory: 8 << 30, ..generous() };
    assert_eq!(run(&component, &only_count, FILES).status, failed(CallReason::Memory));
    let off = Limits { memory: 8 << 30, memories: 100, ..generous() };
    assert_eq!(run(&component, &off, FILES).status, RunStatus::Complete);
}

#[test]
fn case_009_recursion_meets_the_stack_limit() {
    let deep = Guest::files()
        .items("(func $down (param i32) (result i32) (i32.add (i32.const 1) (call $down (local.get 0))))")
        .scan(format!("(drop (call $down (i32.const 0))) (i32.const {ANSWER})"))
        .build();
    assert_eq!(run(&deep, &generous(), FILES).status, failed(CallReason::Stack));
}

#[test]
fn case_011_traps_are_contained_and_the_next_file_is_scanned() {
    for (name, trap) in [
        ("unreachable", "unreachable"),
        ("divide by zero", "(drop (i32.div_u (i32.const 1) (i32.const 0)))"),
        ("out of bounds", "(drop (i32.load (i32.const -4)))"),
        ("signature mismatch", "(call_indirect (type $none) (i32.const 0))"),
    ] {
        let guest = Guest::files()
            .items("(type $none (func)) (table 1 funcref) (func $other (param i64)) (elem (i32.const 0) $other)")
            // Only a content that begins with `T` traps.
            .scan(format!(
                "(if (i32.eq (i32.load8_u (local.get 2)) (i32.const 84)) (then {trap})) (i32.const {ANSWER})"
            ))
            .build();
        let run = run(&guest, &generous(), &[("a.txt", b"Trap"), ("b.txt", b"fine"), ("c.txt", b"Trap")]);
        let trapped = FileState::Failed(CallReason::Trap);
        assert_eq!(run.files, [trapped, FileState::Analysed, trapped], "{name}");
        assert_eq!(run.status, RunStatus::Incomplete, "{name}");
        assert_eq!(run.cost.instances, 2, "{name}: the first trap costs the first instance");
    }
}

#[test]
fn case_014_no_state_outlives_a_trap() {
    // Traps once it has been called before: a fresh instance never has.
    let guest = Guest::files()
        .items("(global $called (mut i32) (i32.const 0))")
        .scan(format!(
            "(if (global.get $called) (then unreachable)) (global.set $called (i32.const 1)) (i32.const {ANSWER})"
        ))
        .build();
    let run = run(&guest, &generous(), &[("a", b"1"), ("b", b"2"), ("c", b"3")]);
    assert_eq!(run.files, [FileState::Analysed, FileState::Failed(CallReason::Trap), FileState::Analysed]);
}

/// Resident memory of this process in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number of KiB")
}
