use std::io::Read as _;

use certus_model::limits::WorkspaceLimits;

use super::*;
use crate::testing::{NEVER, Sandbox};
use crate::{Checkout, Git, Source, SourcePolicy, checkout};

fn sealed(sandbox: &Sandbox, text: &str) -> Checkout {
    let text = text.replace("{}", sandbox.path("").to_str().unwrap());
    let source = Source::parse(&text, SourcePolicy::Any).unwrap();
    checkout(&source, None, &WorkspaceLimits::default(), &sandbox.scratch(), &Git::default(), &NEVER).unwrap()
}

fn bytes(mut packed: Packed) -> Vec<u8> {
    let mut bytes = Vec::new();
    packed.file.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_packed_tree_is_the_same_tree_and_always_the_same_bytes() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/a/b.txt", "content");
    sandbox.write(&format!("tree/{}/{}", "d".repeat(120), "e".repeat(150)), "a long name");
    sandbox.write("tree/empty", "");
    sandbox.executable("tree/run", "#!/bin/sh\n");
    sandbox.link("tree/link", "a/b.txt");
    sandbox.link("tree/far", &"x/".repeat(100));
    let here = sealed(&sandbox, "dir:{}/tree");
    let pack = |checkout: &Checkout| pack(&checkout.workspace, &sandbox.scratch(), &NEVER).unwrap();
    let first = bytes(pack(&here));
    sandbox.write("packed.tar.gz", &first);
    let there = sealed(&sandbox, "{}/packed.tar.gz");
    assert_eq!((there.tree_digest, there.workspace.entries()), (here.tree_digest, here.workspace.entries()));

    // The same files, committed: other times, other place, the same bytes.
    let commit = sandbox.commit("tree");
    assert_eq!(bytes(pack(&sealed(&sandbox, "git:{}/tree"))), first, "{commit}");
    assert_eq!(bytes(pack(&there)), first);
}

#[test]
fn submodules_are_counted_and_a_pack_can_be_stopped() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/a", "content");
    let commit = sandbox.commit("tree");
    sandbox.git("tree", &["update-index", "--add", "--cacheinfo", &format!("160000,{commit},module")]);
    sandbox.git("tree", &["commit", "--quiet", "--message=x"]);
    let checkout = sealed(&sandbox, "git:{}/tree");
    assert_eq!(checkout.workspace.entries().len(), 2);
    assert_eq!(pack(&checkout.workspace, &sandbox.scratch(), &NEVER).unwrap().left_out, 1);
    let stopped = pack(&checkout.workspace, &sandbox.scratch(), &AtomicBool::new(true));
    assert!(matches!(stopped, Err(Error::Cancelled)));
}
