//! The log: on stderr, quiet unless asked.

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
        .without_time()
        .with_target(false)
        .init();
}
