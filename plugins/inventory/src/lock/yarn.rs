//! `yarn.lock`: the classic format of Yarn 1, and the YAML of every Yarn since.

mod berry;
mod classic;

use super::Lock;
use crate::error::Error;

/// Reads a file of either format. Only the later one has a block `__metadata`.
pub(super) fn read(text: &str) -> Result<Lock, Error> {
    let berry = text.starts_with("__metadata:") || text.contains("\n__metadata:");
    if berry { berry::read(text) } else { classic::read(text) }
}
