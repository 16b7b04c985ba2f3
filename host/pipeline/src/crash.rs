//! Points at which tests kill the host, to see what is left. Without the cargo feature `failpoints` there
//! are none: a call is nothing.

/// Kills this process, as a lost machine would, if the point `name` is set to `return`.
pub(crate) fn point(name: &str) {
    fail::fail_point!(name, |_| kill());
    // Used by the line above where points are compiled in.
    let _ = name;
}

/// Takes from the variable `FAILPOINTS` which points are set, for example `pipeline-engine=return`; to be
/// called once, before anything else.
#[cfg(feature = "failpoints")]
pub fn arm_crash_points() {
    // Dropping the scenario would disarm them.
    std::mem::forget(fail::FailScenario::setup());
}

#[cfg(feature = "failpoints")]
fn kill() {
    use rustix::process::{Signal, getpid, kill_process};
    // A process may always kill itself; should it fail, the test that waits for it says so.
    let _ = kill_process(getpid(), Signal::KILL);
}

#[cfg(all(test, feature = "failpoints"))]
mod tests;
