//! Other people's clients, which tests let check what this product signs and logs: Sigstore's in JavaScript, Python
//! and Go, securesystemslib, and the packages of Go's checksum database. Tests say so when one is not there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::go::{self, Program, Source};
use super::python::{self, Environment};
use crate::project::{Project, is_there, run, say};

/// Of npm.
const JAVASCRIPT: [&str; 4] =
    ["@sigstore/verify@4.1.3", "@sigstore/bundle@5.0.1", "@sigstore/protobuf-specs@0.5.2", "@sigstore/core@4.0.1"];
/// Of PyPI.
const PYTHON: [&str; 2] = ["sigstore==4.5.1", "securesystemslib==1.6.0"];

/// A few hundred lines over two packages of Go's own.
const SUMDB: [Program; 1] = [Program { name: "sumdb", source: Source::Folder("tests/peers/sumdb") }];
const SUMDB_DEADLINE: Duration = Duration::from_secs(300);
/// Asks for Go 1.26. Some 2,000 packages: seven minutes on two cores that had other work, and three gigabytes until it
/// is built.
const COSIGN: [Program; 1] =
    [Program { name: "cosign", source: Source::Package("github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3") }];
const COSIGN_DEADLINE: Duration = Duration::from_secs(1500);

/// Where they lie: `node_modules`, `python`, and in `bin` what Go builds. Where Go could not, `cosign.txt` says why.
pub(crate) fn folder(project: &Project) -> PathBuf {
    project.target.join("peers")
}

pub(super) fn install(project: &Project) -> Result<()> {
    let folder = folder(project);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    javascript(project, &folder)?;
    let python = Environment {
        what: "Sigstore's Python packages",
        without: "Python's clients verify nothing",
        packages: &PYTHON,
    };
    python::install(project, &folder.join("python"), &python)?;
    explained(&folder, "sumdb", go::install(project, &folder, "go-sumdb.txt", &SUMDB, SUMDB_DEADLINE)?)?;
    explained(&folder, "cosign", go::install(project, &folder, "go-cosign.txt", &COSIGN, COSIGN_DEADLINE)?)
}

fn javascript(project: &Project, folder: &Path) -> Result<()> {
    let wanted = JAVASCRIPT.join("\n");
    // Written last, so that an interrupted installation is made anew.
    let marker = folder.join("npm.txt");
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        say("setup: Sigstore's JavaScript packages are there");
        return Ok(());
    }
    if !is_there("npm") || !is_there("node") {
        say("setup: no npm here, so JavaScript's client verifies nothing");
        return Ok(());
    }
    say("setup: installing Sigstore's JavaScript packages");
    let mut npm = project.command("npm");
    npm.args(["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]);
    run(npm.arg("--prefix").arg(folder).args(JAVASCRIPT))?;
    fs::write(&marker, wanted).with_context(|| format!("cannot write {}", marker.display()))
}

/// Leaves for the tests why `program` is not there, or takes that back.
fn explained(folder: &Path, program: &str, reason: Option<String>) -> Result<()> {
    let path = folder.join(program).with_extension("txt");
    match reason {
        Some(reason) => fs::write(&path, reason).with_context(|| format!("cannot write {}", path.display())),
        None if path.exists() => fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display())),
        None => Ok(()),
    }
}
