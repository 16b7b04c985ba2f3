use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::folder;
use crate::project::{Project, answer, is_there, run, say};

/// Takes promtool out of Debian's package, which as a whole would start a Prometheus on this machine.
pub(super) fn install(project: &Project) -> Result<()> {
    let folder = folder(project);
    let program = folder.join("bin/promtool");
    if program.is_file() {
        say("setup: promtool is there");
        return Ok(());
    }
    if !is_there("apt-get") || !is_there("dpkg-deb") {
        say("setup: skipped promtool: Debian's packages cannot be fetched here");
        return Ok(());
    }
    let build = folder.join("promtool");
    fs::create_dir_all(&build).with_context(|| format!("cannot create {}", build.display()))?;
    say("setup: fetching promtool");
    let fetched = || answer(project.command("apt-get").args(["download", "prometheus"]).current_dir(&build));
    // The list of packages may be old, and only root may renew it.
    if fetched().is_none() {
        let _ = answer(project.command("apt-get").arg("update"));
        if fetched().is_none() {
            say("setup: skipped promtool: `apt-get download prometheus` did not succeed");
            return Ok(());
        }
    }
    let package = package(&build)?;
    run(project.command("dpkg-deb").arg("--extract").arg(package).arg(&build))?;
    fs::create_dir_all(folder.join("bin"))?;
    fs::rename(build.join("usr/bin/promtool"), &program).context("the package holds no promtool")?;
    fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))
}

/// The package that lies in `folder`.
fn package(folder: &Path) -> Result<std::path::PathBuf> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut packages = entries.into_iter().map(|entry| entry.path());
    packages.find(|path| path.extension().is_some_and(|extension| extension == "deb")).context("no package was fetched")
}
