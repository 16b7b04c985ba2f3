//! What the files that operators deploy with are held against: helm, the loader of compose, promtool, systemd's
//! own check. Tests say so when one is not there.

mod go;
mod promtool;

use std::path::PathBuf;

use anyhow::Result;

use super::debian;
use crate::project::{Project, is_there, say};

/// Where the programs lie, in `bin`.
pub(crate) fn folder(project: &Project) -> PathBuf {
    project.target.join("deploy")
}

pub(super) fn install(project: &Project) -> Result<()> {
    go::install(project)?;
    promtool::install(project)?;
    systemd(project)
}

/// `systemd-analyze` checks units without a systemd that runs.
fn systemd(project: &Project) -> Result<()> {
    if is_there("systemd-analyze") {
        say("setup: systemd-analyze is there");
        Ok(())
    } else if debian::can_install(project) {
        debian::install(project, &["systemd"])
    } else {
        say("setup: skipped systemd-analyze: it is not here, and Debian's packages cannot be installed");
        Ok(())
    }
}
