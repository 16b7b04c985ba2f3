#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod documents;
pub mod judge;
pub mod keeping;
pub mod log;
pub mod policy;
pub mod submission;
pub mod waiver;

mod answer;
mod error;
mod files;
mod service;

pub use answer::{Answer, StorageConfig};
pub use error::Error;
pub use log::Log;
pub use policy::Policy;
pub use service::{
    Custody, Known, LogSubject, Parts, Provenance, SignAsked, Signed, SignedFile, Trust, Verified, enter,
};
pub use submission::Submission;
