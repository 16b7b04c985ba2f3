#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod event;
mod host;
mod materialise;
mod record;
mod request;
mod scan;
mod worker;

pub use self::error::Error;
pub use self::event::{Event, Plan};
pub use self::host::Host;
pub use self::materialise::materialise;
pub use self::request::Request;
pub use self::scan::{Outcome, Timings, scan};
pub use self::worker::{WORKER_ARGUMENT, Worker, worker_child};
