//! A and B over and over in one process: nothing may be left behind.

use std::time::{Duration, Instant};

use certus_model::coverage::RunStatus;
use certus_model::limits::Limits;
use certus_model::outcome::CallReason;
use certus_sandbox::Plugin;

use super::execution::{FILES, failed, generous};
use crate::support::guest::{ANSWER, Guest};
use crate::support::process::{alone, handles, resident};
use crate::support::{block_on, dropped_half_way, run_plugin, sandbox, scan_file};

/// A guest with the limits it meets.
struct Hostile {
    name: &'static str,
    plugin: Plugin,
    limits: Limits,
    reason: CallReason,
}

fn hostiles() -> Vec<Hostile> {
    const LOOP: &str = "(loop $again (br $again))";
    let sandbox = sandbox();
    let scan = |body: &str| Guest::files().scan(format!("{body} (i32.const {ANSWER})"));
    let mut little_fuel = Limits::default();
    (little_fuel.fuel.configure, little_fuel.fuel.file_call) = (100_000, 100_000);
    let huge_list = scan("").list(1 << 20, 40_000_000).pages(3_500);
    let deep = "(func $down (param i32) (result i32) (i32.add (i32.const 1) (call $down (local.get 0))))";
    let log = "(import \"certus:scanner/log@0.1.0\" \"write\" (func $log (param i32 i32 i32)))";
    let logging = Guest::files().imports(log).manifest("[capabilities.log]\nreason = \"a test\"");
    let hostile = |name, guest: Guest, limits: &Limits, reason| {
        let plugin = sandbox.admit(&guest.build(), &certus_model::plugin::Capability::ALL).expect("admitted");
        Hostile { name, plugin, limits: limits.clone(), reason }
    };
    let usual = Limits::default();
    vec![
        hostile("trap", scan("unreachable"), &usual, CallReason::Trap),
        hostile("fuel", scan(LOOP), &little_fuel, CallReason::Fuel),
        hostile(
            "start function",
            scan("").items(format!("(func $f {LOOP}) (start $f)")),
            &little_fuel,
            CallReason::Fuel,
        ),
        hostile("realloc", scan("").realloc(LOOP), &little_fuel, CallReason::Fuel),
        hostile("stack", scan("(drop (call $down (i32.const 0)))").items(deep), &usual, CallReason::Stack),
        hostile("memory", scan("(drop (memory.grow (i32.const 60000))) unreachable"), &usual, CallReason::Memory),
        hostile("table", scan("").items("(table 150000 funcref)"), &usual, CallReason::Memory),
        hostile("answer out of bounds", scan("(return (i32.const -8))"), &usual, CallReason::BadAbi),
        hostile("discriminant", scan("").data(ANSWER, &[9]), &usual, CallReason::BadAbi),
        hostile("too much data", huge_list, &usual, CallReason::BadAbi),
        hostile(
            "import in realloc",
            logging.realloc("(call $log (i32.const 0) (i32.const 0) (i32.const 2))"),
            &usual,
            CallReason::BadAbi,
        ),
    ]
}

#[test]
fn ten_thousand_hostile_runs_leave_nothing() {
    alone("hostile::soak::ten_thousand_hostile_runs_leave_nothing", || {
        let hostiles = hostiles();
        let endless = sandbox()
            .admit(&Guest::files().scan(format!("(loop $again (br $again)) (i32.const {ANSWER})")).build(), &[])
            .expect("admitted");
        let round = |number: usize| {
            let Some(hostile) = hostiles.get(number % (hostiles.len() + 1)) else {
                // Either met by its deadline or dropped half-way by its caller.
                return late_or_dropped(&endless, number.is_multiple_of(24));
            };
            let run = run_plugin(hostile.plugin.clone(), &hostile.limits, FILES, 1);
            assert_eq!(run.status, failed(hostile.reason), "{}", hostile.name);
        };
        (0..2_000).for_each(round);
        let (memory, before) = (resident(), handles());
        let started = Instant::now();
        (0..10_000).for_each(round);
        let took = started.elapsed();
        let (memory_after, after) = (resident(), handles());
        println!("soak: 10,000 hostile runs in {took:?}");
        println!("soak: {memory} KiB resident before, {memory_after} KiB after");
        println!("soak: {before:?} open files and threads before, {after:?} after");
        assert_eq!(after, before, "open files and threads");
        assert!(memory_after * 100 <= memory * 105, "{memory} KiB before, {memory_after} KiB after");
        let twin = sandbox().admit(&Guest::files().build(), &[]).expect("admitted");
        assert_eq!(run_plugin(twin, &generous(), FILES, 1).status, RunStatus::Complete, "a good guest still runs");
    });
}

fn late_or_dropped(endless: &Plugin, dropped: bool) {
    block_on(async {
        let limits = Limits { call_deadline: Duration::from_millis(1), ..generous() };
        let mut instance = endless.instantiate(&limits, None, None).await.expect("an instance");
        let call = scan_file(&mut instance, b"x");
        if dropped {
            assert!(dropped_half_way(call).await);
        } else {
            assert_eq!(call.await, Err(CallReason::Deadline));
        }
    });
}
