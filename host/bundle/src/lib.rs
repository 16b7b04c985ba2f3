#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod attestation;
pub mod error;
pub mod files;
pub mod index;
pub mod name;
pub mod output;
pub mod refusal;
pub mod verify;

mod tree;

#[cfg(test)]
mod fixture;

pub use attestation::{Mode, PluginUse, ScanFacts, UtcTime};
pub use error::Error;
pub use files::BundleFiles;
pub use name::{FileName, Group};
pub use output::{Existing, Output};
pub use refusal::{Problem, Refusal};
pub use verify::{Verification, verify};
