#![allow(clippy::disallowed_methods, reason = "tests prepare and inspect trees from outside")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use certus_model::workspace::MemoryWorkspace;

use super::*;
use crate::testing::{Sandbox, names};

fn workspace(sandbox: &Sandbox) -> crate::SealedWorkspace {
    sandbox.write("t/a/b/LICENSE", "free");
    sandbox.executable("t/run", "#!");
    sandbox.write("t/esc\u{1b}", "x");
    sandbox.write(&format!("t/{}", "\u{1b}".repeat(100)), "x");
    sandbox.link("t/link", "run");
    sandbox.checkout("{}/t").unwrap().workspace
}

fn find(workspace: &dyn Workspace, path: &str) -> usize {
    workspace.entries().iter().position(|entry| entry.path.as_str() == path).unwrap()
}

#[test]
fn chosen_files_are_written_read_only_and_removed() {
    let sandbox = Sandbox::new();
    let workspace = workspace(&sandbox);
    let link = find(&workspace, "link");
    let chosen: Vec<_> = (0..workspace.entries().len()).filter(|index| *index != find(&workspace, "run")).collect();
    let tree = materialise(&workspace, &chosen, &sandbox.scratch()).unwrap();
    assert_eq!(names(&tree.path()), ["a", "esc%1B"]);
    assert_eq!(fs::read(tree.path().join("a/b/LICENSE")).unwrap(), b"free");
    let mode = |name: &str| fs::symlink_metadata(tree.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("a/b/LICENSE"), mode("a/b"), mode("a"), mode("")), (0o444, 0o500, 0o500, 0o500));
    let long = find(&workspace, &"%1B".repeat(100));
    assert_eq!(tree.skipped(), [long, link], "a name that is too long when escaped, and a link");
    drop(tree);
    assert_eq!(names(&sandbox.path("scratch")), [".gate"]);
}

#[test]
fn nothing_chosen_is_an_empty_tree() {
    let sandbox = Sandbox::new();
    let tree = materialise(&MemoryWorkspace::default(), &[], &sandbox.scratch()).unwrap();
    assert!(names(&tree.path()).is_empty());
}

#[test]
fn a_failure_leaves_nothing() {
    let sandbox = Sandbox::new();
    let workspace = workspace(&sandbox);
    let twice = [find(&workspace, "run"); 2];
    let error = materialise(&workspace, &twice, &sandbox.scratch()).unwrap_err();
    assert_eq!(error.reason(), None, "{error}");
    assert_eq!(names(&sandbox.path("scratch")), [".gate"]);
}
