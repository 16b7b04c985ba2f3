//! git and its host die at any point of a fetch.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Pid, Signal, kill_process};

use super::forge::Forge;
use super::server::{self, ADDRESS, Asked, Server};
use super::*;

/// Parts in which the pack is sent.
const PARTS: usize = 8;
/// Two advertisements, refs, and the pack before each part and at its end.
const POINTS: usize = 3 + PARTS + 1;

/// A server that kills whoever is named in `pid` when `point` is reached.
fn deadly(pid: PathBuf, point: usize) -> (Server, ObjectId) {
    let mut forge = Forge::default();
    let commit = forge.commit_of(&[("100644", b"file")]);
    let pack = forge.pack();
    let reached = AtomicUsize::new(0);
    let server = Server::start(move |request, stream| {
        let strike = || {
            if reached.fetch_add(1, Ordering::Relaxed) == point {
                let pid: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
                kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
            }
        };
        strike();
        if request.asked != Asked::Pack {
            return server::honest(request, stream, commit, &pack);
        }
        let answer = server::packfile(&pack);
        server::ok(stream, request, b"")?;
        for part in answer.chunks(answer.len().div_ceil(PARTS)) {
            stream.write_all(part)?;
            stream.flush()?;
            strike();
        }
        Ok(())
    });
    (server, commit)
}

#[test]
fn case_083_git_killed_at_any_point_leaves_nothing_and_a_retry_works() {
    let sandbox = Sandbox::new();
    let pid = sandbox.path("pid");
    let mut survived = 0;
    for point in 0..POINTS {
        let (server, commit) = deadly(pid.clone(), point);
        let git = server.git(&sandbox);
        let wrapper = fs::read_to_string(sandbox.path("fake-git")).unwrap();
        let wrapper = wrapper.replace("real=git\n", &format!("real=git\necho $$ > {}\n", pid.display()));
        sandbox.executable("fake-git", wrapper);
        match run(&sandbox, ADDRESS, &git, &WorkspaceLimits::default()) {
            Err(error) => {
                let killed = [CheckoutReason::NotFound, CheckoutReason::Fsck];
                assert!(error.reason().is_some_and(|reason| killed.contains(&reason)), "{point}: {error}");
            }
            // All had come when it was killed, and only its farewell was missing.
            Ok(_) => survived += 1,
        }
        let again = run(&sandbox, ADDRESS, &git, &WorkspaceLimits::default());
        assert_eq!(commit_of(&again.unwrap_or_else(|error| panic!("{point}: {error}"))).0, commit.to_string());
    }
    assert!(survived <= POINTS - 10, "{survived} of {POINTS} survived");
}

#[test]
fn case_083_a_cancelled_checkout_ends_git_at_once_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    sample(&sandbox, "work");
    let cancelled = AtomicBool::new(false);
    let git = fake(&sandbox, r#"echo $$ > "$dir/started"; exec sleep 1000"#);
    let cancel = || {
        while !sandbox.path("started").exists() {
            std::thread::yield_now();
        }
        cancelled.store(true, Ordering::Relaxed);
    };
    let source = Source::parse(sandbox.path("work").to_str().unwrap(), SourcePolicy::Any).unwrap();
    let scratch = sandbox.scratch();
    let check = |git: &Git| {
        crate::checkout(&source, None::<&Reference>, &WorkspaceLimits::default(), &scratch, git, &cancelled)
    };
    let result = std::thread::scope(|scope| {
        scope.spawn(cancel);
        check(&git)
    });
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    assert_eq!(names(&sandbox.path("scratch")), [".gate"]);
    assert!(matches!(check(&Git::default()), Err(Error::Cancelled)), "and it stays cancelled");
    cancelled.store(false, Ordering::Relaxed);
    check(&Git::default()).unwrap();
}
