#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod build;
mod error;
mod inspect;
mod test;
pub mod toolchain;

pub use build::{BuildRequest, Built, build};
pub use error::{BoxError, Error, TestError};
pub use inspect::describe;
pub use test::{Case, TestRequest, WorkspaceMaterialise, test};
pub use toolchain::{Target, Toolchain, Tools};
