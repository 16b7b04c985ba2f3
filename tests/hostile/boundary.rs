//! B. The component boundary: what a guest hands over, and when.

use certus_model::coverage::RunStatus;
use certus_model::limits::Limits;
use certus_model::outcome::CallReason;

use super::execution::{FILES, failed, generous};
use crate::support::guest::{ANSWER, DATA, Guest};
use crate::support::process::{alone, handles, peak_of};
use crate::support::{admit, block_on, dropped_half_way, run, run_plugin, scan_file, struck};

/// A guest whose one finding `spoil` has had in hand.
fn spoilt(spoil: impl FnOnce(&mut [u8])) -> Guest {
    Guest::files().rule("").spoilt("a.txt", spoil)
}

/// Writes the address and the length of a text or list.
fn put(record: &mut [u8], at: usize, address: u32, length: u32) {
    record[at..at + 4].copy_from_slice(&address.to_le_bytes());
    record[at + 4..at + 8].copy_from_slice(&length.to_le_bytes());
}

/// Asserts that each guest is contained for `reason`, and that the untouched one passes.
fn contained(reason: CallReason, guests: impl IntoIterator<Item = (&'static str, Guest)>) {
    for (name, guest) in guests {
        let ended = run(&guest.build(), &Limits::default(), FILES);
        assert_eq!((ended.status, ended.findings.len()), (failed(reason), 0), "{name}");
    }
    let twin = run(&spoilt(|_| {}).build(), &Limits::default(), FILES);
    assert_eq!((twin.status, twin.findings.len()), (RunStatus::Complete, 1), "the twin is not spoilt");
}

#[test]
fn case_020_texts_and_lists_that_break_the_binary_form() {
    let texts: [(_, &[u8]); 4] = [
        ("a lone byte above ASCII", b"\xff"),
        ("an over-long zero", b"\xc0\x80"),
        ("a surrogate", b"\xed\xa0\x80"),
        ("a cut sequence", b"\xe2\x82"),
    ];
    contained(
        CallReason::BadAbi,
        texts.map(|(name, text)| {
            let guest = spoilt(|r| put(r, 0, 8192, text.len() as u32));
            (name, guest.data(8192, text))
        }),
    );
    contained(
        CallReason::BadAbi,
        [
            ("a text out of bounds", spoilt(|r| put(r, 0, 0xffff_fff0, 2))),
            ("a text of 2^31 bytes", spoilt(|r| put(r, 0, DATA, 1 << 31))),
            ("a text of 2^32 - 1 bytes", spoilt(|r| put(r, 0, DATA, u32::MAX))),
            ("a text that ends one byte beyond", spoilt(|r| put(r, 0, DATA, (4 << 16) - DATA + 1))),
            ("a list out of bounds", spoilt(|r| put(r, 48, 0xffff_fff0, 1))),
            ("a list not aligned", spoilt(|r| put(r, 48, 4, 1))),
            ("a list of 2^31", spoilt(|r| put(r, 56, 8192, 1 << 31))),
            ("a list whose size wraps", spoilt(|r| put(r, 48, 8192, (1 << 28) + 1))),
            ("the answer's list not aligned", spoilt(|_| {}).list(DATA + 4100, 1)),
            ("the answer's list of 2^31", spoilt(|_| {}).list(DATA + 4096, 1 << 31)),
            ("the answer out of bounds", spoilt(|_| {}).scan("(i32.const -8)")),
            ("the answer at the last byte", spoilt(|_| {}).scan("(i32.const 0x3ffff)")),
            ("the answer not aligned", spoilt(|_| {}).scan(format!("(i32.const {})", ANSWER + 1))),
        ],
    );
}

#[test]
fn case_020_memory_that_realloc_gives_is_checked() {
    contained(
        CallReason::BadAbi,
        [
            ("out of bounds", spoilt(|_| {}).realloc("(return (i32.const -16))")),
            ("at the very end", spoilt(|_| {}).realloc("(return (i32.const 0x40000))")),
        ],
    );
    // Zero is an address like any other: the guest may hand out what it likes of its own.
    let zero = spoilt(|_| {}).realloc("(return (i32.const 0))").build();
    assert!(matches!(run(&zero, &Limits::default(), FILES).status, RunStatus::Complete));
}

#[test]
fn case_021_discriminants_out_of_range() {
    contained(
        CallReason::BadAbi,
        [
            ("result", spoilt(|_| {}).data(ANSWER, &[2])),
            ("result, the highest", spoilt(|_| {}).data(ANSWER, &[255])),
            ("revision", spoilt(|r| r[16] = 2)),
            ("option of a span", spoilt(|r| r[24] = 2)),
            ("confidence", spoilt(|r| r[72] = 3)),
            ("option of a severity", spoilt(|r| r[73] = 7)),
            ("severity", spoilt(|r| r[73..75].copy_from_slice(&[1, 5]))),
            ("value of a parameter", {
                let guest = spoilt(|r| put(r, 64, 8192, 1));
                guest.data(8192 + 8, &[4])
            }),
            ("reason of a problem", spoilt(|_| {}).data(ANSWER, &[1, 0, 0, 0, 0, 0, 0, 0, 4])),
        ],
    );
}

/// A finding whose rule claims 200 MiB of the guest's memory, which is nothing but zeros.
fn large_text() -> Guest {
    Guest::files().pages(3300).rule("").spoilt("a.txt", |r| put(r, 0, 1 << 20, 200 << 20))
}

#[test]
fn case_022_one_large_string_is_too_much_data() {
    alone("hostile::boundary::case_022_one_large_string_is_too_much_data", || {
        let plugin = admit(&large_text().build()).expect("admitted");
        let peak = peak_of(|| {
            let ended = run_plugin(plugin.clone(), &Limits::default(), FILES, 1);
            assert_eq!(ended.status, failed(CallReason::TooMuchData));
        });
        println!("case 022: {peak} KiB of host memory at the most");
        assert!(peak < 8 << 10, "{peak} KiB");
        let off = Limits { file_transfer: 1 << 30, ..Limits::default() };
        let twin = run_plugin(plugin, &off, FILES, 1);
        assert_eq!(
            (twin.status, twin.refused.undeclared_rule),
            (RunStatus::Incomplete, 1),
            "it arrives and is no rule"
        );
    });
}

#[test]
fn case_023_four_million_empty_strings_are_too_much_data() {
    alone("hostile::boundary::case_023_four_million_empty_strings_are_too_much_data", || {
        // A finding with four million parameters, and a dependency with four million licences: all zeros.
        let parameters = Guest::files().pages(3500).rule("").spoilt("a.txt", |r| put(r, 64, 1 << 20, 4_000_000));
        let mut dependency = [0; 104];
        put(&mut dependency, 60, 1 << 20, 4_000_000);
        let answer = [0_u32, 0, 0, 0, DATA, 1].map(u32::to_le_bytes).concat();
        let licences = Guest::tree().pages(600).data(DATA, &dependency).data(ANSWER + 8, &answer);
        for (name, guest) in [("parameters", parameters), ("licences", licences)] {
            let plugin = admit(&guest.build()).expect("admitted");
            let peak = peak_of(|| {
                let ended = run_plugin(plugin.clone(), &Limits::default(), FILES, 1);
                assert_eq!(ended.status, failed(CallReason::TooMuchData), "{name}");
            });
            println!("case 023: {name}: {peak} KiB of host memory at the most");
            assert!(peak < 8 << 10, "{name}: {peak} KiB");
            let off = Limits { file_transfer: 2 << 30, tree_transfer: 2 << 30, ..Limits::default() };
            let twin = run_plugin(plugin, &off, FILES, 1);
            assert_eq!(twin.status, RunStatus::Incomplete, "{name}: they arrive and are refused");
        }
    });
}

#[test]
fn case_024_a_call_that_is_dropped_half_way_leaves_nothing() {
    alone("hostile::boundary::case_024_a_call_that_is_dropped_half_way_leaves_nothing", || {
        let endless = Guest::files().scan(format!("(loop $again (br $again)) (i32.const {ANSWER})")).build();
        let plugin = admit(&endless).expect("admitted");
        let limits = generous();
        let drop_calls = |count: usize| {
            block_on(async {
                let mut instances = Vec::new();
                for _ in 0..count {
                    instances.push(plugin.instantiate(&limits, None, None).await.expect("an instance"));
                }
                // Each has lived through a tick, so it yields as soon as it runs.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                for mut instance in instances {
                    assert!(dropped_half_way(scan_file(&mut instance, b"x")).await, "it has not ended");
                    assert_eq!(
                        scan_file(&mut instance, b"x").await,
                        Err(CallReason::Trap),
                        "and can not be called again"
                    );
                }
            });
        };
        drop_calls(500);
        let before = handles();
        for _ in 0..20 {
            drop_calls(500);
        }
        assert_eq!(handles(), before, "open files and threads");
        // The twin is not dropped: its own deadline ends it.
        let limits = Limits { call_deadline: std::time::Duration::from_millis(50), ..generous() };
        let ended = block_on(async {
            let mut instance = plugin.instantiate(&limits, None, None).await.expect("an instance");
            scan_file(&mut instance, b"x").await
        });
        assert_eq!(ended, Err(CallReason::Deadline));
    });
}

const LOG: &str = "(import \"certus:scanner/log@0.1.0\" \"write\" (func $log (param i32 i32 i32)))";
const LOGS: &str = "(call $log (i32.const 0) (i32.const 0) (i32.const 2))";

#[test]
fn case_027_an_import_called_from_realloc_is_contained() {
    let logging = || Guest::files().imports(LOG).manifest("[capabilities.log]\nreason = \"a test\"");
    let inside = logging().realloc(LOGS).build();
    assert_eq!(run(&inside, &Limits::default(), FILES).status, failed(CallReason::BadAbi));
    let outside = logging().scan(format!("{LOGS} (i32.const {ANSWER})")).build();
    assert_eq!(run(&outside, &Limits::default(), FILES).status, RunStatus::Complete);
}

#[test]
fn case_027_an_import_called_from_realloc_within_an_import_is_contained() {
    // The answer of `entries` is lowered by the host while the guest is inside its own import.
    let entries =
        "(import \"certus:scanner/workspace@0.1.0\" \"entries\" (func $entries (param i32 i32 i32 i32 i32 i32)))";
    let guest = |realloc: &str| {
        Guest::tree()
            .imports(format!("{LOG} {entries}"))
            .manifest("[capabilities.log]\nreason = \"a test\"")
            .realloc(realloc)
            .scan(format!(
                "(call $entries (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 10) (i32.const 2048))
                 (i32.const {ANSWER})"
            ))
            .build()
    };
    assert_eq!(run(&guest(LOGS), &Limits::default(), FILES).status, failed(CallReason::BadAbi));
    assert_eq!(run(&guest(""), &Limits::default(), FILES).status, RunStatus::Complete);
}

#[test]
fn case_028_an_answer_that_was_never_written_is_garbage_and_refused() {
    // The address of an answer that nobody wrote: whatever lies there is lifted and checked.
    for (name, garbage) in [("ones", [0xff; 128]), ("text", [b'a'; 128]), ("small numbers", [1; 128])] {
        let guest = Guest::files().rule("").data(8192, &garbage).scan("(i32.const 8192)").build();
        assert_eq!(run(&guest, &Limits::default(), FILES).status, failed(CallReason::BadAbi), "{name}");
    }
    // Garbage that has the form of a finding: its texts are what happens to lie there.
    let stray = spoilt(|r| {
        put(r, 0, 64, 16);
        put(r, 8, 96, 16);
    });
    let ended = run(&stray.build(), &Limits::default(), FILES);
    assert_eq!((ended.status, ended.findings.len(), ended.refused.undeclared_rule), (RunStatus::Incomplete, 0, 1));
    contained(CallReason::BadAbi, []);
}

#[test]
fn a_guest_that_is_struck_while_it_is_made_gives_no_instance() {
    let traps = Guest::files().items("(func $first unreachable) (start $first)").build();
    let plugin = admit(&traps).expect("admitted");
    let made = block_on(plugin.instantiate(&generous(), None, None));
    assert_eq!(made.map(|_| ()).map_err(struck), Err(CallReason::Trap));
}
