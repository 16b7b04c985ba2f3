//! Points at which tests kill this process, to see what is left.

/// Kills this process as a lost machine would, if the point `name` is armed; else does nothing.
pub fn point(name: &'static str) {
    fail::fail_point!(name, |_| {
        // No destructor runs, no buffer is flushed.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    });
    // Without points the macro is empty.
    let _ = name;
}

/// Fails here as a disk does, if the point `name` is armed; else does nothing.
pub(crate) fn disk(name: &'static str) -> std::io::Result<()> {
    fail::fail_point!(name, |_| Err(std::io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error())));
    // Without points the macro is empty.
    let _ = name;
    Ok(())
}

/// Arms the points that the variable `FAILPOINTS` names, for example `job-after-claim=return`; to be called once,
/// before anything else. Where points are not compiled in, as in all that is shipped, it does nothing.
pub fn arm() {
    if fail::has_failpoints() {
        // Dropping the scenario would disarm them.
        std::mem::forget(fail::FailScenario::setup());
    }
}
