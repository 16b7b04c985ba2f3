//! A. Memory: what a guest may take of it, and that nothing of it reaches another.

use certus_model::coverage::{FileState, RunStatus};
use certus_model::limits::Limits;
use certus_model::outcome::CallReason;
use certus_model::plugin::Capability;
use certus_sandbox::{Plugin, Sandbox};

use super::execution::{FILES, failed, generous};
use crate::support::guest::{ANSWER, Guest, with_manifest};
use crate::support::process::{alone, peak_of};
use crate::support::{admit, block_on, run, run_plugin, sandbox, scan_file};

#[test]
fn case_006_memory_growth_meets_the_limit() {
    alone("hostile::memory::case_006_memory_growth_meets_the_limit", || {
        // Takes and writes what it is given, a MiB at a time, until there is no more.
        let grows = Guest::files().scan(format!(
            "(local $at i32)
             (loop $more
               (local.set $at (memory.grow (i32.const 16)))
               (if (i32.eq (local.get $at) (i32.const -1)) (then unreachable))
               (memory.fill (i32.mul (local.get $at) (i32.const 65536)) (i32.const 1) (i32.const 0x100000))
               (br $more))
             (i32.const {ANSWER})"
        ));
        let plugin = admit(&grows.build()).expect("admitted");
        let peak = peak_of(|| {
            assert_eq!(run_plugin(plugin, &generous(), FILES, 1).status, failed(CallReason::Memory));
        });
        println!("case 006: {} MiB resident at the most", peak >> 10);
        assert!(peak < (256 + 32) << 10, "{peak} KiB");
    });
    let at_once = Guest::files()
        .scan(format!(
            "(if (i32.eq (memory.grow (i32.const 60000)) (i32.const -1)) (then unreachable)) (i32.const {ANSWER})"
        ))
        .build();
    assert_eq!(run(&at_once, &generous(), FILES).status, failed(CallReason::Memory));
    let off = Limits { memory: 5 << 30, ..generous() };
    assert_eq!(run(&at_once, &off, FILES).status, RunStatus::Complete);
}

#[test]
fn case_007_many_memories_are_summed() {
    // A hundred more core instances, each with a memory of 64 MiB.
    let mut text = wasmprinter::print_bytes(Guest::files().bare()).expect("the component prints");
    let end = text.rfind(')').expect("a closing parenthesis");
    text.insert_str(
        end,
        &format!("(core module $big (memory 1024)) {}", "(core instance (instantiate $big))".repeat(100)),
    );
    let component = wat::parse_str(&text).expect("the component parses");
    let plugin = admit(&with_manifest(component, Guest::files().manifest_text())).expect("admitted");
    let run = |limits: &Limits| run_plugin(plugin.clone(), limits, FILES, 1).status;

    let off = Limits { memory: 8 << 30, memories: 200, instances: 200, ..generous() };
    assert_eq!(run(&Limits { memory: 256 << 20, ..off.clone() }), failed(CallReason::Memory), "their sum");
    assert_eq!(run(&Limits { memories: 8, ..off.clone() }), failed(CallReason::Memory), "their number");
    assert_eq!(run(&Limits { instances: 64, ..off.clone() }), failed(CallReason::Memory), "core instances");
    assert_eq!(run(&off), RunStatus::Complete);
}

/// Has a table of `declared` elements and lets it grow by `more`.
fn tables(declared: u32, more: u32) -> Vec<u8> {
    Guest::files()
        .items(format!("(table $t {declared} funcref)"))
        .scan(format!(
            "(if (i32.eq (table.grow $t (ref.null func) (i32.const {more})) (i32.const -1)) (then unreachable))
             (i32.const {ANSWER})"
        ))
        .build()
}

#[test]
fn case_008_tables_meet_the_limit() {
    for (name, declared, more) in [
        ("grown to 2^31", 1, 1 << 31),
        ("grown beyond it", 1, u32::MAX),
        ("declared", 10_000_000, 0),
        ("declared beyond the address space", u32::MAX, 0),
    ] {
        assert_eq!(run(&tables(declared, more), &generous(), FILES).status, failed(CallReason::Memory), "{name}");
    }
    for (name, large) in [("declared", tables(150_000, 0)), ("grown", tables(1, 150_000))] {
        assert_eq!(run(&large, &generous(), FILES).status, failed(CallReason::Memory), "{name}");
        let off = Limits { table_elements: 200_000, ..generous() };
        assert_eq!(run(&large, &off, FILES).status, RunStatus::Complete, "{name}");
    }
}

#[test]
fn case_008_tables_are_counted() {
    let many = Guest::files().items("(table 1 funcref)".repeat(65)).build();
    assert_eq!(run(&many, &generous(), FILES).status, failed(CallReason::Memory));
    let off = Limits { tables: 100, ..generous() };
    assert_eq!(run(&many, &off, FILES).status, RunStatus::Complete);
}

/// Goes `depth` calls deep.
fn recurses(depth: u32) -> Vec<u8> {
    Guest::files()
        .items(
            "(func $down (param i32) (result i32)
               (if (result i32) (local.get 0)
                 (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
                 (else (i32.const 0))))",
        )
        .scan(format!("(drop (call $down (i32.const {depth}))) (i32.const {ANSWER})"))
        .build()
}

#[test]
fn case_009_recursion_meets_the_stack_limit_a_thousand_times() {
    let plugin = admit(&recurses(u32::MAX)).expect("admitted");
    for _ in 0..1_000 {
        assert_eq!(answer(&plugin, b"x"), Err(CallReason::Stack));
    }
    assert_eq!(run(&recurses(100), &generous(), FILES).status, RunStatus::Complete);
}

#[test]
fn case_009_a_larger_stack_goes_deeper() {
    let deep = recurses(60_000);
    assert_eq!(run(&deep, &generous(), FILES).status, failed(CallReason::Stack));
    let admitted = sandbox().admission.admit(&deep, &Capability::ALL).expect("admitted");
    let plugin = Sandbox::new(16 << 20).expect("a sandbox").load(&admitted).expect("it loads");
    assert_eq!(run_plugin(plugin, &generous(), FILES, 1).status, RunStatus::Complete);
}

/// The number of findings that a fresh instance answers with.
fn answer(plugin: &Plugin, content: &[u8]) -> Result<usize, CallReason> {
    block_on(async {
        let mut instance = plugin.instantiate(&generous(), None, None).await.expect("an instance");
        scan_file(&mut instance, content).await.map(|findings| findings.len())
    })
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

#[test]
fn case_014_a_second_scan_sees_a_first_call() {
    // Answers from its second call on.
    let guest = Guest::files()
        .items("(global $called (mut i32) (i32.const 0))")
        .scan(format!(
            "(global.set $called (i32.add (global.get $called) (i32.const 1)))
             (if (i32.lt_u (global.get $called) (i32.const 2)) (then (i32.store8 (i32.const {ANSWER}) (i32.const 1)))
               (else (i32.store8 (i32.const {ANSWER}) (i32.const 0))))
             (i32.const {ANSWER})"
        ))
        .build();
    let plugin = admit(&guest).expect("admitted");
    // A problem whose reason is 0, `unsupported`: the file is skipped.
    let first = run_plugin(plugin.clone(), &generous(), FILES, 1).files;
    assert_ne!(first, [FileState::Analysed]);
    assert_eq!(run_plugin(plugin.clone(), &generous(), FILES, 1).files, first, "a scan later");
    let both = run_plugin(plugin, &generous(), &[("a", b"1"), ("b", b"2")], 1).files;
    assert_eq!(both, [first[0], FileState::Analysed], "the twin is called twice within one scan");
}

#[test]
fn case_015_memory_is_all_zero_after_another_tenants_secret() {
    // `W` takes a MiB, writes all of it and sets a global and a table; anything else looks for what is
    // left: it reads its memory, what it can take of new memory, the global and the table.
    let guest = Guest::files()
        .items("(global $secret (mut i64) (i64.const 0)) (table $t 4 funcref) (func $f) (elem declare func $f)")
        .scan(format!(
            "(local $at i32)
             (drop (memory.grow (i32.const 16)))
             (if (i32.eq (i32.load8_u (local.get 2)) (i32.const 87))
               (then
                 (memory.fill (i32.const 262144) (i32.const 0xa5) (i32.const 0x100000))
                 (global.set $secret (i64.const -1))
                 (table.set $t (i32.const 3) (ref.func $f)))
               (else
                 (if (i64.ne (global.get $secret) (i64.const 0)) (then unreachable))
                 (if (i32.eqz (ref.is_null (table.get $t (i32.const 3)))) (then unreachable))
                 (local.set $at (i32.const 262144))
                 (loop $next
                   (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then unreachable))
                   (local.set $at (i32.add (local.get $at) (i32.const 8)))
                   (br_if $next (i32.lt_u (local.get $at) (i32.const 1310720))))))
             (i32.const {ANSWER})"
        ))
        .build();
    let plugin = admit(&guest).expect("admitted");
    for round in 0..10_000 {
        assert_eq!(answer(&plugin, b"Write"), Ok(0));
        assert_eq!(answer(&plugin, b"read"), Ok(0), "round {round}");
    }
    let twin = block_on(async {
        let mut instance = plugin.instantiate(&generous(), None, None).await.expect("an instance");
        scan_file(&mut instance, b"Write").await.expect("written");
        scan_file(&mut instance, b"read").await
    });
    assert_eq!(twin, Err(CallReason::Trap), "the twin reads what it wrote itself");
}
