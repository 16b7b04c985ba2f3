//! Trees of a size that only a hostile server sends, against the budgets as they are by default.

use super::forge::Forge;
use super::server::{ADDRESS, Server};
use super::*;

fn scanned(commit: ObjectId, forge: &Forge, limits: &WorkspaceLimits) -> Result<crate::Checkout, Error> {
    let sandbox = Sandbox::new();
    let server = Server::of(commit, forge.pack());
    run(&sandbox, ADDRESS, &server.git(&sandbox), limits)
}

/// Names that sort as numbers do.
fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{number:07}")).collect()
}

/// A tree of one object under many names.
fn wide(forge: &mut Forge, mode: &str, id: ObjectId, count: usize) -> ObjectId {
    let names = numbered(count);
    let entries: Vec<_> = names.iter().map(|name| (mode, name.as_bytes(), id)).collect();
    forge.tree(&entries)
}

#[test]
fn case_076_a_hundred_thousand_files_are_within_the_budget() {
    let mut forge = Forge::default();
    let mut folders = Vec::new();
    for folder in 0..10 {
        let names = numbered(10_000);
        let blobs: Vec<_> = names.iter().map(|name| forge.blob(format!("{folder} {name}").as_bytes())).collect();
        let entries: Vec<_> = names.iter().zip(blobs).map(|(name, blob)| ("100644", name.as_bytes(), blob)).collect();
        folders.push(forge.tree(&entries));
    }
    let names = numbered(folders.len());
    let entries: Vec<_> = names.iter().zip(folders).map(|(name, id)| ("40000", name.as_bytes(), id)).collect();
    let tree = forge.tree(&entries);
    let commit = forge.commit(tree);
    let checkout = scanned(commit, &forge, &WorkspaceLimits::default()).unwrap();
    assert_eq!(checkout.workspace.entries().len(), 100_000);
}

#[test]
fn case_076_two_hundred_thousand_and_one_entries_are_too_many() {
    let mut forge = Forge::default();
    let blob = forge.blob(b"x");
    let folder = wide(&mut forge, "100644", blob, 19_999);
    // Ten folders of 20,000 entries, the folder itself included, and one file.
    let top = wide(&mut forge, "40000", folder, 10);
    let full = forge.commit(top);
    let mut names: Vec<_> = numbered(10).into_iter().map(|name| ("40000", name, folder)).collect();
    names.push(("100644", "one-more".to_owned(), blob));
    let entries: Vec<_> = names.iter().map(|(mode, name, id)| (*mode, name.as_bytes(), *id)).collect();
    let tree = forge.tree(&entries);
    let beyond = forge.commit(tree);
    let limits = WorkspaceLimits::default();
    assert_eq!(scanned(full, &forge, &limits).unwrap().workspace.entries().len(), 199_990);
    let error = scanned(beyond, &forge, &limits).unwrap_err();
    assert!(error.to_string().contains("more than 200000 entries"), "{error}");
    let off = WorkspaceLimits { entries: u64::MAX, ..limits };
    assert_eq!(scanned(beyond, &forge, &off).unwrap().workspace.entries().len(), 199_991);
}

#[test]
fn case_076_a_directory_of_a_million_is_refused_by_its_size() {
    let mut forge = Forge::default();
    let blob = forge.blob(b"x");
    let tree = wide(&mut forge, "100644", blob, 1_000_000);
    let commit = forge.commit(tree);
    let limits = WorkspaceLimits::default();
    let error = scanned(commit, &forge, &limits).unwrap_err();
    assert!(error.to_string().contains("more than 20000 entries in one directory"), "{error}");
    let off = WorkspaceLimits { entries: u64::MAX, directory_entries: u64::MAX, ..limits };
    assert_eq!(scanned(commit, &forge, &off).unwrap().workspace.entries().len(), 1_000_000);
}

#[test]
fn case_076_a_depth_of_twenty_thousand_is_refused() {
    let nested = |depth| {
        let mut forge = Forge::default();
        let blob = forge.blob(b"x");
        let bottom = forge.tree(&[("100644", b"x", blob)]);
        let top = (1..depth).fold(bottom, |below, _| forge.tree(&[("40000", b"d", below)]));
        let commit = forge.commit(top);
        scanned(commit, &forge, &WorkspaceLimits::default())
    };
    nested(64).unwrap();
    assert_eq!(reason(nested(65)), CheckoutReason::TreeBudget);
    // git itself may run out of stack here, which ends git and nothing else.
    assert!([CheckoutReason::TreeBudget, CheckoutReason::Fsck].contains(&reason(nested(20_000))));
}
