//! What the targets share: a place on disk, arbitrary statements of a guest, and the checks that are
//! asked of everything.

pub mod checks;
pub mod file;
pub mod place;
pub mod run;
pub mod stated;
