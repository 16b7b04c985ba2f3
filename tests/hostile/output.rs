//! E. What is kept of a run's answers, over all its calls.

use certus_model::PluginRun;
use certus_model::coverage::{FileState, RunStatus};
use certus_model::limits::Limits;
use certus_model::outcome::CallReason;

use super::execution::{failed, generous};
use crate::support::guest::{ANSWER, DATA, Guest};
use crate::support::{admit, run, run_plugin};

/// Bytes of text in each finding below.
const TEXT: u32 = 16 << 10;

const NOT_KEPT: FileState = FileState::Failed(CallReason::Output);

/// Answers every file with one finding that has 16 KiB of text; takes its time over a content that
/// begins with `S`, and has nothing to say of an empty one.
fn verbose() -> Vec<u8> {
    let (record, parameter, name) = (DATA + 4096, DATA + 8192, DATA + 100);
    // Its name, the case `text` (0), and where the text lies.
    let parameter_bytes = [name, 1, 0, 0, 1 << 16, TEXT].map(u32::to_le_bytes).concat();
    Guest::files()
        .rule("parameters = { t = \"text\" }")
        .spoilt("a.txt", |r| r[64..72].copy_from_slice(&[parameter, 1].map(u32::to_le_bytes).concat()))
        .data(parameter, &parameter_bytes)
        .data(name, b"t")
        .scan(format!(
            "(local $i i32)
             (i32.store (i32.const {}) (local.get 0))
             (i32.store (i32.const {}) (local.get 1))
             (i32.store (i32.const {}) (i32.ne (local.get 3) (i32.const 0)))
             (if (i32.eq (i32.load8_u (local.get 2)) (i32.const 83))
               (then (loop $again
                 (local.set $i (i32.add (local.get $i) (i32.const 1)))
                 (br_if $again (i32.lt_u (local.get $i) (i32.const 300000000))))))
             (i32.const {ANSWER})",
            record + 8,
            record + 12,
            ANSWER + 12
        ))
        .build()
}

#[test]
fn answers_beyond_what_is_kept_of_a_run_fail() {
    let plugin = admit(&verbose()).expect("admitted");
    let files: &[(&str, &[u8])] = &[("a", b"1"), ("b", b"2"), ("c", b""), ("d", b"4"), ("e", b"5"), ("f", b"")];
    let run = |output| run_plugin(plugin.clone(), &Limits { output, ..generous() }, files, 1);
    // Two fit; the third does not, and nothing is asked after it.
    let cut = run(u64::from(TEXT) * 5 / 2);
    let (ok, no) = (FileState::Analysed, NOT_KEPT);
    assert_eq!((cut.status, cut.findings.len()), (RunStatus::Incomplete, 2));
    assert_eq!(cut.files, [ok, ok, ok, no, no, no]);
    let nothing = run(u64::from(TEXT));
    assert_eq!((nothing.status, nothing.findings.len()), (failed(CallReason::Output), 0));
    let twin = run(Limits::default().output);
    assert_eq!((twin.status, twin.findings.len()), (RunStatus::Complete, 4));
}

#[test]
fn what_is_kept_does_not_depend_on_the_order_of_workers() {
    let plugin = admit(&verbose()).expect("admitted");
    let names: Vec<_> = (0..1_400).map(|i| format!("{i:04}")).collect();
    // The first shard is the last to end, so that what came before it has to make room.
    let content = |i| if i == 0 { b"S".as_slice() } else { b"x" };
    let files: Vec<_> = names.iter().enumerate().map(|(i, name)| (name.as_str(), content(i))).collect();
    let run = |output, jobs| run_plugin(plugin.clone(), &Limits { output, ..generous() }, &files, jobs);
    let kept = |run: &PluginRun| run.files.iter().filter(|state| **state == FileState::Analysed).count();
    // Within the first shard of 512, the second, the third.
    for (fit, least, most) in [(300, 290, 300), (700, 680, 700), (1_200, 1_170, 1_200)] {
        let output = fit * u64::from(TEXT);
        let one = run(output, 1);
        assert_eq!(one.status, RunStatus::Incomplete);
        assert!((least..=most).contains(&kept(&one)), "{} of {fit}", kept(&one));
        assert_eq!(one.findings.len(), kept(&one));
        assert!(one.files.is_sorted(), "what is kept comes first");
        for jobs in [2, 3] {
            let many = run(output, jobs);
            assert_eq!((many.status, &many.files, &many.uses), (one.status, &one.files, &one.uses), "{jobs} workers");
            assert_eq!(many.findings, one.findings, "{jobs} workers");
        }
    }
    let twin = run(Limits::default().output, 2);
    assert_eq!((twin.status, twin.findings.len()), (RunStatus::Complete, 1_400));
}

#[test]
fn a_tree_answer_beyond_what_is_kept_fails() {
    let files: &[(&str, &[u8])] = &[("a.txt", b"hello")];
    let guest = Guest::tree().rule("").reports("r", "a.txt", None).build();
    let cut = run(&guest, &Limits { output: 100, ..generous() }, files);
    assert_eq!((cut.status, cut.findings.len()), (failed(CallReason::Output), 0));
    let twin = run(&guest, &generous(), files);
    assert_eq!((twin.status, twin.findings.len()), (RunStatus::Complete, 1));
}

#[test]
fn names_that_a_guest_makes_up_count_as_output() {
    // Asks for a thousand files of long names that are not there.
    let guest = Guest::tree()
        .imports("(import \"certus:scanner/workspace@0.1.0\" \"read\" (func $read (param i32 i32 i32 i32)))")
        .data(4096, &[b'a'; 1_000])
        .scan(format!(
            "(local $i i32)
             (loop $again
               (i32.store8 (i32.const 4096) (i32.add (i32.const 97) (i32.rem_u (local.get $i) (i32.const 26))))
               (i32.store8 (i32.const 4097) (i32.add (i32.const 97) (i32.rem_u (i32.div_u (local.get $i) (i32.const 26)) (i32.const 26))))
               (i32.store8 (i32.const 4098) (i32.add (i32.const 97) (i32.div_u (local.get $i) (i32.const 676))))
               (call $read (i32.const 0) (i32.const 4096) (i32.const 1000) (i32.const 2048))
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if $again (i32.lt_u (local.get $i) (i32.const 1000))))
             (i32.const {ANSWER})"
        ))
        .build();
    let files: &[(&str, &[u8])] = &[("a.txt", b"hello")];
    let cut = run(&guest, &Limits { output: 100_000, ..generous() }, files);
    assert_eq!((cut.status, cut.uses.names()), (failed(CallReason::Output), 0));
    let twin = run(&guest, &generous(), files);
    assert_eq!(twin.status, RunStatus::Complete);
    assert!(twin.uses.names() > 500_000, "{}", twin.uses.names());
}
