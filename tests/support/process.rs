//! What a process takes, and a process of its own for tests that measure it.

use std::process::Command;
use std::time::{Duration, Instant};

/// Set in the process that runs one test alone.
const ALONE: &str = "CERTUS_TEST_ALONE";

/// Runs `body` in a process of its own, since other tests run beside this one: the test binary runs
/// itself for the test of this full name and no other.
pub(crate) fn alone(name: &str, body: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let program = std::env::current_exe().expect("the test binary");
    let ended = Command::new(program).args(["--exact", name, "--nocapture"]).env(ALONE, "1").output();
    let ended = ended.expect("the test binary runs");
    let said = String::from_utf8_lossy(&ended.stdout);
    for line in said.lines().filter(|line| line.starts_with("case ") || line.starts_with("soak")) {
        println!("{line}");
    }
    assert!(ended.status.success(), "{name} alone: {}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains("1 passed"), "no test is called {name}");
}

/// Resident memory of this process in KiB.
pub(crate) fn resident() -> u64 {
    status("VmRSS:")
}

/// The most that this process has had resident while `work` was done, above what it had before, in KiB.
pub(crate) fn peak_of(work: impl FnOnce()) -> u64 {
    // Sets the kernel's high-water mark back to what is resident now.
    std::fs::write("/proc/self/clear_refs", "5").expect("a Linux process");
    let before = status("VmHWM:");
    work();
    status("VmHWM:").saturating_sub(before)
}

/// Open files and threads of this process, once those that are about to end have ended: a thread that
/// was joined may still be on its way out.
pub(crate) fn handles() -> (usize, usize) {
    let count = |folder| std::fs::read_dir(folder).expect("a Linux process").count();
    let now = || (count("/proc/self/fd"), count("/proc/self/task"));
    let patience = Instant::now() + Duration::from_secs(5);
    let mut last = now();
    loop {
        std::thread::sleep(Duration::from_millis(50));
        let next = now();
        if next == last || Instant::now() > patience {
            return next;
        }
        last = next;
    }
}

fn status(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux process");
    let line = status.lines().find(|line| line.starts_with(key)).expect("a line of this key");
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number of KiB")
}
