#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod check;
mod columns;
mod context;
mod list;
mod number;
mod numbers;
mod place;
mod scan;
mod shape;

pub use scan::Privacy;

certus_sdk_files::register!(Privacy);
