use anyhow::{Result, bail};

use super::debian;
use crate::project::{Project, is_there, say};

/// Programs that checkouts and tests start, each in a Debian package of its own name: `git` fetches,
/// `openssl` stamps times, `strace` shows that a verification makes no connection.
const PROGRAMS: [&str; 3] = ["git", "openssl", "strace"];

pub(super) fn install(project: &Project) -> Result<()> {
    let missing: Vec<&str> = PROGRAMS.into_iter().filter(|program| !is_there(program)).collect();
    if missing.is_empty() {
        say(&format!("setup: {} are there", PROGRAMS.join(", ")));
        Ok(())
    } else if debian::can_install(project) {
        debian::install(project, &missing)
    } else {
        bail!("install {} with the system's package manager", missing.join(" and "))
    }
}
