//! Runs the fuzz targets of `fuzz/`, each for a while, and says what they reached.

mod run;
mod seeds;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::project::{Project, answer, is_there, say};
use run::Outcome;

/// Coverage for libFuzzer, as cargo-fuzz asks the compiler for it. The project's own compiler will do:
/// none of these is a nightly option.
const INSTRUMENTED: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Where everything about fuzzing lies.
struct Fuzz {
    /// `fuzz/` of the checkout.
    sources: PathBuf,
    /// Builds, corpora, reproducers and logs.
    work: PathBuf,
    /// The built targets.
    programs: PathBuf,
}

/// What is asked for.
struct Wish {
    seconds: u64,
    targets: Vec<String>,
}

/// Builds the targets and runs each in turn; fails when one of them has found something.
pub(crate) fn fuzz(project: &Project, arguments: &[String]) -> Result<()> {
    let all = targets(project)?;
    let wish = wish(arguments, &all)?;
    if !["c++", "g++", "clang++"].into_iter().any(is_there) {
        say("skipped: fuzz: libFuzzer needs a C++ compiler and there is none; install g++");
        return Ok(());
    }
    let host = host()?;
    let work = project.target.join("fuzz");
    let programs = work.join(&host).join("release");
    let fuzz = Fuzz { sources: project.root.join("fuzz"), programs, work };
    build(project, &fuzz, &host, &wish.targets)?;
    seeds::gather(project, &fuzz.work.join("seeds"))?;

    say(&format!("fuzz: {} targets, {} seconds each", wish.targets.len(), wish.seconds));
    say(&row(["target", "executions", "a second", "edges", "corpus", "result"]));
    let mut outcomes = Vec::new();
    for target in &wish.targets {
        let outcome = run::run(&fuzz, target, wish.seconds)?;
        say(&shown(target, &outcome, wish.seconds));
        outcomes.push(outcome);
    }
    let executions: u64 = outcomes.iter().map(|outcome| outcome.executions).sum();
    say(&format!("fuzz: {executions} executions in all"));
    let found = outcomes.iter().filter(|outcome| outcome.finding.is_some()).count();
    ensure!(found == 0, "{found} of {} targets found something; the inputs are kept", outcomes.len());
    Ok(())
}

/// The names of all targets.
fn targets(project: &Project) -> Result<Vec<String>> {
    let entries = fs::read_dir(project.root.join("fuzz").join("fuzz_targets")).context("cannot list the targets")?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    let mut names: Vec<_> =
        paths.iter().filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

fn wish(arguments: &[String], all: &[String]) -> Result<Wish> {
    let mut wish = Wish { seconds: 60, targets: Vec::new() };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--short" => wish.seconds = 15,
            "--seconds" => {
                let given = arguments.next().context("--seconds takes a number")?;
                wish.seconds = given.parse().with_context(|| format!("`{given}` is no number of seconds"))?;
            }
            name if all.iter().any(|target| target == name) => wish.targets.push(name.to_owned()),
            other => bail!("`{other}` is no target; name some of {}", all.join(", ")),
        }
    }
    if wish.targets.is_empty() {
        wish.targets = all.to_vec();
    }
    Ok(wish)
}

/// The compiler's name of this machine. With a target named, build scripts are not instrumented.
fn host() -> Result<String> {
    let version = answer(Command::new("rustc").arg("-vV")).context("cannot ask rustc for its host")?;
    let line = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc names no host")?.to_owned())
}

fn build(project: &Project, fuzz: &Fuzz, host: &str, targets: &[String]) -> Result<()> {
    say("fuzz: building");
    let mut cargo = project.cargo();
    cargo.args(["build", "--release", "--quiet", "--locked", "--target", host]);
    cargo.arg("--manifest-path").arg(fuzz.sources.join("Cargo.toml")).arg("--target-dir").arg(&fuzz.work);
    cargo.args(targets.iter().flat_map(|target| ["--bin", target]));
    crate::project::run(cargo.env("RUSTFLAGS", INSTRUMENTED))
}

fn shown(target: &str, outcome: &Outcome, seconds: u64) -> String {
    let result = match &outcome.finding {
        None => "ok".to_owned(),
        Some(finding) => format!("{finding}\n{}", indented(&outcome.rerun)),
    };
    let rate = outcome.executions / seconds.max(1);
    row([target, &outcome.executions.to_string(), &rate.to_string(), &outcome.edges, &outcome.corpus, &result])
}

fn row([target, executions, rate, edges, corpus, result]: [&str; 6]) -> String {
    format!("{target:<16} {executions:>12} {rate:>9} {edges:>7} {corpus:>7}  {result}")
}

fn indented(line: &str) -> String {
    format!("  rerun: {line}")
}

/// The path of a folder that is there from now on.
fn folder(path: &Path) -> Result<&Path> {
    fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(path)
}
