//! A and B. WASI: sleeping, handles, exit, output, randomness, clocks, the environment.

use std::time::{Duration, Instant};

use certus_model::coverage::RunStatus;
use certus_model::limits::Limits;
use certus_model::outcome::CallReason;

use crate::support::guest::Guest;
use crate::support::home::{Home, ended};
use crate::support::process::{alone, handles, peak_of};
use crate::support::wasi::{Arg, Ran, Wasi, generous, run};

/// Nanoseconds.
const MILLISECOND: u64 = 1_000_000;

fn sleeps(nanoseconds: u64) -> Wasi {
    Wasi::default().wat(format!("(call $block (call $subscribe-duration (i64.const {})))", nanoseconds as i64))
}

#[test]
fn case_005_sleeping_for_ever_meets_the_deadline() {
    let reason = |nanoseconds, deadline| {
        let limits = Limits { call_deadline: Duration::from_millis(deadline), ..generous() };
        sleeps(nanoseconds).run(&limits, None).reason()
    };
    let started = Instant::now();
    for never in [u64::MAX, 3600 * 1000 * MILLISECOND] {
        assert_eq!(reason(never, 100), Some(CallReason::Deadline), "{never} ns");
    }
    assert!(started.elapsed() < Duration::from_secs(30), "a sleep was waited for");
    for ready in [0, 1, 20 * MILLISECOND] {
        assert_eq!(reason(ready, 10_000), None, "the twin sleeps {ready} ns");
    }
    assert_eq!(reason(500 * MILLISECOND, 100), Some(CallReason::Deadline));
    assert_eq!(reason(500 * MILLISECOND, 60_000), None, "without the limit it wakes up");
}

#[test]
fn case_005_a_sleeper_leaves_no_thread_behind() {
    alone("hostile::wasi::case_005_a_sleeper_leaves_no_thread_behind", || {
        let limits = Limits { call_deadline: Duration::from_millis(20), ..generous() };
        let endless = crate::support::admit(&sleeps(u64::MAX).build()).expect("the guest is admitted");
        let before = handles();
        for _ in 0..50 {
            assert_eq!(run(&endless, &limits, None).reason(), Some(CallReason::Deadline));
        }
        assert_eq!(handles(), before, "files and threads");
    });
}

/// What a guest may hold: a name, and the WAT that makes one more.
fn hoarders() -> Vec<(&'static str, Wasi, String)> {
    let with = |arguments: &[Arg<'_>]| {
        let mut guest = Wasi::default().open("a.txt");
        let arguments = guest.arguments(arguments);
        (guest, arguments)
    };
    let (file, opens) = with(&[Arg::Root, Arg::Int(0), Arg::Text("a.txt"), Arg::Int(0), Arg::Int(1)]);
    let (stream, streams) = with(&[Arg::Handle, Arg::Long(0)]);
    let (listing, listings) = with(&[Arg::Root]);
    let checked = "(if (i32.load8_u (i32.const 512)) (then unreachable))";
    vec![
        ("descriptors", file, format!("(call $open-at {opens} (i32.const 512)) {checked}")),
        ("streams", stream, format!("(call $read-via-stream {streams} (i32.const 512)) {checked}")),
        ("listings", listing, format!("(call $read-directory {listings} (i32.const 512)) {checked}")),
        ("pollables", Wasi::default(), "(drop (call $subscribe-duration (i64.const 1)))".to_owned()),
        ("outputs", Wasi::default(), "(drop (call $get-stdout))".to_owned()),
    ]
}

#[test]
fn case_025_a_million_handles_are_stopped_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "hello").unwrap();
    for (name, guest, one) in hoarders() {
        let ran = guest.repeat(1_000_000, one).run(&generous(), Some(folder.path()));
        assert_eq!(ran.reason(), Some(CallReason::Handles), "{name}: {:?}", ran.struck);
    }
    for (name, guest, one) in hoarders() {
        let ran = guest.repeat(400, one).run(&generous(), Some(folder.path()));
        assert_eq!(ran.struck, None, "the twin holds 400 {name}");
    }
}

#[test]
fn case_025_a_few_thousand_handles_are_held_without_the_limit() {
    let hold = |limits: &Limits| {
        let one = "(drop (call $subscribe-duration (i64.const 1)))";
        Wasi::default().repeat(3_000, one).run(limits, None).reason()
    };
    assert_eq!(hold(&generous()), Some(CallReason::Handles));
    assert_eq!(hold(&Limits { handles: 100_000, ..generous() }), None);
}

#[test]
fn case_025_open_files_are_not_taken_from_the_host() {
    let home = Home::new();
    home.write("repo/a.txt", "hello");
    for (held, code) in [(1_000, 0), (2_000, 3)] {
        let (_, guest, one) = hoarders().swap_remove(0);
        let plugin = home.write("guest.wasm", guest.repeat(held, one).build());
        let mut shell = std::process::Command::new("sh");
        let certus = home.command();
        shell.args(["-c", "ulimit -Sn 64; exec \"$@\"", "sh"]).arg(certus.get_program());
        shell.args(["scan", "dir:repo", "--profile", "none", "--force", "--out", "out", "--plugin"]).arg(plugin);
        let variables = certus.get_envs().filter_map(|(name, value)| value.map(|value| (name, value)));
        shell.env_clear().envs(variables).current_dir(home.path(""));
        let ended = ended(shell.output().expect("a shell"));
        assert_eq!(ended.code, code, "{held} open files: {}", ended.stderr);
    }
}

#[test]
fn case_026_handles_that_are_not_there_are_contained() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "hello").unwrap();
    let stat = "(call $stat (local.get $h) (i32.const 512))";
    let drop_it = "(call $drop-descriptor (local.get $h))";
    let pollable = "(local.set $h (call $subscribe-duration (i64.const 0)))";
    let file = || Wasi::default().open("a.txt");
    let cases = [
        ("used after drop", file().wat(drop_it).wat(stat)),
        ("dropped twice", file().wat(drop_it).wat(drop_it)),
        ("handle 0", Wasi::default().wat("(call $stat (i32.const 0) (i32.const 512))")),
        ("handle 2^32 - 1", Wasi::default().wat("(call $stat (i32.const -1) (i32.const 512))")),
        ("handle 0 dropped", Wasi::default().wat("(call $drop-descriptor (i32.const 0))")),
        ("handle 2^32 - 1 dropped", Wasi::default().wat("(call $drop-descriptor (i32.const -1))")),
        ("of another type", Wasi::default().wat(pollable).wat(stat)),
        ("dropped as another type", Wasi::default().wat(pollable).wat(drop_it)),
        (
            "waited for after drop",
            Wasi::default().wat(pollable).wat("(call $drop-pollable (local.get $h)) (call $block (local.get $h))"),
        ),
        (
            "a parent before its child",
            Wasi::default().wat(
                "(local.set $h (call $get-stdout)) (call $stream-read (local.get $h) (i64.const 1) (i32.const 512))",
            ),
        ),
    ];
    for (name, guest) in cases {
        let ran = guest.run(&generous(), Some(folder.path()));
        assert_eq!(ran.reason(), Some(CallReason::BadAbi), "{name}: {:?}", ran.struck);
    }
    let twin = file().wat(stat).wat(drop_it).wat(pollable).wat("(call $drop-pollable (local.get $h))");
    assert_eq!(twin.run(&generous(), Some(folder.path())).struck, None);
}

#[test]
fn case_029_exit_is_contained_and_its_code_noted() {
    for code in [0, 1] {
        let ran = Wasi::default().wat(format!("(call $exit (i32.const {code}))")).run(&generous(), None);
        let (reason, note) = ran.struck.expect("an end");
        assert_eq!(reason, CallReason::Exit);
        assert!(note.contains(&format!("exit status {code}")), "{note}");
    }
    assert_eq!(Wasi::default().run(&generous(), None).struck, None, "the twin stays");
    let other = crate::support::run(&Guest::files().build(), &Limits::default(), &[("a.txt", b"hello")]);
    assert_eq!(other.status, RunStatus::Complete, "the host lives");
}

#[test]
fn case_030_output_is_kept_up_to_its_limit_and_counted() {
    const GIB: u64 = 1 << 30;
    alone("hostile::wasi::case_030_output_is_kept_up_to_its_limit_and_counted", || {
        let write = "(call $stream-write (local.get $h) (i32.const 131072) (i32.const 65536) (i32.const 512))";
        let floods = Wasi::default().wat("(local.set $h (call $get-stdout))").repeat(GIB >> 16, write);
        let mut ran = None;
        let taken = peak_of(|| ran = Some(floods.run(&generous(), None)));
        let Ran { struck, log, .. } = ran.expect("a run");
        assert_eq!(struck, None);
        assert_eq!((log.total(), log.kept()), (GIB, 64 << 10));
        assert!(taken < 64 << 10, "1 GiB of output took {taken} KiB");
        let off = Limits { log: 1 << 20, ..generous() };
        assert_eq!(floods.run(&off, None).log.kept(), 1 << 20, "as much is kept as the limit says");

        let empty = "(call $stream-write (local.get $h) (i32.const 0) (i32.const 0) (i32.const 512))";
        let chatters = Wasi::default().wat("(local.set $h (call $get-stdout))").repeat(10_000_000, empty);
        let mut ran = None;
        let taken = peak_of(|| ran = Some(chatters.run(&generous(), None)));
        let ran = ran.expect("a run");
        assert_eq!((ran.struck, ran.log.total()), (None, 0));
        assert!(taken < 64 << 10, "10 million empty writes took {taken} KiB");
    });
}

#[test]
fn case_030_what_a_terminal_would_obey_is_escaped() {
    let mut guest = Wasi::default();
    let text = guest.arguments(&[Arg::Text("\u{1b}[2Jred\rerror: forged \u{1b}]8;;x\u{7}")]);
    let ran = guest.wat(format!("(call $say-bytes {text})")).run(&generous(), None);
    let [line] = ran.lines.as_slice() else { panic!("one line, not {:?}", ran.lines) };
    assert!(!line.contains(char::is_control), "{line:?}");
    assert!(line.contains("red") && line.contains("forged"), "{line}");
    let plain = Wasi::default().number("(i64.const 7)").run(&generous(), None);
    assert_eq!(plain.lines, ["0000000000000007"], "the twin is shown as it is");
}

#[test]
fn case_031_randomness_is_bounded_and_repeats() {
    let asks = |bytes: i64| Wasi::default().wat(format!("(call $random-bytes (i64.const {bytes}) (i32.const 512))"));
    for too_many in [i64::MIN, -1, 100 << 10] {
        let ran = asks(too_many).run(&generous(), None);
        assert_eq!(ran.reason(), Some(CallReason::BadAbi), "{too_many}: {:?}", ran.struck);
    }
    let off = Limits { random: 1 << 20, ..generous() };
    assert_eq!(asks(100 << 10).run(&off, None).struck, None);
    let draws = || {
        let guest = asks(32).bytes("(i32.load (i32.const 512))", "(i32.load (i32.const 516))");
        let guest = guest.number("(call $random-u64)").number("(call $insecure-u64)");
        let guest = guest.wat("(call $insecure-seed (i32.const 512))").number("(i64.load (i32.const 512))");
        guest.run(&generous(), None).lines
    };
    let first = draws();
    assert!(first.len() > 3, "{first:?}");
    assert_eq!(draws(), first);
}

#[test]
fn case_032_clocks_stand_still() {
    let read = |guest: Wasi| {
        let wall = "(call $wall-now (i32.const 512))";
        let guest = guest.number("(call $now)").wat(wall).number("(i64.load (i32.const 512))");
        guest.number("(i64.extend_i32_u (i32.load (i32.const 520)))")
    };
    let slept = "(call $block (call $subscribe-duration (i64.const 30000000)))";
    let ran = read(read(Wasi::default()).wat(slept)).run(&generous(), None);
    assert_eq!(ran.lines, ["0000000000000000"; 6]);
    // A sleep that is only asked about never passes: how often it says no would be a clock.
    let spins = Wasi::default()
        .wat("(local.set $h (call $subscribe-duration (i64.const 1)))")
        .repeat(100_000, "(if (call $ready (local.get $h)) (then unreachable))");
    assert_eq!(spins.run(&generous(), None).struck, None);
    let waited = Wasi::default()
        .wat("(local.set $h (call $subscribe-duration (i64.const 1))) (call $block (local.get $h))")
        .number("(i64.extend_i32_u (call $ready (local.get $h)))");
    assert_eq!(waited.run(&generous(), None).lines, ["0000000000000001"], "once waited for, it is over");
}

#[test]
fn case_033_environment_arguments_and_folder_are_empty() {
    let count = "(i64.extend_i32_u (i32.load (i32.const 516)))";
    let ran = Wasi::default()
        .wat("(call $get-environment (i32.const 512))")
        .number(count)
        .wat("(call $get-arguments (i32.const 512))")
        .number(count)
        .wat("(call $initial-cwd (i32.const 512))")
        .number("(i64.extend_i32_u (i32.load8_u (i32.const 512)))")
        .run(&generous(), None);
    assert_eq!(ran.lines, ["0000000000000000"; 3]);
}
