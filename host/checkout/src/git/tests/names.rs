//! Names that no tree may hold, from a server that does not check what it sends.

use super::server::{ADDRESS, Asked, serving};
use super::*;

/// What the walk, which comes after git's own checks, makes of a name when these are switched off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ByWalk {
    Refused,
    /// Harmless where nothing is ever written under its own name.
    Taken,
}

/// Refuses a pack for one entry's name, and takes it when the name is another.
fn refused(entry: (&str, &[u8]), by_walk: ByWalk) {
    let sandbox = Sandbox::new();
    let limits = WorkspaceLimits::default();
    let hostile = serving(&[entry, ("100644", b"good")]);
    assert_eq!(reason(run(&sandbox, ADDRESS, &hostile.git(&sandbox), &limits)), CheckoutReason::Fsck);
    assert!(hostile.seen().iter().any(|request| request.asked == Asked::Pack), "the pack was asked for");

    let unchecked = hostile.git_with(&sandbox, "-c transfer.fsckObjects=false");
    match by_walk {
        ByWalk::Refused => assert_eq!(reason(run(&sandbox, ADDRESS, &unchecked, &limits)), CheckoutReason::Fsck),
        ByWalk::Taken => drop(run(&sandbox, ADDRESS, &unchecked, &limits).unwrap()),
    }

    let honest = serving(&[("100644", b"best"), ("100644", b"good")]);
    run(&sandbox, ADDRESS, &honest.git(&sandbox), &limits).unwrap();
}

#[test]
fn case_063_parent() {
    refused(("100644", b".."), ByWalk::Refused);
}

#[test]
fn case_064_git_folder() {
    refused(("40000", b".git"), ByWalk::Refused);
}

#[test]
fn case_065_git_folder_in_capitals() {
    refused(("40000", b".GIT"), ByWalk::Refused);
}

#[test]
fn case_066_path_out() {
    refused(("100644", b"../../x"), ByWalk::Refused);
}

#[test]
fn case_067_absolute_path() {
    refused(("100644", b"/abs/x"), ByWalk::Refused);
}

#[test]
fn case_068_short_name_of_the_git_folder() {
    refused(("40000", b"git~1"), ByWalk::Taken);
}

#[test]
fn case_069_gitmodules_as_a_link() {
    refused(("120000", b".gitmodules"), ByWalk::Taken);
}

#[test]
fn case_070_empty_name() {
    refused(("100644", b""), ByWalk::Refused);
}
