#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod archive;
mod checkout;
mod credential;
mod directory;
mod error;
mod git;
mod kind;
mod materialise;
mod reference;
mod remote;
mod scratch;
mod seal;
mod source;
#[cfg(test)]
mod testing;

pub use checkout::{Checkout, checkout};
pub use credential::Credential;
pub use error::Error;
pub use git::Git;
#[doc(hidden)]
pub use git::seal_objects;
pub use materialise::{MaterialisedTree, materialise};
pub use reference::Reference;
pub use remote::RemoteHost;
pub use scratch::Scratch;
pub use seal::{SealedWorkspace, Table};
pub use source::{Source, SourcePolicy};
