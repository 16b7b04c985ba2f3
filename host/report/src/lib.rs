#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod report;

pub mod baseline;
pub mod coverage;
pub mod findings;
pub mod place;

mod decision;
mod error;
mod evidence;
mod formats;
mod identity;
mod sbom;
mod stated;
mod summary;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use baseline::{Baseline, Suppression, UnusedSuppression};
pub use coverage::NotRun;
pub use error::Error;
pub use findings::{Argument, Fingerprint, ReportFinding};
pub use formats::table::{Colour, Overview};
pub use place::Place;
pub use report::{Inputs, Report};
