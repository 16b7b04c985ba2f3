#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod archive;
mod checkout;
mod directory;
mod error;
mod git;
mod kind;
mod materialise;
mod pack;
mod place;
mod reference;
mod scratch;
mod seal;
mod source;
#[cfg(test)]
mod testing;

/// Of the door that remote sources are reached through.
pub use certus_outbound::{Credential, RemoteHost};
pub use checkout::{Checkout, checkout, seal_files};
pub use error::Error;
pub use git::Git;
#[doc(hidden)]
pub use git::seal_objects;
pub use materialise::{MaterialisedTree, materialise};
pub use pack::{Packed, pack};
pub use place::read_within;
pub use reference::Reference;
pub use scratch::Scratch;
pub use seal::{SealedWorkspace, Table};
pub use source::{Source, SourcePolicy};
