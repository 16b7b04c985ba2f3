//! What the files that operators deploy with are held against: helm, the loader of compose, promtool, systemd's
//! own check. Tests say so when one is not there.

mod promtool;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::debian;
use super::go::{self, Program, Source};
use crate::project::{Project, is_there, say};

/// Programs that Go builds from their own modules.
const PROGRAMS: [Program; 2] = [
    Program { name: "helm", source: Source::Package("helm.sh/helm/v3/cmd/helm@v3.19.2") },
    // The loader that `docker compose` itself uses; later versions of this command forget the environment.
    Program { name: "compose-spec", source: Source::Package("github.com/compose-spec/compose-go/v2/cmd@v2.1.3") },
];

/// What both may take. helm is some 1,500 packages: three minutes on two idle cores.
const DEADLINE: Duration = Duration::from_secs(900);

/// Where the programs lie, in `bin`.
pub(crate) fn folder(project: &Project) -> PathBuf {
    project.target.join("deploy")
}

pub(super) fn install(project: &Project) -> Result<()> {
    // Tests say what they go without.
    let _ = go::install(project, &folder(project), "go.txt", &PROGRAMS, DEADLINE)?;
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
