//! What the macros of this crate expand to calls into.

use certus_sdk_core::{ChangeScanner, StandaloneChangeScanner};

pub use crate::bindings::certus::scanner::types::{Problem, Report, Setting};
pub use crate::bindings::exports::certus::scanner::change::{ChangeSet, Guest as Change};
pub use crate::bindings::exports::certus::scanner::plugin::Guest as Plugin;
use crate::convert;
pub use crate::slot::Slot;
use crate::workspace::HostWorkspace;

pub fn configure<S: ChangeScanner>(slot: &Slot<S>, settings: Vec<Setting>) -> Result<(), Problem> {
    Ok(slot.configure(S::configure, &convert::settings(settings))?)
}

pub fn scan<S: ChangeScanner>(slot: &Slot<S>, change: ChangeSet) -> Result<Report, Problem> {
    let change = change.into();
    Ok(slot.with(|scanner| scanner.scan(&change, &HostWorkspace))?.into())
}

pub fn configure_standalone<S: StandaloneChangeScanner>(slot: &Slot<S>, settings: Vec<Setting>) -> Result<(), Problem> {
    Ok(slot.configure(S::configure, &convert::settings(settings))?)
}

pub fn scan_standalone<S: StandaloneChangeScanner>(slot: &Slot<S>, change: ChangeSet) -> Result<Report, Problem> {
    let change = change.into();
    Ok(slot.with(|scanner| scanner.scan(&change))?.into())
}
