//! C. Large directories, special files, offsets and times: at checkout, and under a WASI guest.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use certus_checkout::{Checkout, Git, Scratch, Source, SourcePolicy};
use certus_model::limits::{Limits, WorkspaceLimits};
use certus_model::outcome::{CallReason, CheckoutReason};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::filesystem::{opens, planted, reads, root};
use crate::support::process::{alone, peak_of, resident};
use crate::support::wasi::{Arg, Wasi, generous};

/// Seals a directory as `certus scan` does.
fn seal(folder: &Path, limits: &WorkspaceLimits) -> Result<Checkout, certus_checkout::Error> {
    let home = tempfile::tempdir().unwrap();
    let scratch = Scratch::open(home.path()).unwrap();
    let source = Source::parse(&format!("dir:{}", folder.display()), SourcePolicy::Any).unwrap();
    certus_checkout::checkout(&source, None, limits, &scratch, &Git::new("git", ""), &AtomicBool::new(false))
}

#[test]
fn case_037_one_directory_too_large_is_refused_at_checkout() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..20_000 {
        std::fs::write(folder.path().join(format!("{number}")), "").unwrap();
    }
    assert!(seal(folder.path(), &WorkspaceLimits::default()).is_ok(), "the twin holds 20,000");
    std::fs::write(folder.path().join("one-more"), "").unwrap();
    let refused = seal(folder.path(), &WorkspaceLimits::default()).unwrap_err();
    assert_eq!(refused.reason(), Some(CheckoutReason::TreeBudget), "{refused}");
    let off = WorkspaceLimits { directory_entries: u64::MAX, ..WorkspaceLimits::default() };
    assert!(seal(folder.path(), &off).is_ok());
}

#[test]
fn case_038_specials_in_the_source_hold_nothing_up_and_sparse_files_are_refused() {
    let folder = planted();
    for (name, kind) in [("pipe", FileType::Fifo), ("socket", FileType::Socket)] {
        mknodat(CWD, root(&folder).join(name), kind, Mode::RWXU, 0).unwrap();
    }
    let sealed = seal(&root(&folder), &WorkspaceLimits::default()).unwrap();
    let paths: Vec<_> =
        certus_model::workspace::Workspace::entries(&sealed.workspace).iter().map(|e| e.path.to_string()).collect();
    assert_eq!(paths, ["d/y", "x"], "what has no content is left out");
    std::fs::File::create(root(&folder).join("sparse")).unwrap().set_len(1 << 40).unwrap();
    let refused = seal(&root(&folder), &WorkspaceLimits::default()).unwrap_err();
    assert_eq!(refused.reason(), Some(CheckoutReason::FileBudget), "{refused}");
}

/// Opens the listing of `/` and leaves it open.
const LISTS: &str =
    "(call $read-directory (global.get $root) (i32.const 512)) (if (i32.load8_u (i32.const 512)) (then unreachable))";

#[test]
fn case_037_listings_held_open_are_bounded_together() {
    alone("hostile::inodes::case_037_listings_held_open_are_bounded_together", || {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..20_000 {
            std::fs::write(folder.path().join(format!("{number:05}-a-name-of-some-length.txt")), "").unwrap();
        }
        let list = |times: u64, limits: &Limits| Wasi::default().repeat(times, LISTS).run(limits, Some(folder.path()));
        let (mut reason, before) = (None, resident());
        let taken = peak_of(|| reason = list(1_000, &generous()).reason());
        assert_eq!(reason, Some(CallReason::Handles));
        assert!(taken < 64 << 10, "the listings took {taken} KiB");
        println!("case 037: listings held open took {taken} KiB");
        assert!(resident().saturating_sub(before) < 32 << 10, "and what they took was given back");
        assert_eq!(list(10, &generous()).struck, None, "the twin holds as many entries as a workspace has");
        assert_eq!(list(11, &generous()).reason(), Some(CallReason::Handles));
        assert_eq!(list(11, &Limits { listed: 1_000_000, ..generous() }).struck, None);
        let closes = format!("{LISTS} (call $drop-listing (i32.load (i32.const 516)))");
        let walks = Wasi::default().repeat(50, closes).run(&generous(), Some(folder.path()));
        assert_eq!(walks.struck, None, "what is closed is given back");
    });
}

#[test]
fn case_037_a_listing_is_in_order_whatever_the_disk_says() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b", "a", "é", "B", "c"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let entry = "(call $read-directory-entry (local.get $h) (i32.const 512))";
    let said = "(call $say-bytes (i32.load (i32.const 524)) (i32.load (i32.const 528)))";
    let ran = Wasi::default()
        .wat(format!("{LISTS} (local.set $h (i32.load (i32.const 516)))"))
        .repeat(5, format!("{entry} {said}"))
        .run(&generous(), Some(folder.path()));
    assert_eq!(ran.lines, ["Babcé"]);
}

#[test]
fn case_038_planted_specials_are_never_opened_to_be_read() {
    let folder = planted();
    let make = |name: &str, kind, device| mknodat(CWD, root(&folder).join(name), kind, Mode::RWXU, device);
    make("pipe", FileType::Fifo, 0).unwrap();
    make("socket", FileType::Socket, 0).unwrap();
    let mut planted = vec!["pipe", "socket"];
    match make("zero", FileType::CharacterDevice, rustix::fs::makedev(1, 5)) {
        Ok(()) => planted.push("zero"),
        Err(error) => println!("skipped: case 038: the device, which cannot be made here ({error})"),
    }
    // In bounds although the deadline were far away: opening them answers at once.
    for special in planted {
        let guest = opens(opens(Wasi::default(), special, 0), special, 1);
        let ran = guest.run(&generous(), Some(&root(&folder)));
        assert_eq!((ran.struck, ran.lines), (None, vec!["not-permitted".to_owned(); 2]), "{special}");
    }
    let sparse = std::fs::File::create(root(&folder).join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    let ran = reads(Wasi::default(), "x")
        .open("sparse")
        .wat("(call $read (local.get $h) (i64.const -1) (i64.const 0) (i32.const 512))")
        .number("(i64.extend_i32_u (i32.load (i32.const 520)))")
        .run(&generous(), Some(&root(&folder)));
    assert_eq!(ran.lines, ["inside", "0000000000010000"], "64 KiB at a time");
}

#[test]
fn case_039_reads_beyond_the_end_are_the_end() {
    let folder = planted();
    let guest = [(-1, -1), (1, -1), (-1, i64::MIN), (1, i64::MAX), (i64::MAX, 6), (1, 1 << 62)].iter().fold(
        Wasi::default().open("x"),
        |guest, (length, offset)| {
            // Nothing, and the end.
            guest
                .call("read", &[Arg::Handle, Arg::Long(*length), Arg::Long(*offset)], 4)
                .number("(i64.extend_i32_u (i32.load (i32.const 520)))")
                .number("(i64.extend_i32_u (i32.load8_u (i32.const 524)))")
        },
    );
    let ran = guest.run(&generous(), Some(&root(&folder)));
    assert_eq!(ran.struck, None);
    for answer in ran.lines.chunks(3) {
        assert_eq!(answer, ["ok", "0000000000000000", "0000000000000001"]);
    }
    let stream = "(call $stream-read (i32.load (i32.const 516)) (i64.const -1) (i32.const 512))";
    let streamed = Wasi::default()
        .open("x")
        .call("read-via-stream", &[Arg::Handle, Arg::Long(-1)], 4)
        .wat(stream)
        // An error, and that it is closed.
        .number("(i64.extend_i32_u (i32.add (i32.load8_u (i32.const 512)) (i32.load8_u (i32.const 516))))")
        .call("read-via-stream", &[Arg::Handle, Arg::Long(2)], 4)
        .wat(stream)
        .bytes("(i32.load (i32.const 516))", "(i32.load (i32.const 520))")
        .run(&generous(), Some(&root(&folder)));
    assert_eq!(streamed.lines, ["ok", "0000000000000002", "ok", "side"], "the twin reads what is there");
}

#[test]
fn case_040_times_are_neither_taken_nor_given() {
    let folder = planted();
    let early = SystemTime::UNIX_EPOCH - Duration::from_secs(86_400 * 365);
    std::fs::File::open(root(&folder).join("x")).unwrap().set_modified(early).unwrap();
    let nanoseconds = [-1, 1_000_000_000, i32::MAX];
    let guest = nanoseconds.iter().fold(Wasi::default().open("x"), |guest, nanoseconds| {
        let time = [
            Arg::Int(2),
            Arg::Long(-1),
            Arg::Int(*nanoseconds),
            Arg::Int(2),
            Arg::Long(i64::MIN),
            Arg::Int(*nanoseconds),
        ];
        guest.call("set-times", &[&[Arg::Handle], time.as_slice()].concat(), 1)
    });
    let none = |at: u32| format!("(i64.extend_i32_u (i32.load8_u (i32.const {})))", 512 + 8 + at);
    let guest = guest
        .call("stat", &[Arg::Handle], 8)
        .number(&none(24))
        .number(&none(48))
        .number(&none(72))
        .number("(i64.load (i32.const 536))");
    let ran = guest.run(&generous(), Some(&root(&folder)));
    let (zero, six) = ("0000000000000000", "0000000000000006");
    assert_eq!(ran.lines, ["not-permitted", "not-permitted", "not-permitted", "ok", zero, zero, zero, six]);
}
