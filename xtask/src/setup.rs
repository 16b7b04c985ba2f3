//! Installs what building and testing need and this machine lacks. Each step looks first.

mod browser;
mod debian;
mod deploy;
mod go;
mod guests;
mod languages;
mod peers;
mod postgres;
mod programs;
mod python;
mod registry;
mod tokens;
mod validators;

use std::process::Command;

use anyhow::{Result, ensure};

use crate::project::Project;

pub(crate) use validators::python as schemathesis;

pub(crate) fn setup(project: &Project, arguments: &[String]) -> Result<()> {
    ensure!(arguments.is_empty(), "setup takes no arguments");
    programs::install(project)?;
    postgres::install(project)?;
    registry::install(project)?;
    tokens::install(project)?;
    guests::install(project)?;
    validators::install(project)?;
    browser::install(project)?;
    deploy::install(project)?;
    peers::install(project)?;
    languages::install(project)
}

/// Tells a run of the tests what was installed for it.
pub(crate) fn equip(project: &Project, tests: &mut Command) {
    let validators = validators::folder(project);
    if validators.is_dir() {
        tests.env("CERTUS_TEST_VALIDATORS", validators);
    }
    let deploy = deploy::folder(project);
    if deploy.is_dir() {
        tests.env("CERTUS_TEST_DEPLOY", deploy);
    }
    let peers = peers::folder(project);
    if peers.is_dir() {
        tests.env("CERTUS_TEST_PEERS", peers);
    }
    let guests = languages::folder(project);
    if guests.join("installed.txt").is_file() {
        tests.env("CERTUS_TEST_GUESTS", guests);
    }
}
