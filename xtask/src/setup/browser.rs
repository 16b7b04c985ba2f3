use std::fs;
use std::path::Path;

use anyhow::Result;

use super::{debian, validators};
use crate::project::{Project, is_there, run, say};

/// The program that tests open reports in, where Debian's package puts it, and what drives it.
const BROWSER: &str = "/usr/bin/chromium";
const DRIVER: &str = "playwright-core";
const VERSION: &str = "1.65.1";

/// Installs a browser and its driver beside the validators. Tests say so when they are not there.
pub(super) fn install(project: &Project) -> Result<()> {
    let missing: Vec<&str> =
        [("chromium", Path::new(BROWSER).is_file()), ("nodejs", is_there("node")), ("npm", is_there("npm"))]
            .into_iter()
            .filter_map(|(package, there)| (!there).then_some(package))
            .collect();
    if !missing.is_empty() {
        if !debian::can_install(project) {
            say(&format!("setup: no {} here, so reports are not opened in a browser", missing.join(", ")));
            return Ok(());
        }
        debian::install(project, &missing)?;
    }
    let folder = validators::folder(project);
    let installed = fs::read_to_string(folder.join("node_modules").join(DRIVER).join("package.json"));
    if installed.is_ok_and(|package| package.contains(&format!("\"version\": \"{VERSION}\""))) {
        say("setup: the browser's driver is there");
        return Ok(());
    }
    say("setup: installing the browser's driver");
    fs::create_dir_all(&folder)?;
    let mut npm = project.command("npm");
    npm.args(["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]);
    run(npm.arg("--prefix").arg(&folder).arg(format!("{DRIVER}@{VERSION}")))
}
