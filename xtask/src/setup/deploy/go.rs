use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::folder;
use crate::project::{Project, is_there, say};

/// Programs that Go builds from their own modules: the name of each here, and its package.
const PROGRAMS: [(&str, &str); 2] = [
    ("helm", "helm.sh/helm/v3/cmd/helm@v3.19.2"),
    // The loader that `docker compose` itself uses; later versions of this command forget the environment.
    ("compose-spec", "github.com/compose-spec/compose-go/v2/cmd@v2.1.3"),
];

/// What both may take. helm is some 1,500 packages: three minutes on two idle cores.
const DEADLINE: Duration = Duration::from_secs(900);

pub(super) fn install(project: &Project) -> Result<()> {
    let folder = folder(project);
    let wanted: String = PROGRAMS.iter().map(|(_, package)| format!("{package}\n")).collect();
    // Written last, so that an interrupted installation is made anew.
    let marker = folder.join("go.txt");
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        say("setup: helm and the loader of compose are there");
        return Ok(());
    }
    if !is_there("go") {
        say("setup: skipped helm and the loader of compose: no Go is here");
        return Ok(());
    }
    say("setup: building helm and the loader of compose, once");
    let build = folder.join("build");
    fs::create_dir_all(&build).with_context(|| format!("cannot create {}", build.display()))?;
    let deadline = Instant::now() + DEADLINE;
    for (name, package) in PROGRAMS {
        if !go_builds(project, &build, package, deadline)? {
            // It may only be out of reach: no fault of this checkout, and tests say what they go without.
            say(&format!("setup: skipped {name}: `go install {package}` did not succeed"));
            return Ok(());
        }
        let built =
            package.split('@').next().and_then(|path| path.rsplit('/').next()).context("a package has a name")?;
        let bin = folder.join("bin");
        fs::create_dir_all(&bin)?;
        fs::rename(build.join("bin").join(built), bin.join(name)).with_context(|| format!("go built no {built}"))?;
    }
    // A gigabyte that nothing else needs.
    fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))?;
    fs::write(&marker, wanted).with_context(|| format!("cannot write {}", marker.display()))
}

/// Whether `go install` succeeded before the deadline, in folders of its own.
fn go_builds(project: &Project, build: &Path, package: &str, deadline: Instant) -> Result<bool> {
    let mut go: Command = project.command("go");
    // Optimising would take half as long again, and what runs here runs for a moment.
    go.args(["install", "-modcacherw", "-buildvcs=false", "-gcflags=all=-N -l", "-ldflags=-s -w", package]);
    go.env("GOBIN", build.join("bin")).env("GOCACHE", build.join("cache")).env("GOMODCACHE", build.join("modules"));
    let mut child = go.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("go does not start")?;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        thread::sleep(Duration::from_millis(100));
    }
    child.kill()?;
    child.wait()?;
    Ok(false)
}
