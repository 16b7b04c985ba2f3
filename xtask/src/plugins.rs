use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::project::{Project, run, say};

/// Builds certus, then with it every plugin into `plugins/` beside it, where it looks for them.
pub(crate) fn plugins(project: &Project, arguments: &[String]) -> Result<()> {
    ensure!(arguments.is_empty(), "plugins takes no arguments");
    // The tests' own build, certus among it: a build of certus alone would compile most of its
    // dependencies once more, with other features.
    run(project.cargo().args(["test", "--workspace", "--no-run", "--quiet"]))?;
    components(project)
}

/// Builds every plugin with the certus that is there.
fn components(project: &Project) -> Result<()> {
    let out = project.programs().join("plugins");
    fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    for folder in folders(project)? {
        let name = folder.file_name().context("a plugin's folder has a name")?.to_owned();
        let component = out.join(&name).with_extension("wasm");
        say(&format!("plugins: building {}", name.display()));
        let mut certus = project.command(project.programs().join("certus"));
        run(certus.args(["plugin", "build"]).arg(&folder).arg("--out").arg(component))?;
    }
    Ok(())
}

/// The folders under `plugins/` that hold a manifest, by name.
fn folders(project: &Project) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(project.root.join("plugins")).context("cannot list plugins/")?;
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let mut folders: Vec<PathBuf> = entries.iter().map(|entry| entry.path()).collect();
    folders.retain(|folder| folder.join("plugin.toml").is_file());
    folders.sort();
    Ok(folders)
}
