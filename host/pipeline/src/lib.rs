#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod choose;
mod error;
mod event;
mod failure;
mod host;
mod inspect;
mod jobs;
mod log;
mod manifest;
mod materialise;
mod record;
mod request;
mod sample;
mod scan;
mod source;
mod worker;

/// The names of all built-in profiles.
pub use certus_catalog::profile_names;

pub use self::error::Error;
pub use self::event::{Event, EventLine};
pub use self::failure::{Failure, Recorded, record_failure};
pub use self::host::Host;
pub use self::inspect::PluginInspector;
pub use self::jobs::{
    Adopt, Gate, InHand, ManifestBuckets, OperatorWebhook, Pruned, Publisher, Screening, SignedHeads, Sources,
    TenantKeys, Terms, Workers, prune, signed_heads,
};
pub use self::log::Transparency;
pub use self::manifest::{MAX_MANIFEST, Manifest, ManifestVerification, check_profile};
pub use self::materialise::materialise;
pub use self::request::{Labels, Request, Subject};
pub use self::scan::{Outcome, Timings, scan};
pub use self::worker::{WORKER_ARGUMENT, Worker, worker_child};
