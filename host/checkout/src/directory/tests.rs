#![allow(clippy::disallowed_methods, reason = "tests prepare and inspect trees from outside")]

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixListener;

use certus_model::limits::WorkspaceLimits;
use certus_model::outcome::CheckoutReason;
use certus_model::workspace::Workspace as _;

use super::*;
use crate::testing::{Sandbox, listing, reason};

#[test]
fn everything_is_seen_but_git_and_what_has_no_content() {
    let sandbox = Sandbox::new();
    sandbox.write("t/.hidden/.env", "secret");
    sandbox.write("t/.gitignore", "ignored");
    sandbox.write("t/ignored", "seen");
    sandbox.write("t/vendor/.git/config", "not content");
    sandbox.write("t/sub/.git", "gitdir: elsewhere");
    sandbox.executable("t/run", "#!");
    sandbox.write("outside", "never read");
    sandbox.link("t/absolute", "/proc/self/environ");
    sandbox.link("t/parent", "../outside");
    sandbox.link("t/loop", "loop");
    sandbox.link("t/up", "..");
    rustix::fs::mkfifoat(rustix::fs::CWD, sandbox.path("t/pipe"), rustix::fs::Mode::RWXU).unwrap();
    let _socket = UnixListener::bind(sandbox.path("t/socket")).unwrap();
    let checkout = sandbox.checkout("dir:{}/t").unwrap();
    let text = |path: &str, kind, content: &str| (path.to_owned(), kind, content.to_owned());
    assert_eq!(
        listing(&checkout),
        [
            text(".gitignore", EntryKind::File, "ignored"),
            text(".hidden/.env", EntryKind::File, "secret"),
            text("absolute", EntryKind::Symlink, "/proc/self/environ"),
            text("ignored", EntryKind::File, "seen"),
            text("loop", EntryKind::Symlink, "loop"),
            text("parent", EntryKind::Symlink, "../outside"),
            text("run", EntryKind::Executable, "#!"),
            text("up", EntryKind::Symlink, ".."),
        ]
    );
    assert_eq!(checkout.record.kind(), "directory");
}

#[test]
fn case_073_names_are_bytes_and_come_back() {
    let sandbox = Sandbox::new();
    sandbox.write("t/plain", "x");
    let raw: [&[u8]; 5] = [b"a\x1b[2J", b"b\nc", b"\xff\xfe", "e\u{301}".as_bytes(), "\u{e9}".as_bytes()];
    for name in raw {
        std::fs::write(sandbox.path("t").join(OsStr::from_bytes(name)), "x").unwrap();
    }
    let checkout = sandbox.checkout("{}/t").unwrap();
    let mut names: Vec<_> = checkout.workspace.entries().iter().map(|entry| entry.path.to_bytes()).collect();
    names.sort();
    let mut expected: Vec<_> = raw.iter().map(|name| name.to_vec()).chain([b"plain".to_vec()]).collect();
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn the_digest_is_a_function_of_the_content() {
    let sandbox = Sandbox::new();
    for tree in ["one", "two"] {
        sandbox.write(&format!("{tree}/a"), "1");
        sandbox.write(&format!("{tree}/b/c"), "2");
    }
    std::fs::create_dir(sandbox.path("two/empty")).unwrap();
    let digest = |text| sandbox.checkout(text).unwrap().tree_digest;
    let before = digest("{}/one");
    assert_eq!(before, digest("{}/two"));
    sandbox.executable("two/a", "1");
    assert_ne!(before, digest("{}/two"));
    sandbox.write("one/a", "3");
    assert_ne!(before, digest("{}/one"));
}

#[test]
fn case_076_budgets_hold_before_anything_is_read() {
    let sandbox = Sandbox::new();
    for number in 0..20 {
        sandbox.write(&format!("wide/d/{number}"), "x");
    }
    sandbox.write(&format!("deep/{}f", "d/".repeat(64)), "x");
    let huge = std::fs::File::create(sandbox.write("huge/sparse", "")).unwrap();
    huge.set_len(1 << 40).unwrap();
    let limits = |change: fn(&mut WorkspaceLimits)| {
        let mut limits = WorkspaceLimits::default();
        change(&mut limits);
        limits
    };
    let check = |text, limits: &WorkspaceLimits| reason(sandbox.checkout_at(text, None, limits));
    assert_eq!(check("{}/wide", &limits(|limits| limits.entries = 20)), CheckoutReason::TreeBudget);
    assert_eq!(check("{}/wide", &limits(|limits| limits.directory_entries = 19)), CheckoutReason::TreeBudget);
    assert_eq!(check("{}/wide", &limits(|limits| limits.total = 19)), CheckoutReason::FileBudget);
    assert_eq!(check("{}/deep", &limits(|_| {})), CheckoutReason::TreeBudget);
    assert_eq!(check("{}/huge", &limits(|_| {})), CheckoutReason::FileBudget);
    let exact = limits(|limits| (limits.entries, limits.directory_entries, limits.total) = (21, 20, 20));
    sandbox.checkout_at("{}/wide", None, &exact).unwrap();
}

#[test]
fn refusals_name_what_they_refuse() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("empty")).unwrap();
    assert_eq!(reason(sandbox.checkout("{}/empty")), CheckoutReason::Empty);
    sandbox.write("odd/.GIT/config", "x");
    let error = sandbox.checkout("{}/odd").unwrap_err();
    assert!(error.to_string().contains("`.GIT`"), "{error}");
    assert_eq!(error.reason(), Some(CheckoutReason::Fsck));
    let error = sandbox.checkout_at("{}/odd", Some("main"), &WorkspaceLimits::default());
    assert_eq!(reason(error), CheckoutReason::UnknownRef);
}
