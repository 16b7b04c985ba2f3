#![allow(clippy::disallowed_methods, reason = "tests prepare and inspect trees from outside")]

use std::fs;
use std::time::{Duration, Instant};

use certus_model::outcome::CheckoutReason;
use certus_model::workspace::{EntryKind, Workspace as _};

use crate::testing::{NEVER, Sandbox, listing, names, reason};
use crate::{Credential, Error, Git, Reference, Source, SourcePolicy};

use super::*;

mod budgets;
mod forge;
mod hostile;
mod kills;
mod names;
mod packs;
mod pins;
mod proxy;
mod remote;
mod server;
mod trees;

/// A work tree with everything that a tree may hold; returns its commit.
fn sample(sandbox: &Sandbox, name: &str) -> String {
    sandbox.write(&format!("{name}/a/file"), "content");
    sandbox.executable(&format!("{name}/run"), "#!");
    sandbox.link(&format!("{name}/link"), "/proc/self/environ");
    sandbox.git(name, &["init", "--quiet"]);
    let module = format!("160000,{},module", "1".repeat(40));
    sandbox.git(name, &["update-index", "--add", "--cacheinfo", &module]);
    sandbox.write(&format!("{name}/.gitmodules"), "[submodule \"x\"]\n\tpath = module\n\turl = ext::sh -c id\n");
    sandbox.git(name, &["add", "a", "run", "link"]);
    sandbox.git(name, &["commit", "--quiet", "--message=x"]);
    sandbox.git(name, &["rev-parse", "HEAD"])
}

fn commit_of(checkout: &crate::Checkout) -> (String, i64, Option<String>) {
    match checkout.record.clone() {
        SourceRecord::Git { git_commit, commit_time, branch, .. } => (git_commit, commit_time, branch),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_commit_is_sealed_with_links_and_submodules_recorded() {
    let sandbox = Sandbox::new();
    let commit = sample(&sandbox, "work");
    let checkout = sandbox.checkout("{}/work").unwrap();
    let text = |path: &str, kind, content: &str| (path.to_owned(), kind, content.to_owned());
    assert_eq!(
        listing(&checkout),
        [
            text("a/file", EntryKind::File, "content"),
            text("link", EntryKind::Symlink, "/proc/self/environ"),
            text("module", EntryKind::Submodule, ""),
            text("run", EntryKind::Executable, "#!"),
        ]
    );
    assert_eq!(checkout.workspace.entries()[2].digest, certus_model::Sha256::of("1".repeat(40).as_bytes()));
    assert_eq!(commit_of(&checkout), (commit, 1_700_000_000, None));
}

#[test]
fn every_kind_of_local_repository_gives_the_same_tree() {
    let sandbox = Sandbox::new();
    sample(&sandbox, "work");
    sandbox.commit("work");
    sandbox.git("", &["clone", "--quiet", "--bare", "work", "bare.git"]);
    let url = format!("file://{}", sandbox.path("work").display());
    sandbox.git("", &["clone", "--quiet", "--bare", "--depth=1", &url, "shallow.git"]);
    sandbox.git("work", &["worktree", "add", "--quiet", "--detach", "../linked"]);
    sandbox.git("", &["clone", "--quiet", "work", "odd \"name\" 100% ü;#"]);
    fs::rename(sandbox.path("bare.git"), sandbox.path("renamed")).unwrap();
    sandbox.link("by-link", "work");
    let expected = sandbox.checkout("{}/work").unwrap();
    for place in ["work/.git", "renamed", "shallow.git", "linked", "odd \"name\" 100% ü;#", "by-link"] {
        let checkout = sandbox.checkout(&format!("{{}}/{place}")).unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(checkout.tree_digest, expected.tree_digest, "{place}");
        assert_eq!(commit_of(&checkout), commit_of(&expected), "{place}");
        let SourceRecord::Git { git_url, .. } = checkout.record else { unreachable!() };
        assert_eq!(git_url, sandbox.path(place).to_str().unwrap(), "the path as it was given");
    }
}

#[test]
fn a_repository_with_sha_256_ids_is_read() {
    let sandbox = Sandbox::new();
    sandbox.git("work", &["init", "--quiet", "--object-format=sha256"]);
    sandbox.write("work/file", "content");
    let commit = sandbox.commit("work");
    assert_eq!(commit.len(), 64);
    let checkout = sandbox.checkout("{}/work").unwrap();
    assert_eq!(commit_of(&checkout).0, commit);
    assert_eq!(checkout.tree_digest, sandbox.checkout("dir:{}/work").unwrap().tree_digest);
    sandbox.checkout_at("{}/work", Some(&commit), &WorkspaceLimits::default()).unwrap();
}

#[test]
fn a_reference_is_a_branch_a_tag_a_ref_or_a_commit() {
    let sandbox = Sandbox::new();
    sandbox.write("work/file", "first");
    let first = sandbox.commit("work");
    sandbox.git("work", &["branch", "old"]);
    sandbox.git("work", &["tag", "light"]);
    sandbox.git("work", &["tag", "--annotate", "--message=x", "heavy"]);
    sandbox.git("work", &["tag", "--annotate", "--message=x", "nested", "heavy"]);
    sandbox.git("work", &["update-ref", "refs/pull/7/head", &first]);
    sandbox.git("work", &["tag", "--annotate", "--message=x", "blob", "HEAD:file"]);
    sandbox.write("work/file", "second");
    let second = sandbox.commit("work");
    sandbox.git("work", &["branch", "light"]);
    let at = |reference| sandbox.checkout_at("{}/work", Some(reference), &WorkspaceLimits::default());
    for (reference, expected) in [
        ("main", &second),
        ("HEAD", &second),
        ("old", &first),
        ("refs/heads/light", &second),
        ("refs/tags/light", &first),
        ("heavy", &first),
        ("nested", &first),
        ("refs/pull/7/head", &first),
        (first.as_str(), &first),
        (second.as_str(), &second),
    ] {
        let checkout = at(reference).unwrap_or_else(|error| panic!("{reference}: {error}"));
        assert_eq!(commit_of(&checkout), (expected.clone(), 1_700_000_000, Some(reference.to_owned())));
    }
    let unknown = "2".repeat(40);
    let (short, tree) = (&first[..10], sandbox.git("work", &["rev-parse", "HEAD^{tree}"]));
    let long = "3".repeat(64);
    for reference in ["mian", "light", "blob", "refs/heads/none", short, &unknown, &tree, &long] {
        assert_eq!(reason(at(reference)), CheckoutReason::UnknownRef, "{reference}");
    }
    let message = at("mian").unwrap_err().to_string();
    assert!(message.contains("`mian`") && message.contains("there is `main`"), "{message}");
    assert!(at(short).unwrap_err().to_string().contains("full id of 40 digits"));
}

#[test]
fn a_repository_without_a_commit_is_empty_and_one_without_a_default_branch_says_what_there_is() {
    let sandbox = Sandbox::new();
    sandbox.git("work", &["init", "--quiet"]);
    assert_eq!(reason(sandbox.checkout("{}/work")), CheckoutReason::Empty);
    sandbox.commit("work");
    assert_eq!(reason(sandbox.checkout("{}/work")), CheckoutReason::Empty, "a commit without files");
    sandbox.write("work/file", "x");
    let commit = sandbox.commit("work");
    sandbox.git("work", &["symbolic-ref", "HEAD", "refs/heads/unborn"]);
    let message = sandbox.checkout("{}/work").unwrap_err().to_string();
    assert!(message.contains("there is `main`"), "{message}");
    sandbox.git("work", &["checkout", "--quiet", "--force", "--detach", "main"]);
    assert_eq!(commit_of(&sandbox.checkout("{}/work").unwrap()).0, commit);
}

#[test]
fn another_users_repository_may_be_named() {
    if !rustix::process::geteuid().is_root() {
        // Only root can give a folder away.
        return;
    }
    let sandbox = Sandbox::new();
    sample(&sandbox, "work");
    sandbox.git("", &["clone", "--quiet", "--bare", "work", "bare.git"]);
    for place in ["work", "work/.git", "bare.git"] {
        std::os::unix::fs::chown(sandbox.path(place), Some(65534), Some(65534)).unwrap();
        sandbox.checkout(&format!("{{}}/{place}")).unwrap_or_else(|error| panic!("{place}: {error}"));
    }
}

/// A `git` that does what `script` says, where `$real` is the true one and `$dir` the sandbox.
fn fake(sandbox: &Sandbox, script: &str) -> Git {
    let text = format!("#!/bin/sh\nreal=git\ndir='{}'\n{script}\n", sandbox.path("").display());
    Git::new(sandbox.executable("fake-git", text), "/usr/local/bin:/usr/bin:/bin")
}

fn run(sandbox: &Sandbox, text: &str, git: &Git, limits: &WorkspaceLimits) -> Result<crate::Checkout, Error> {
    let text = text.replace("{}", sandbox.path("").to_str().unwrap());
    let source = Source::parse(&text, SourcePolicy::Any)?;
    let result = crate::checkout(&source, None::<&Reference>, limits, &sandbox.scratch(), git, &NEVER);
    assert_eq!(names(&sandbox.path("scratch")), [".gate"]);
    result
}

#[test]
fn a_login_reaches_git_through_its_environment_alone() {
    let sandbox = Sandbox::new();
    let git = fake(
        &sandbox,
        r#"echo "$@" >> "$dir/argv"; cat "$GIT_CONFIG_GLOBAL" store.git/config >> "$dir/files"
tr '\0' '\n' < /proc/$$/environ > "$dir/environment"; echo "fatal: Authentication failed $GIT_CONFIG_VALUE_0 hunter2" >&2; exit 128"#,
    );
    let error = run(&sandbox, "https://me:hunter2@example.org/a", &git, &WorkspaceLimits::default()).unwrap_err();
    let header = Credential::login("me", "hunter2").header();
    let read = |name| fs::read_to_string(sandbox.path(name)).unwrap();
    for (place, text) in
        [("arguments", read("argv")), ("files", read("files")), ("error", format!("{error} {error:?}"))]
    {
        assert!(
            !text.contains("hunter2") && !text.contains(&header["Authorization: Basic ".len()..]),
            "{place}: {text}"
        );
    }
    assert_eq!(
        error.to_string(),
        "`https://example.org/a` cannot be read: it refuses the login; check the token and what it may read"
    );
    let environment = read("environment");
    let mut lines: Vec<_> = environment.lines().filter(|line| !line.starts_with("PWD=")).collect();
    lines.sort_unstable();
    let global = lines.iter().position(|line| line.starts_with("GIT_CONFIG_GLOBAL=")).unwrap();
    lines.remove(global);
    assert_eq!(
        lines,
        [
            "GIT_ALLOW_PROTOCOL=https",
            "GIT_ATTR_NOSYSTEM=1",
            "GIT_CONFIG_COUNT=1",
            "GIT_CONFIG_KEY_0=http.extraHeader",
            "GIT_CONFIG_NOSYSTEM=1",
            &format!("GIT_CONFIG_VALUE_0={header}"),
            "GIT_NO_LAZY_FETCH=1",
            "GIT_NO_REPLACE_OBJECTS=1",
            "GIT_OPTIONAL_LOCKS=0",
            "GIT_TERMINAL_PROMPT=0",
            "HOME=/nonexistent",
            "LC_ALL=C",
            "PATH=/usr/local/bin:/usr/bin:/bin",
        ]
    );
}

#[test]
fn a_local_repository_may_speak_its_own_protocol_only() {
    let sandbox = Sandbox::new();
    sample(&sandbox, "work");
    let git = fake(&sandbox, r#"echo "$GIT_ALLOW_PROTOCOL" "$GIT_CONFIG_COUNT" >> "$dir/seen"; exec $real "$@""#);
    run(&sandbox, "{}/work", &git, &WorkspaceLimits::default()).unwrap();
    assert_eq!(fs::read_to_string(sandbox.path("seen")).unwrap(), "file \nfile \n");
}

#[test]
fn the_child_has_limits() {
    let sandbox = Sandbox::new();
    let git = fake(&sandbox, r#"for l in c n t f v; do ulimit -$l; done > "$dir/limits"; exit 128"#);
    let limits =
        WorkspaceLimits { fetch_cpu: Duration::from_secs(7), fetch_pack: 51_201, ..WorkspaceLimits::default() };
    assert_eq!(reason(run(&sandbox, "https://example.org/a", &git, &limits)), CheckoutReason::NotFound);
    assert_eq!(fs::read_to_string(sandbox.path("limits")).unwrap(), "0\n256\n7\n101\n1048576\n");
}

#[test]
fn case_080_a_child_that_never_ends_is_killed_with_its_helpers() {
    let sandbox = Sandbox::new();
    let git = fake(&sandbox, r#"sleep 1000 & echo $! $$ > "$dir/pids"; wait"#);
    let limits = WorkspaceLimits { fetch_wall: Duration::from_millis(500), ..WorkspaceLimits::default() };
    assert_eq!(reason(run(&sandbox, "https://example.org/a", &git, &limits)), CheckoutReason::Timeout);
    let pids = fs::read_to_string(sandbox.path("pids")).unwrap();
    for pid in pids.split_whitespace() {
        // Who was killed is gone once the system has had a moment for it.
        let patience = Instant::now() + Duration::from_secs(5);
        loop {
            let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            if state.is_empty() || state.contains(") Z ") {
                break;
            }
            assert!(Instant::now() < patience, "{pid} still runs: {state}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_missing_git_is_the_hosts_failure() {
    let sandbox = Sandbox::new();
    let git = Git::new("/nowhere/git", "/usr/bin:/bin");
    let error = run(&sandbox, "https://example.org/a", &git, &WorkspaceLimits::default()).unwrap_err();
    assert_eq!(error.reason(), None);
    assert!(error.to_string().contains("check that git"), "{error}");
}

#[test]
fn case_081_the_commit_that_was_resolved_is_the_one_that_is_sealed() {
    let sandbox = Sandbox::new();
    sandbox.write("work/file", "first");
    let first = sandbox.commit("work");
    sandbox.write("work/file", "second");
    let second = sandbox.commit("work");
    sandbox.git("work", &["reset", "--quiet", "--hard", &first]);
    let script = format!(
        r#"$real "$@"; code=$?; case "$*" in *ls-remote*) $real -C "$dir/work" update-ref refs/heads/main {second};; esac; exit $code"#
    );
    let checkout = run(&sandbox, "git:{}/work/.git", &fake(&sandbox, &script), &WorkspaceLimits::default()).unwrap();
    assert_eq!(sandbox.git("work", &["rev-parse", "main"]), second, "the branch has moved meanwhile");
    assert_eq!(commit_of(&checkout).0, first);
    assert_eq!(listing(&checkout)[0].2, "first");
}
