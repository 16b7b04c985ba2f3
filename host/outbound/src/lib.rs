#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod address;
mod credential;
mod error;
mod fetch;
mod guard;
mod policy;
mod resolver;
#[cfg(test)]
mod testing;
mod url;

pub use credential::Credential;
pub use error::{Error, Refusal};
pub use guard::{Guard, Pinned};
pub use policy::{Allowed, Authorities, Policy};
pub use resolver::{Resolver, SystemResolver};
pub use url::{RemoteHost, RemoteUrl, without_secrets};
