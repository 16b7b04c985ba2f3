#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod admin;
mod api_keys;
mod artifacts;
mod audit;
mod body;
mod caller;
mod config;
mod entropy;
mod error;
mod execute;
mod fields;
mod findings;
mod git_credentials;
mod health;
mod json;
mod key;
mod metrics;
mod notary;
mod observe;
mod openapi;
mod origin;
mod page;
mod privacy;
mod problem;
mod promotion;
mod provenance;
mod publication;
mod query;
mod queue;
mod router;
mod scans;
mod serve;
mod state;
mod stats;
mod stream;
mod submit;
#[cfg(test)]
mod tests;
mod time;
mod tls;
mod transform;
mod trust;
mod uploads;
mod webhooks;

pub use admin::NO_KEY;
pub use config::{Authentication, Checks, Config, Limits, Refused, Services, Tracing};
pub use error::Error;
pub use key::{Key, KeyRequest, new_key};
pub use metrics::Metrics;
pub use openapi::openapi;
pub use serve::{serve, serve_probes, serve_transform, serve_trust};
pub use tls::Tls;
