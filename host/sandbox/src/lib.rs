#![doc = include_str!("../README.md")]
// `forbid` everywhere else: the one place that needs `unsafe` is `compile::load`.
#![deny(unsafe_code)]

mod bindings;
mod cache;
mod call;
mod compile;
mod engine;
mod error;
mod imports;
mod inspect;
mod instance;
mod lift;
mod limiter;
mod plugin;
mod snapshot;
mod state;
mod view;
mod wasi;

pub use self::call::CallError;
pub use self::compile::{COMPILE_ARGUMENT, compile_child};
pub use self::engine::{Sandbox, SandboxConfig};
pub use self::error::{AdmitError, Error, Refusal};
pub use self::inspect::{Passport, inspect};
pub use self::instance::{FileInput, Instance, settings_digest};
pub use self::plugin::Plugin;
pub use self::snapshot::snapshot;
pub use self::view::{GuestLog, View};
