//! Capability `log`: for the operator's eyes, never part of a result. A component imports it only
//! if its code calls a function of this module. Outside a sandbox nobody reads it.
//!
//! A message must hold no content of a scanned file.

/// For whoever works on the scanner.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// What was done.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// What was odd, although the answer stands.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// What went wrong.
pub fn error(message: &str) {
    write(Level::Error, message);
}

#[cfg(target_arch = "wasm32")]
use crate::bindings::certus::scanner::log::{Level, write};

#[cfg(not(target_arch = "wasm32"))]
enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

#[cfg(not(target_arch = "wasm32"))]
fn write(_level: Level, _message: &str) {}
