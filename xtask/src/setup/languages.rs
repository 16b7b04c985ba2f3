//! Scanners in other languages, built with the toolchains of their own registries. The tests run them as
//! the strangers that they are.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::project::{Project, answer, is_there, run, say};

/// Makes components of JavaScript.
const COMPONENTIZE_JS: &str = "@bytecodealliance/componentize-js@0.23.0";
/// Makes components of Python.
const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";

/// Everything that a guest is made of; when one of these changes, both are built anew.
const SOURCES: [&str; 5] = [
    "tests/guests/javascript/build.mjs",
    "tests/guests/javascript/guest.js",
    "tests/guests/python/guest.py",
    "tests/guests/wit/guest.wit",
    "wit/scanner/scanner.wit",
];

/// WASI that a JavaScript guest does without; it then imports nothing.
const FEATURES: [&str; 5] = ["http", "fetch-event", "stdio", "random", "clocks"];
/// Of these, what no guest may have.
const NETWORK: usize = 2;

/// Where the components lie: `javascript.wasm`, `javascript-wasi.wasm`, `python.wasm`.
pub(crate) fn folder(project: &Project) -> PathBuf {
    project.target.join("guests/languages")
}

pub(super) fn install(project: &Project) -> Result<()> {
    let folder = folder(project);
    let wanted = wanted(project)?;
    // Written last, so that an interrupted installation is made anew.
    let marker = folder.join("installed.txt");
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        say("setup: the guests of other languages are there");
        return Ok(());
    }
    let has_pip = || answer(project.command("python3").args(["-c", "import ensurepip, venv"])).is_some();
    if !is_there("npm") || !is_there("node") || !is_there("python3") || !has_pip() {
        say("setup: no npm, or no Python with pip and venv here, so guests of other languages are not tested");
        return Ok(());
    }
    say("setup: building the guests of other languages");
    let wit = lay_out_wit(project, &folder)?;
    javascript(project, &folder, &wit)?;
    python(project, &folder, &wit)?;
    fs::write(&marker, wanted).with_context(|| format!("cannot write {}", marker.display()))
}

/// The toolchains and the text of every source.
fn wanted(project: &Project) -> Result<String> {
    let mut wanted = format!("{COMPONENTIZE_JS}\n{COMPONENTIZE_PY}\n");
    for source in SOURCES {
        wanted += &fs::read_to_string(project.root.join(source)).with_context(|| format!("cannot read {source}"))?;
    }
    Ok(wanted)
}

/// The guests' world with the contract where WIT looks for dependencies.
fn lay_out_wit(project: &Project, folder: &Path) -> Result<PathBuf> {
    let wit = folder.join("wit");
    let contract = wit.join("deps/scanner");
    fs::create_dir_all(&contract).with_context(|| format!("cannot create {}", contract.display()))?;
    for (from, to) in [
        ("tests/guests/wit/guest.wit", wit.join("guest.wit")),
        ("wit/scanner/scanner.wit", contract.join("scanner.wit")),
    ] {
        fs::copy(project.root.join(from), &to).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(wit)
}

/// One that imports nothing, and one with standard streams, clocks and randomness.
fn javascript(project: &Project, folder: &Path, wit: &Path) -> Result<()> {
    let tools = folder.join("javascript");
    fs::create_dir_all(&tools).with_context(|| format!("cannot create {}", tools.display()))?;
    fs::write(tools.join("package.json"), "{ \"private\": true }\n")?;
    let quiet = ["install", "--no-audit", "--no-fund", "--silent"];
    run(project.command("npm").args(quiet).arg(COMPONENTIZE_JS).current_dir(&tools))?;
    fs::copy(project.root.join("tests/guests/javascript/build.mjs"), tools.join("build.mjs"))?;
    let source = project.root.join("tests/guests/javascript/guest.js");
    for (name, without) in [("javascript.wasm", FEATURES.as_slice()), ("javascript-wasi.wasm", &FEATURES[..NETWORK])] {
        let mut node = project.command("node");
        node.arg("build.mjs").arg(&source).arg(wit).arg(folder.join(name)).args(without);
        run(node.current_dir(&tools))?;
        ensure!(folder.join(name).is_file(), "componentize-js made no {name}");
    }
    Ok(())
}

/// One that imports nothing: whatever of WASI its interpreter wants is stubbed.
fn python(project: &Project, folder: &Path, wit: &Path) -> Result<()> {
    let tools = folder.join("python");
    run(project.command("python3").args(["-m", "venv", "--clear"]).arg(&tools))?;
    run(project.command(tools.join("bin/pip")).args(["install", "--quiet", COMPONENTIZE_PY]))?;
    let mut componentize = project.command(tools.join("bin/componentize-py"));
    componentize.arg("-d").arg(wit).args(["-w", "word-scanner", "componentize", "--stub-wasi", "-p"]);
    componentize.arg(project.root.join("tests/guests/python")).arg("guest");
    run(componentize.arg("-o").arg(folder.join("python.wasm")))
}
