//! Points at which a test kills the process.

/// Dies here as by `kill -9` if the points are compiled in and this one is armed; else does nothing.
pub fn point(name: &'static str) {
    fail::fail_point!(name, |_| die());
    // Without the feature the macro is empty.
    let _ = name;
}

#[cfg_attr(not(feature = "failpoints"), expect(dead_code, reason = "only armed points call it"))]
fn die() {
    // No destructor runs, no buffer is flushed: nothing is better than a crash at showing what is durable.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}
