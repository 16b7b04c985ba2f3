use anyhow::Result;

use crate::project::{Project, answer, is_there, run, say};

/// Whether Debian's packages can be installed: its tool is there and this is root.
pub(super) fn can_install(project: &Project) -> bool {
    is_there("apt-get") && answer(project.command("id").arg("-u")).as_deref() == Some("0")
}

/// Installs `packages`, without what they merely recommend.
pub(super) fn install(project: &Project, packages: &[&str]) -> Result<()> {
    say(&format!("setup: installing {}", packages.join(" ")));
    let apt = || {
        let mut command = project.command("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet=2");
        command
    };
    run(apt().arg("update"))?;
    run(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages))
}
