//! Repositories that nobody honest has made.

use super::*;

/// Writes an object that git itself would refuse to write.
fn object(sandbox: &Sandbox, kind: &str, content: &[u8]) -> String {
    sandbox.git_with("evil", &["hash-object", "-t", kind, "-w", "--stdin", "--literally"], content)
}

/// A tree object of (mode, name, id).
fn tree(sandbox: &Sandbox, entries: &[(&str, &[u8], &str)]) -> String {
    let mut content = Vec::new();
    for (mode, name, id) in entries {
        let id = gix::ObjectId::from_hex(id.as_bytes()).unwrap();
        content.extend([mode.as_bytes(), b" ", name, b"\0", id.as_bytes()].concat());
    }
    object(sandbox, "tree", &content)
}

/// A repository whose branch is a commit of `tree`.
fn publish(sandbox: &Sandbox, tree: &str) {
    let text = format!("tree {tree}\nauthor a <a@b> 1700000000 +0000\ncommitter a <a@b> 1700000000 +0000\n\nx\n");
    let commit = object(sandbox, "commit", text.as_bytes());
    sandbox.git("evil", &["update-ref", "refs/heads/main", &commit]);
}

fn evil() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.git("evil", &["init", "--quiet", "--bare"]);
    let blob = object(&sandbox, "blob", b"content");
    (sandbox, blob)
}

/// Walks the tree of the repository as it is, without git's checks before it.
fn walk(sandbox: &Sandbox) -> Result<crate::SealedWorkspace, Error> {
    let (limits, scratch, git) = (WorkspaceLimits::default(), sandbox.scratch(), Git::default());
    let origin = Origin::local(&Place::anywhere(sandbox.path("evil")))?;
    let folder = scratch.folder("git")?;
    let deadline = Instant::now() + limits.fetch_wall;
    let session = Session {
        origin: &origin,
        reference: None,
        limits: &limits,
        folder: &folder,
        git: &git,
        deadline,
        cancelled: &NEVER,
    };
    let objects = objects::Objects::open(&sandbox.path("evil/objects"), Hash::Sha1, &session)?;
    let head = sandbox.git("evil", &["rev-parse", "main"]);
    let commit = objects.commit(ObjectId::from_hex(head.as_bytes()).unwrap())?;
    let mut sealer = Sealer::new(&limits, &scratch, &NEVER);
    objects.tree(commit.tree, &mut sealer)?;
    sealer.seal("evil")
}

#[test]
fn case_063_to_071_names_and_orders_are_refused_by_git_and_by_the_walk() {
    let long = vec![b'n'; 4096];
    for (case, names, by_walk) in [
        ("063 parent", vec![("100644", &b".."[..])], true),
        ("064 .git", vec![("100644", b".git")], true),
        ("065 .GIT", vec![("100644", b".GIT")], true),
        ("066 path out", vec![("100644", b"../../x")], true),
        ("067 absolute", vec![("100644", b"/abs/x")], true),
        ("068 short name of .git on Windows", vec![("100644", b"git~1")], false),
        ("069 .gitmodules as a link", vec![("120000", b".gitmodules")], false),
        ("070 empty name", vec![("100644", b"")], true),
        ("071 twice", vec![("100644", b"a"), ("100644", b"a")], true),
        ("071 unsorted", vec![("100644", b"b"), ("100644", b"a")], true),
        ("071 link and directory of one name", vec![("120000", b"a"), ("40000", b"a")], true),
        ("073 name of 4,096 bytes", vec![("100644", &long)], true),
        ("mode of a socket", vec![("140000", b"a")], true),
        ("mode of nothing", vec![("10", b"a")], true),
        ("mode with every bit", vec![("100777", b"a")], true),
    ] {
        let (sandbox, blob) = evil();
        let below = tree(&sandbox, &[("100644", b"x", &blob)]);
        let id = |mode| if mode == "40000" { &below } else { &blob };
        let entries: Vec<_> = names.iter().map(|(mode, name)| (*mode, *name, id(*mode).as_str())).collect();
        publish(&sandbox, &tree(&sandbox, &entries));
        let reasons = [CheckoutReason::Fsck, CheckoutReason::TreeBudget, CheckoutReason::NotFound];
        assert!(reasons.contains(&reason(sandbox.checkout("{}/evil"))), "{case}");
        if by_walk {
            assert!(reasons[..2].contains(&reason(walk(&sandbox))), "{case}");
        }
    }
}

#[test]
fn odd_but_honest_trees_are_read() {
    let (sandbox, blob) = evil();
    let below = tree(&sandbox, &[("100664", b"group-writable", &blob)]);
    let names: [&[u8]; 7] = [b"a\x1b[2J", b"b\nc", b"CON", b"README", b"readme", b"trailing. ", b"\xff"];
    let mut entries: Vec<_> = names.iter().map(|name| ("100644", *name, blob.as_str())).collect();
    entries.push(("040000", b"padded", &below));
    entries.sort_by_key(|(_, name, _)| name.to_vec());
    publish(&sandbox, &tree(&sandbox, &entries));
    let checkout = sandbox.checkout("{}/evil").unwrap();
    let mut found: Vec<_> = checkout.workspace.entries().iter().map(|entry| entry.path.to_bytes()).collect();
    found.sort();
    let mut expected: Vec<_> = names.iter().map(|name| name.to_vec()).collect();
    expected.push(b"padded/group-writable".to_vec());
    expected.sort();
    assert_eq!(found, expected);
    assert!(checkout.workspace.entries().iter().all(|entry| entry.kind == EntryKind::File));
}

#[test]
fn case_075_a_git_bomb_is_refused() {
    let (sandbox, blob) = evil();
    let names: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    let level = |mode, id: &str| {
        let entries: Vec<_> = names.iter().map(|name| (mode, name.as_bytes(), id)).collect();
        tree(&sandbox, &entries)
    };
    let top = (0..9).fold(level("100644", &blob), |below, _| level("40000", &below));
    publish(&sandbox, &top);
    assert_eq!(reason(sandbox.checkout("{}/evil")), CheckoutReason::TreeBudget);
}

#[test]
fn case_076_sizes_are_refused_by_the_header() {
    let (sandbox, _) = evil();
    let large = object(&sandbox, "blob", &vec![0; 2 << 20]);
    publish(&sandbox, &tree(&sandbox, &[("100644", b"large", &large)]));
    let limits = WorkspaceLimits { file: 1 << 20, ..WorkspaceLimits::default() };
    let error = sandbox.checkout_at("{}/evil", None, &limits).unwrap_err();
    assert!(error.to_string().contains("`large`"), "{error}");
    assert_eq!(error.reason(), Some(CheckoutReason::FileBudget));
    sandbox.checkout("{}/evil").unwrap();
}

#[test]
fn case_076_depth_and_width_are_bounded() {
    let (sandbox, blob) = evil();
    let deep =
        (0..70).fold(tree(&sandbox, &[("100644", b"f", &blob)]), |below, _| tree(&sandbox, &[("40000", b"d", &below)]));
    publish(&sandbox, &deep);
    assert_eq!(reason(sandbox.checkout("{}/evil")), CheckoutReason::TreeBudget);
    let names: Vec<_> = (0..20).map(|number| format!("{number:02}")).collect();
    let entries: Vec<_> = names.iter().map(|name| ("100644", name.as_bytes(), blob.as_str())).collect();
    publish(&sandbox, &tree(&sandbox, &entries));
    for limit in [19, 1] {
        let limits = WorkspaceLimits { directory_entries: limit, ..WorkspaceLimits::default() };
        assert_eq!(reason(sandbox.checkout_at("{}/evil", None, &limits)), CheckoutReason::TreeBudget, "{limit}");
    }
    let exact = WorkspaceLimits { directory_entries: 20, entries: 20, ..WorkspaceLimits::default() };
    sandbox.checkout_at("{}/evil", None, &exact).unwrap();
}

#[test]
fn a_pack_beyond_its_limit_is_refused() {
    let (sandbox, _) = evil();
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    });
    let noise: Vec<u8> = noise.take(1 << 20).collect();
    let blob = object(&sandbox, "blob", &noise);
    publish(&sandbox, &tree(&sandbox, &[("100644", b"noise", &blob)]));
    let limits = WorkspaceLimits { fetch_pack: 64 << 10, ..WorkspaceLimits::default() };
    let error = sandbox.checkout_at("{}/evil", None, &limits).unwrap_err();
    assert!(error.to_string().contains("a pack of more than 65536 bytes"), "{error}");
    assert_eq!(error.reason(), Some(CheckoutReason::FileBudget));
    sandbox.checkout("{}/evil").unwrap();
}

#[test]
fn case_077_missing_and_damaged_objects_are_refused() {
    for damage in ["missing", "damaged"] {
        let (sandbox, blob) = evil();
        publish(&sandbox, &tree(&sandbox, &[("100644", b"file", &blob)]));
        sandbox.checkout("{}/evil").unwrap();
        let path = sandbox.path(&format!("evil/objects/{}/{}", &blob[..2], &blob[2..]));
        fs::remove_file(&path).unwrap();
        if damage == "damaged" {
            fs::write(&path, b"x\x9cnot an object").unwrap();
        }
        assert_eq!(reason(sandbox.checkout("{}/evil")), CheckoutReason::Fsck, "{damage}");
        assert_eq!(reason(walk(&sandbox)), CheckoutReason::Fsck, "{damage}");
    }
}

#[test]
fn case_079_nothing_that_a_repository_brings_is_run() {
    let sandbox = Sandbox::new();
    let touch = format!("touch {}", sandbox.path("ran").display());
    sandbox.write("work/.gitattributes", "* filter=evil diff=evil\n");
    sandbox.write("work/file", "content");
    sandbox.write("work/nested.git/HEAD", "ref: refs/heads/main\n");
    sandbox.write("work/nested.git/config", format!("[core]\n\tfsmonitor = {touch}\n"));
    sandbox.commit("work");
    let config = format!(
        "[core]\n\tfsmonitor = {touch}\n\tpager = {touch}\n\tsshCommand = {touch}\n[uploadpack]\n\tpackObjectsHook = {touch}; exec\n\
         [filter \"evil\"]\n\tsmudge = {touch}\n\tclean = {touch}\n[diff \"evil\"]\n\ttextconv = {touch}\n\
         [alias]\n\tupload-pack = !{touch}\n\tfetch = !{touch}\n[credential]\n\thelper = !{touch}\n"
    );
    let mut old = fs::read_to_string(sandbox.path("work/.git/config")).unwrap();
    old.push_str(&config);
    fs::write(sandbox.path("work/.git/config"), old).unwrap();
    for hook in ["post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc"] {
        sandbox.executable(&format!("work/.git/hooks/{hook}"), format!("#!/bin/sh\n{touch}\n"));
    }
    let checkout = sandbox.checkout("{}/work").unwrap();
    assert_eq!(checkout.workspace.entries().len(), 4);
    assert!(!sandbox.path("ran").exists());
}
