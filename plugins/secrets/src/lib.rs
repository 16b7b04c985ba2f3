#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod candidate;
mod check;
mod detector;
mod detectors;
mod expression;
mod finish;
mod hits;
mod place;
mod scan;

pub use detectors::keywords;
pub use scan::Secrets;

certus_sdk_files::register!(Secrets);
