#![doc = include_str!("../README.md")]
// `forbid` everywhere else: the one place that needs `unsafe` is `sandbox::component`.
#![deny(unsafe_code)]

mod admission;
mod bindings;
mod cache;
mod call;
mod confine;
mod engine;
mod error;
mod imports;
mod inspect;
mod instance;
mod lift;
mod limiter;
mod plugin;
mod sandbox;
mod snapshot;
mod state;
mod view;
mod wasi;

pub use self::admission::{ADMISSION_ARGUMENT, Admission, AdmissionConfig, Admitted, admission_child};
pub use self::call::CallError;
pub use self::confine::{Attempt, Confinement, PROBE_ARGUMENT, Probe, confine, probe, probe_child};
pub use self::error::{AdmitError, Error, Refusal};
pub use self::inspect::{Passport, inspect};
pub use self::instance::{FileInput, Instance, settings_digest};
pub use self::plugin::Plugin;
pub use self::sandbox::Sandbox;
pub use self::snapshot::snapshot;
pub use self::view::{GuestLog, View};
