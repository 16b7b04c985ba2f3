#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod hash;
mod lock;
mod node;
mod package;
mod report;
mod scan;
mod text;
mod url;

pub use error::Error;
pub use scan::Inventory;

certus_sdk_tree::register!(Inventory);
