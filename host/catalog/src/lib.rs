#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod catalog;
mod error;
mod profile;
mod selection;
mod tool;

pub use self::catalog::{Catalog, Entry};
pub use self::error::Error;
pub use self::profile::profile_names;
pub use self::selection::{Given, Missing, Selected, Selection, Wish, check_profile, select};
