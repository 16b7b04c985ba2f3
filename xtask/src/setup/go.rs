use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::project::{Project, is_there, say};

/// A program that Go builds.
pub(super) struct Program {
    /// What it is called here.
    pub(super) name: &'static str,
    pub(super) source: Source,
}

/// Where a program's source is.
pub(super) enum Source {
    /// In a package of somebody else's module, with its version.
    Package(&'static str),
    /// In a module of this project, in the folder of this path.
    Folder(&'static str),
}

/// Builds `programs` into the folder `bin` of `folder`, unless `marker` there says that these are. The first that
/// cannot be built before the deadline ends it, said and answered with the reason: it may only be out of reach.
pub(super) fn install(
    project: &Project,
    folder: &Path,
    marker: &str,
    programs: &[Program],
    deadline: Duration,
) -> Result<Option<String>> {
    let names = programs.iter().map(|program| program.name).collect::<Vec<_>>().join(" and ");
    let wanted = wanted(project, programs)?;
    // Written last, so that an interrupted installation is made anew.
    let marker = folder.join(marker);
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        say(&format!("setup: built before: {names}"));
        return Ok(None);
    }
    if !is_there("go") {
        say(&format!("setup: skipped {names}: no Go is here"));
        return Ok(Some("no Go is here".to_owned()));
    }
    say(&format!("setup: building {names}, once"));
    let (build, bin) = (folder.join("build"), folder.join("bin"));
    let end = Instant::now() + deadline;
    for program in programs {
        fs::create_dir_all(&build).with_context(|| format!("cannot create {}", build.display()))?;
        if let Some(reason) = go_builds(project, &build, &program.source, end)? {
            say(&format!("setup: skipped {}: {reason}", program.name));
            return Ok(Some(reason));
        }
        fs::create_dir_all(&bin)?;
        let built = built(&build)?;
        fs::rename(&built, bin.join(program.name)).with_context(|| format!("cannot move {}", built.display()))?;
    }
    // Gigabytes that nothing else needs.
    fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))?;
    fs::write(&marker, wanted).with_context(|| format!("cannot write {}", marker.display()))?;
    Ok(None)
}

/// Versions of what others wrote, and the text of what is our own.
fn wanted(project: &Project, programs: &[Program]) -> Result<String> {
    let mut wanted = String::new();
    for program in programs {
        match program.source {
            Source::Package(package) => wanted += &format!("{package}\n"),
            Source::Folder(folder) => {
                for file in ["go.mod", "go.sum", "main.go"] {
                    let path = project.root.join(folder).join(file);
                    wanted += &fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                }
            }
        }
    }
    Ok(wanted)
}

/// Runs `go install` in folders of its own; why it did not succeed before the deadline, if so.
fn go_builds(project: &Project, build: &Path, source: &Source, end: Instant) -> Result<Option<String>> {
    let (folder, package) = match source {
        Source::Package(package) => (project.root.clone(), *package),
        Source::Folder(folder) => (project.root.join(folder), "."),
    };
    let said = build.join("said.txt");
    let output = File::create(&said).with_context(|| format!("cannot write {}", said.display()))?;
    let mut go = project.command("go");
    // Optimising would take half as long again, and what runs here runs for a moment.
    go.args(["install", "-modcacherw", "-buildvcs=false", "-gcflags=all=-N -l", "-ldflags=-s -w", package]);
    go.env("GOBIN", build.join("bin")).env("GOCACHE", build.join("cache")).env("GOMODCACHE", build.join("modules"));
    let mut child =
        go.current_dir(folder).stdout(output.try_clone()?).stderr(output).spawn().context("go does not start")?;
    while Instant::now() < end {
        if let Some(status) = child.try_wait()? {
            let last = || fs::read_to_string(&said).map(|said| said.trim_end().lines().next_back().map(str::to_owned));
            return Ok(match status.success() {
                true => None,
                false => Some(format!("`go install {package}`: {}", last()?.unwrap_or_else(|| status.to_string()))),
            });
        }
        thread::sleep(Duration::from_millis(100));
    }
    child.kill()?;
    child.wait()?;
    Ok(Some(format!("`go install {package}` took too long")))
}

/// The one program that was built.
fn built(build: &Path) -> Result<PathBuf> {
    let bin = build.join("bin");
    let entry = fs::read_dir(&bin).with_context(|| format!("cannot list {}", bin.display()))?.next();
    Ok(entry.context("go built nothing")??.path())
}
