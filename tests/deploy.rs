//! What operators deploy with, held against the programs that will read it.

mod chart;
mod compose;
mod image;
mod monitoring;
mod settings;
mod stack;
mod units;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The folder of what is deployed with.
pub(crate) fn deploy() -> PathBuf {
    root().join("host/deploy")
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A program that set-up put into its own folder; none, said once, where it could not.
pub(crate) fn tool(name: &str, what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("CERTUS_TEST_DEPLOY").map(PathBuf::from);
    let program = folder.map(|folder| folder.join("bin").join(name)).filter(|program| program.is_file());
    if program.is_none() {
        println!("skipped: {what}: no {name} here; `cargo xtask setup` says why");
    }
    program
}

/// A program of the validators.
pub(crate) fn validator(name: &str, what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("CERTUS_TEST_VALIDATORS").map(PathBuf::from);
    let program = folder.map(|folder| folder.join("bin").join(name)).filter(|program| program.is_file());
    if program.is_none() {
        println!("skipped: {what}: no {name} here; `cargo xtask test` installs it where Python is");
    }
    program
}

/// A program of the system.
pub(crate) fn system(name: &str, what: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file());
    if program.is_none() {
        println!("skipped: {what}: no {name} here");
    }
    program
}

pub(crate) fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Everything that a run said.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The documents of a YAML file, read by the validators' own library.
pub(crate) fn documents(python: &Path, file: &Path) -> Vec<Value> {
    let program = "import json, sys, yaml\n\
                   print(json.dumps([d for d in yaml.safe_load_all(open(sys.argv[1])) if d is not None], default=str))";
    let read = output(Command::new(python).args(["-c", program]).arg(file));
    assert!(read.status.success(), "{}: {}", file.display(), said(&read));
    serde_json::from_slice(&read.stdout).expect("JSON")
}

/// The texts of a list.
pub(crate) fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
