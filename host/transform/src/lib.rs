#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod error;
mod inspector;
mod key;
mod privacy;
mod quarantine;
mod report;
#[cfg(test)]
mod tests;
mod transform;
mod turn;

pub use error::Error;
pub use inspector::{Given, Inspector, Seen};
pub use privacy::{Looked, MOST, PrivacyScan};
pub use quarantine::QUARANTINE;
pub use transform::{Ask, Transform, Which};
