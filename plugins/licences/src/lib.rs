#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod collect;
mod header;
mod identify;
mod index;
mod walk;
mod words;

use std::path::Path;

use certus_sdk_core::{Problem, Report, Settings, StandaloneTreeScanner};

/// Names the licences of the files that WASI shows.
#[derive(Debug)]
pub struct Licences;

impl StandaloneTreeScanner for Licences {
    fn configure(_: &Settings) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn scan(&self) -> Result<Report, Problem> {
        Ok(walk::walk(Path::new("/")))
    }
}

certus_sdk_tree::register_standalone!(Licences);
