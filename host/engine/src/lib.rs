#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod check;
mod delivery;
mod error;
mod failed;
mod files;
mod interest;
mod inventory;
mod output;
mod prefilter;
mod scan;
mod shard;
mod tree;

pub use self::check::{Checker, Given};
pub use self::delivery::{Delivery, deliveries, wasi_files};
pub use self::error::Error;
pub use self::failed::failed_run;
pub use self::scan::{Assignment, Progress, Root, Scan, Times, run};
