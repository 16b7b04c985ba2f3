//! What the macros of this crate expand to calls into.

use certus_sdk_core::{StandaloneTreeScanner, TreeScanner};

pub use crate::bindings::certus::scanner::types::{Problem, Report, Setting};
pub use crate::bindings::exports::certus::scanner::plugin::Guest as Plugin;
pub use crate::bindings::exports::certus::scanner::tree::Guest as Tree;
use crate::convert;
pub use crate::slot::Slot;
use crate::workspace::HostWorkspace;

pub fn configure<S: TreeScanner>(slot: &Slot<S>, settings: Vec<Setting>) -> Result<(), Problem> {
    Ok(slot.configure(S::configure, &convert::settings(settings))?)
}

pub fn scan<S: TreeScanner>(slot: &Slot<S>) -> Result<Report, Problem> {
    Ok(slot.with(|scanner| scanner.scan(&HostWorkspace))?.into())
}

pub fn configure_standalone<S: StandaloneTreeScanner>(slot: &Slot<S>, settings: Vec<Setting>) -> Result<(), Problem> {
    Ok(slot.configure(S::configure, &convert::settings(settings))?)
}

pub fn scan_standalone<S: StandaloneTreeScanner>(slot: &Slot<S>) -> Result<Report, Problem> {
    Ok(slot.with(|scanner| scanner.scan())?.into())
}
