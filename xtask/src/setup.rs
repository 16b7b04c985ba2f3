//! Installs what building and testing need and this machine lacks. Each step looks first.

mod browser;
mod debian;
mod guests;
mod languages;
mod programs;
mod validators;

use anyhow::{Result, ensure};

use crate::project::Project;

pub(crate) fn setup(project: &Project, arguments: &[String]) -> Result<()> {
    ensure!(arguments.is_empty(), "setup takes no arguments");
    programs::install(project)?;
    guests::install(project)?;
    validators::install(project)?;
    browser::install(project)?;
    languages::install(project)
}

pub(crate) use self::languages::folder as guests_folder;
pub(crate) use self::validators::folder as validators_folder;
