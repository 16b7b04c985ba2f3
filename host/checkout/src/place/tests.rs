#![allow(clippy::disallowed_methods, reason = "tests prepare and inspect trees from outside")]

use std::io::Read as _;

use super::*;
use crate::testing::Sandbox;

/// A root with one file that is reached in many ways, and one outside.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("root/a/file", "inside");
    sandbox.write("outside/file", "outside");
    sandbox.link("root/near", "a/file");
    sandbox.link("root/a/back", "../a/file");
    sandbox.link("root/out", "../outside/file");
    sandbox.link("root/dir-out", "../outside");
    sandbox.link("root/absolute", "/etc/passwd");
    sandbox.link("root/self", "/proc/self/root/etc/passwd");
    sandbox.link("root/up", "..");
    sandbox.link("by-link", "root");
    sandbox
}

fn content(place: &Place) -> io::Result<String> {
    let mut content = String::new();
    place.open()?.read_to_string(&mut content)?;
    Ok(content)
}

#[test]
fn a_path_stays_in_its_root() {
    let sandbox = sandbox();
    for (row, path, reached) in [
        ("relative", "a/file", true),
        ("with dots", "./a/./file", true),
        ("absolute", "{}/root/a/file", true),
        ("absolute, by the link that the operator wrote", "{}/by-link/a/file", true),
        ("a link beside", "near", true),
        ("a link that climbs and stays", "a/back", true),
        ("parents", "a/../../outside/file", false),
        ("parents that stay", "a/../a/file", false),
        ("absolute with parents", "{}/root/../outside/file", false),
        ("absolute outside", "{}/outside/file", false),
        ("absolute beside", "{}/root-2/file", false),
        ("the system's", "/etc/passwd", false),
        ("what is not there outside", "/nowhere/at/all", false),
        ("a link out", "out", false),
        ("a directory link out", "dir-out/file", false),
        ("an absolute link", "absolute", false),
        ("a link through proc", "self", false),
        ("a link to the parent", "up/outside/file", false),
        ("what is not there", "b", false),
    ] {
        let path = path.replace("{}", sandbox.path("").to_str().unwrap().trim_end_matches('/'));
        let place = Place::within(&sandbox.path("by-link"), Path::new(&path));
        let read = place.as_ref().ok().and_then(|place| content(place).ok());
        assert_eq!(read.as_deref(), reached.then_some("inside"), "{row}: {place:?}");
        let real = place.ok().and_then(|place| place.real().ok());
        assert_eq!(real, reached.then(|| sandbox.path("root/a/file").canonicalize().unwrap()), "{row}");
    }
}

#[test]
fn nobody_learns_what_lies_outside() {
    let sandbox = sandbox();
    let refusal = |path: &str| Place::within(&sandbox.path("root"), Path::new(path)).unwrap_err().to_string();
    assert_eq!(refusal("/etc/passwd").replace("/etc/passwd", ""), refusal("/nowhere").replace("/nowhere", ""));
    let place = Place::within(&sandbox.path("root"), &sandbox.path("root/a/./file")).unwrap();
    assert_eq!(place.path(), Path::new("a/file"), "the root is not shown");
    assert_eq!(Place::within(&sandbox.path("root"), &sandbox.path("root")).unwrap().path(), Path::new("."));
}

#[test]
fn a_link_that_is_swapped_in_leads_nowhere() {
    let sandbox = sandbox();
    let place = Place::within(&sandbox.path("root"), Path::new("a/file")).unwrap();
    assert_eq!(content(&place).unwrap(), "inside");
    std::fs::rename(sandbox.path("root/a"), sandbox.path("root/b")).unwrap();
    sandbox.link("root/a", "../outside");
    assert!(content(&place).is_err() && place.real().is_err());
    // Twin: a user may name what lies there.
    assert_eq!(content(&Place::anywhere(sandbox.path("root/a/file"))).unwrap(), "outside");
}
