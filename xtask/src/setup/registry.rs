use anyhow::Result;

use super::debian;
use crate::project::{Project, is_there, say};

/// Debian's package of a registry of images, and its program.
const REGISTRY: &str = "docker-registry";

/// Installs the registry that tests start for themselves. They say so when it is not there.
pub(super) fn install(project: &Project) -> Result<()> {
    if is_there(REGISTRY) {
        say("setup: the registry is there");
        Ok(())
    } else if debian::can_install(project) {
        debian::install(project, &[REGISTRY])
    } else {
        say("setup: no docker-registry here, so manifests are pulled from stand-ins alone");
        Ok(())
    }
}
