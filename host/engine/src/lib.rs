#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod check;
mod delivery;
mod error;
mod files;
mod interest;
mod inventory;
mod prefilter;
mod scan;
mod shard;
mod tree;

pub use self::delivery::{Delivery, deliveries};
pub use self::error::Error;
pub use self::scan::{Assignment, Materialise, Progress, Root, Scan, Times, run};
