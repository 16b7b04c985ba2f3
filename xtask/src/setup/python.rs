use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::project::{Project, answer, is_there, run, say};

/// Packages that share one Python environment.
pub(super) struct Environment<'a> {
    /// What they are, in the plural.
    pub(super) what: &'a str,
    /// What does not happen without them.
    pub(super) without: &'a str,
    /// What pip installs, each with its version.
    pub(super) packages: &'a [&'a str],
}

/// Makes `folder` that environment, unless it is. Where Python cannot make one that is said, and no fault.
pub(super) fn install(project: &Project, folder: &Path, environment: &Environment<'_>) -> Result<()> {
    let Environment { what, without, packages } = environment;
    let wanted = packages.join("\n");
    // Written last, so that an interrupted installation is made anew.
    let marker = folder.join("installed.txt");
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        say(&format!("setup: {what} are there"));
        return Ok(());
    }
    let has_pip = || answer(project.command("python3").args(["-c", "import ensurepip, venv"])).is_some();
    if !is_there("python3") || !has_pip() {
        say(&format!("setup: no Python with pip and venv here, so {without}"));
        return Ok(());
    }
    say(&format!("setup: installing {what}"));
    run(project.command("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    run(project.command(folder.join("bin/pip")).args(["install", "--quiet"]).args(*packages))?;
    fs::write(&marker, wanted).with_context(|| format!("cannot write {}", marker.display()))
}
