use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::project::{Project, say};

/// One test of one or more cases, as the runner reported it.
pub(super) struct Test {
    pub(super) cases: RangeInclusive<u16>,
    pub(super) name: String,
    pub(super) outcome: Outcome,
    pub(super) seconds: f64,
    pub(super) output: String,
}

#[derive(PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    /// With the reason that the test gave.
    Skipped(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("ok"),
            Self::Failed => f.write_str("FAILED"),
            Self::Skipped(reason) => write!(f, "skipped: {reason}"),
        }
    }
}

/// Builds every test of the workspace and runs those of hostile cases; `prepare` is given each command.
pub(super) fn run(project: &Project, prepare: impl Fn(&mut Command)) -> Result<Vec<Test>> {
    let mut tests = Vec::new();
    for (program, folder) in programs(project)? {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut command = project.command(&program);
        command.current_dir(&folder).env("CARGO_MANIFEST_DIR", &folder);
        command.args(["case_", "--format", "json", "-Z", "unstable-options", "--report-time", "--show-output"]);
        // The runner's report for machines is an unstable option, which a stable runner takes so.
        command.env("RUSTC_BOOTSTRAP", "1").stdin(Stdio::null()).stderr(Stdio::inherit());
        prepare(&mut command);
        let output = command.output().with_context(|| format!("cannot start {}", program.display()))?;
        let report = String::from_utf8_lossy(&output.stdout);
        let found: Vec<Test> = report.lines().filter_map(test).collect();
        // A runner that dies has no last word, and its tests must not count as absent.
        let ended = report.lines().any(|line| line.contains(r#""type": "suite", "event": "ok""#));
        let failed = found.iter().any(|test| test.outcome == Outcome::Failed);
        ensure!(ended || failed, "{name} ended with {} in the middle of its tests:\n{report}", output.status);
        if !found.is_empty() {
            say(&format!("hostile: {} tests in {name}", found.len()));
        }
        tests.extend(found);
    }
    Ok(tests)
}

/// The cases of every test in the workspace, none of which is run.
pub(super) fn list(project: &Project) -> Result<Vec<RangeInclusive<u16>>> {
    let mut found = Vec::new();
    for (program, _) in programs(project)? {
        let output = project.command(&program).args(["case_", "--list", "--format", "terse"]).output();
        let output = output.with_context(|| format!("cannot start {}", program.display()))?;
        ensure!(output.status.success(), "{} does not list its tests: {}", program.display(), output.status);
        let names = String::from_utf8_lossy(&output.stdout).into_owned();
        found.extend(names.lines().filter_map(|line| cases(line.strip_suffix(": test")?)));
    }
    Ok(found)
}

/// The test programs of the workspace, each with its crate's folder, where cargo would start it.
fn programs(project: &Project) -> Result<Vec<(PathBuf, PathBuf)>> {
    let mut cargo = project.cargo();
    cargo.args(["test", "--workspace", "--no-run", "--quiet", "--message-format=json"]);
    let output = cargo.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "the tests do not build: {}", output.status);
    let report = String::from_utf8_lossy(&output.stdout);
    let mut programs: Vec<_> = report.lines().filter_map(program).collect();
    programs.sort();
    ensure!(!programs.is_empty(), "cargo names no test program");
    Ok(programs)
}

fn program(line: &str) -> Option<(PathBuf, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?;
    Some((message["executable"].as_str()?.into(), folder.to_owned()))
}

/// A line of the runner's report, if it says how a hostile case ended.
fn test(line: &str) -> Option<Test> {
    let event: Value = serde_json::from_str(line).ok()?;
    if event["type"] != "test" {
        return None;
    }
    let name = event["name"].as_str()?;
    let cases = cases(name)?;
    let output = event["stdout"].as_str().unwrap_or_default().to_owned();
    let outcome = match event["event"].as_str()? {
        "ok" => skipped(&output).map_or(Outcome::Passed, Outcome::Skipped),
        "ignored" => Outcome::Skipped("the test is ignored".to_owned()),
        "failed" => Outcome::Failed,
        // `timeout` says that it has run for a minute; how it ends is told later.
        _ => return None,
    };
    let seconds = event["exec_time"].as_f64().unwrap_or_default();
    Some(Test { cases, name: name.to_owned(), outcome, seconds, output })
}

/// The cases in a test's name: `case_017_…` or `case_063_to_070_…`.
fn cases(name: &str) -> Option<RangeInclusive<u16>> {
    let own = name.rsplit("::").next()?.strip_prefix("case_")?;
    let mut words = own.split('_');
    let first = words.next()?.parse().ok()?;
    let last = match (words.next(), words.next()) {
        (Some("to"), Some(last)) => last.parse().ok()?,
        _ => first,
    };
    Some(first..=last)
}

/// The reason in `skipped: case NNN: reason`.
fn skipped(output: &str) -> Option<String> {
    let line = output.lines().find_map(|line| line.strip_prefix("skipped: case "))?;
    Some(line.split_once(": ").map_or(line, |(_, reason)| reason).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_lines_become_tests() {
        let line = r#"{ "type": "test", "name": "hostile::case_063_to_070_names", "event": "ok", "exec_time": 0.5, "stdout": "skipped: case 063: no git here\n" }"#;
        let test = test(line).expect("a test");
        assert_eq!((test.cases, test.seconds), (63..=70, 0.5));
        assert!(test.outcome == Outcome::Skipped("no git here".to_owned()));
    }

    #[test]
    fn other_lines_do_not() {
        for line in [
            "warning: prose",
            r#"{ "type": "suite", "event": "ok", "passed": 1 }"#,
            r#"{ "type": "test", "event": "started", "name": "hostile::case_001_loop" }"#,
            r#"{ "type": "test", "event": "timeout", "name": "hostile::case_001_loop" }"#,
            r#"{ "type": "test", "event": "ok", "name": "lower_case_names" }"#,
            r#"{ "type": "test", "event": "ok", "name": "case_of_beer" }"#,
        ] {
            assert!(test(line).is_none(), "{line}");
        }
        assert_eq!(cases("a::case_001_a_loop"), Some(1..=1));
    }
}
