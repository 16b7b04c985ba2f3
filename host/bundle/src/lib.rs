#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod attestation;
pub mod error;
pub mod facts;
pub mod files;
pub mod index;
pub mod name;
pub mod output;
pub mod refusal;
pub mod verify;

mod tree;

#[cfg(test)]
mod fixture;

pub use attestation::{PluginUse, UtcTime};
pub use certus_model::Mode;
pub use error::Error;
pub use facts::{End, ScanFacts, ScanFailure, Scanned};
pub use files::BundleFiles;
pub use name::{FileName, Group};
pub use output::{Existing, Output, Staged};
pub use refusal::{Problem, Refusal};
pub use verify::{Permitted, Verification, verify};
