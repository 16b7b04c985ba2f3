use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::project::{Project, answer, is_there, run, say};

/// Programs of others that tests hold reports, webhooks and the API against: CycloneDX, SPDX, Standard Webhooks,
/// OpenAPI.
const VALIDATORS: [&str; 4] = [
    "cyclonedx-python-lib[json-validation]==11.12.0",
    "spdx-tools==0.8.5",
    "standardwebhooks==1.1.0",
    include_str!("../../../tests/contract/requirements.txt").trim_ascii(),
];

/// The Python environment that holds the validators.
pub(crate) fn folder(project: &Project) -> PathBuf {
    project.target.join("validators")
}

/// The Python that has schemathesis, if it was installed.
pub(crate) fn python(project: &Project) -> Option<PathBuf> {
    let folder = folder(project);
    folder.join("bin/st").is_file().then(|| folder.join("bin/python"))
}

pub(super) fn install(project: &Project) -> Result<()> {
    let folder = folder(project);
    let wanted = VALIDATORS.join("\n");
    // Written last, so that an interrupted installation is made anew.
    let marker = folder.join("installed.txt");
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        say("setup: the validators are there");
        return Ok(());
    }
    let has_pip = || answer(project.command("python3").args(["-c", "import ensurepip, venv"])).is_some();
    if !is_there("python3") || !has_pip() {
        say("setup: no Python with pip and venv here, so reports and the API are not held against foreign validators");
        return Ok(());
    }
    say("setup: installing the validators");
    run(project.command("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(project.command(folder.join("bin/pip")).args(["install", "--quiet"]).args(VALIDATORS))?;
    fs::write(&marker, wanted).with_context(|| format!("cannot write {}", marker.display()))
}
