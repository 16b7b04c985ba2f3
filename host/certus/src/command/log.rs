//! The log: on stderr, quiet unless asked.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts it: warnings and errors by default, more with `-v`.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => "error",
        1 => "info",
        _ => "debug",
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(std::io::stderr)
        // A log that is kept holds no control characters, ours included.
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .with_target(false)
        .init();
}
