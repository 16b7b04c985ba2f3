//! A. Execution: time, fuel and traps.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use certus_model::coverage::{FileState, RunStatus};
use certus_model::limits::Limits;
use certus_model::outcome::CallReason;
use certus_sandbox::Plugin;

use crate::support::guest::{ANSWER, Guest};
use crate::support::{admit, block_on, run, run_plugin, scan_file};

pub(super) const FILES: &[(&str, &[u8])] = &[("a.txt", b"hello")];

/// Fuel and time enough for anything in these tests: the limit under test is the only one.
pub(super) fn generous() -> Limits {
    let mut limits = Limits::default();
    limits.fuel.configure = u64::MAX / 2;
    limits.fuel.file_call = u64::MAX / 2;
    limits
}

/// The same with a deadline for each call.
fn within(millis: u64) -> Limits {
    Limits { call_deadline: Duration::from_millis(millis), ..generous() }
}

pub(super) fn failed(reason: CallReason) -> RunStatus {
    RunStatus::Failed(reason)
}

/// Rounds that take longer than a short deadline, and end.
const LONG: u64 = 300_000_000;

/// A guest with a function `$spin` that counts to `rounds`.
fn spins(rounds: u64) -> Guest {
    Guest::files().items(format!(
        "(func $spin (local $i i64)
           (loop $again
             (local.set $i (i64.add (local.get $i) (i64.const 1)))
             (br_if $again (i64.lt_u (local.get $i) (i64.const {rounds})))))"
    ))
}

/// Counts to `rounds` in `scan`.
fn counts(rounds: u64) -> Vec<u8> {
    spins(rounds).scan(format!("(call $spin) (i32.const {ANSWER})")).build()
}

const ENDLESS: &str = "(loop $again (br $again))";

fn endless() -> Vec<u8> {
    Guest::files().scan(format!("{ENDLESS} (i32.const {ANSWER})")).build()
}

/// Contained by the deadline where it never ends; where it does, stopped by a short deadline and
/// complete under a long one.
fn meets_the_deadline(endless: &Guest, long: &Guest) {
    let run_within = |guest: &Guest, millis| run(&guest.build(), &within(millis), FILES);
    let ended = run_within(endless, 100);
    assert_eq!((ended.status, ended.findings.len()), (failed(CallReason::Deadline), 0));
    assert_eq!(ended.files, [FileState::Failed(CallReason::Deadline)]);
    assert_eq!(run_within(long, 30).status, failed(CallReason::Deadline));
    let twin = run_within(long, 60_000);
    assert_eq!((twin.status, twin.findings.len()), (RunStatus::Complete, 1));
}

#[test]
fn case_001_infinite_loop_meets_the_deadline() {
    let run = run(&endless(), &within(300), FILES);
    assert_eq!(run.status, failed(CallReason::Deadline));
    assert_eq!(run.files, [FileState::Failed(CallReason::Deadline)]);
}

#[test]
fn case_001_the_deadline_is_met_within_100_ms() {
    let plugin = admit(&endless()).expect("admitted");
    let limits = within(300);
    // The call alone, and the best of five: beside other tests a process may wait longer for its turn.
    let late = || {
        block_on(async {
            let mut instance = plugin.instantiate(&limits, None, None).await.expect("an instance");
            let started = Instant::now();
            assert_eq!(scan_file(&mut instance, b"x").await, Err(CallReason::Deadline));
            started.elapsed().checked_sub(limits.call_deadline).expect("the deadline has passed")
        })
    };
    let best = (0..5).map(|_| late()).min().expect("five");
    println!("case 001: {best:?} after the deadline");
    assert!(best < Duration::from_millis(100), "{best:?}");
}

#[test]
fn case_001_a_long_loop_is_stopped_by_each_limit_and_ends_without_them() {
    let long = counts(LONG);
    assert_eq!(run(&long, &within(30), FILES).status, failed(CallReason::Deadline));
    let mut by_fuel = generous();
    by_fuel.fuel.file_call = 1_000_000;
    by_fuel.fuel.per_mib = 0;
    assert_eq!(run(&long, &by_fuel, FILES).status, failed(CallReason::Fuel));
    assert_eq!(run(&long, &generous(), FILES).status, RunStatus::Complete);
}

#[test]
fn case_002_loop_in_the_start_function() {
    let start = |body: &str| {
        let guest = spins(LONG).rule("").reports("r", "a.txt", None);
        guest.items(format!("(func $first {body}) (start $first)"))
    };
    meets_the_deadline(&start(ENDLESS), &start("(call $spin)"));
    let mut by_fuel = generous();
    by_fuel.fuel.configure = 1_000_000;
    assert_eq!(run(&start("(call $spin)").build(), &by_fuel, FILES).status, failed(CallReason::Fuel));
}

#[test]
fn case_003_loop_in_realloc_while_the_host_lowers_its_input() {
    let realloc = |body| spins(LONG).rule("").reports("r", "a.txt", None).realloc(body);
    meets_the_deadline(&realloc(ENDLESS), &realloc("(call $spin)"));
}

#[test]
fn case_004_loop_in_post_return_discards_what_was_lifted() {
    let after = |body: &str| {
        let guest = spins(LONG).rule("").reports("r", "a.txt", None);
        guest.items(format!("(func (export \"cabi_post_certus:scanner/files@0.1.0#scan\") (param i32) {body})"))
    };
    meets_the_deadline(&after(ENDLESS), &after("(call $spin)"));
}

#[test]
fn case_010_copies_of_all_memory_meet_the_deadline() {
    // 254 MiB each, within a memory of 256 MiB.
    let copy = "(memory.copy (i32.const 0x100000) (i32.const 0x200000) (i32.const 0xfe00000))";
    let guest = |body: String| Guest::files().pages(4096).scan(format!("{body} (i32.const {ANSWER})")).build();
    let plugin = admit(&guest(format!("(loop $again {copy} (br $again))"))).expect("admitted");
    let limits = within(500);
    let once = admit(&guest(copy.to_owned())).expect("admitted");
    let scan = |plugin: &Plugin, limits: &Limits| {
        block_on(async {
            let mut instance = plugin.instantiate(limits, None, None).await.expect("an instance");
            let started = Instant::now();
            let answer = scan_file(&mut instance, b"x").await.map(drop);
            (answer, started.elapsed())
        })
    };
    // A copy is not interrupted, so what is late is late by one copy. What one takes depends on what else
    // this machine does, so it is measured beside, and one of a few rounds shows what the sandbox does.
    let mut rounds = (0..8).map(|_| {
        let (answer, one) = scan(&once, &generous());
        assert!(answer.is_ok(), "once is in time");
        let (answer, took) = scan(&plugin, &limits);
        assert_eq!(answer, Err(CallReason::Deadline));
        (took.checked_sub(limits.call_deadline).expect("the deadline has passed"), one)
    });
    let met = rounds.find(|(late, one)| *late < Duration::from_secs(1) + *one);
    println!("case 010: {met:?} after a deadline of {:?}, and what one copy took", limits.call_deadline);
    assert!(met.is_some(), "in none of eight rounds the call ended within 1 s and a copy of its deadline");
    assert_eq!(run(&guest(copy.to_owned()), &generous(), FILES).status, RunStatus::Complete, "once is in time");
}

#[test]
fn case_012_two_hundred_loops_at_once_meet_their_deadlines() {
    let plugin = admit(&endless()).expect("admitted");
    let limits = within(1_000);
    let together = Barrier::new(200);
    let scan = || {
        block_on(async {
            let mut instance = plugin.instantiate(&limits, None, None).await.expect("an instance");
            together.wait();
            let started = Instant::now();
            assert_eq!(scan_file(&mut instance, b"x").await, Err(CallReason::Deadline));
            started.elapsed().checked_sub(limits.call_deadline).expect("the deadline has passed")
        })
    };
    let round = || {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..200).map(|_| scope.spawn(scan)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).max().expect("200")
        })
    };
    // Other tests run beside this one and take the same cores: one round of a few shows what the sandbox does.
    let in_time = Duration::from_secs(1);
    let late = (0..8).map(|_| round()).find(|late| *late < in_time);
    println!("case 012: the last of 200 ended {late:?} after its deadline");
    assert!(late.is_some(), "in none of eight rounds all of them ended within {in_time:?} of their deadline");
}

#[test]
fn case_013_fuel_runs_out_at_the_same_place_every_time() {
    let mut limits = generous();
    limits.fuel.file_call = 1_000_000;
    let long = admit(&counts(LONG)).expect("admitted");
    let first = run_plugin(long.clone(), &limits, FILES, 1);
    assert_eq!(first.status, failed(CallReason::Fuel));
    let short = admit(&counts(1_000)).expect("admitted");
    let fuel = run_plugin(short.clone(), &limits, FILES, 1).cost.fuel;
    assert!(fuel > 1_000, "{fuel}");
    for _ in 0..20 {
        let again = run_plugin(long.clone(), &limits, FILES, 1);
        assert_eq!((again.status, again.files, again.uses), (first.status, first.files.clone(), first.uses.clone()));
        assert_eq!(again.cost.fuel, first.cost.fuel);
        assert_eq!(run_plugin(short.clone(), &limits, FILES, 1).cost.fuel, fuel);
    }
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
