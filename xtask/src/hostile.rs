//! Runs every test of a hostile case and says, case by case, what came of it. All of it is from the
//! test runner's own report; the catalogue of docs/operations/hostile.md says which cases there are.

mod catalogue;
mod runner;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};

use crate::plugins::plugins;
use crate::project::{Project, say};
use crate::setup::{equip, setup};
use runner::{Outcome, Test};

/// Set for the tests that have a longer form.
const LONG: &str = "CERTUS_HOSTILE_LONG";

/// Builds and runs the tests; fails when one fails, or a case of the catalogue has none. With `--list` it only sees
/// that each has one.
pub(crate) fn hostile(project: &Project, arguments: &[String]) -> Result<()> {
    let short = match arguments {
        [] => false,
        [one] if one == "--short" => true,
        [one] if one == "--list" => return list(project),
        _ => bail!("hostile takes `--short` or `--list` at most"),
    };
    setup(project, &[])?;
    plugins(project, &[])?;
    let catalogue = catalogue::read(project)?;
    let mut tests = runner::run(project, |command| {
        if short {
            command.env_remove(LONG)
        } else {
            command.env(LONG, "1")
        };
        equip(project, command);
    })?;
    tests.sort_by(|a, b| (a.cases.start(), &a.name).cmp(&(b.cases.start(), &b.name)));

    for test in &tests {
        say(&row(test));
    }
    let failed: Vec<&Test> = tests.iter().filter(|test| test.outcome == Outcome::Failed).collect();
    for test in &failed {
        say(&format!("\n{} failed:\n{}", test.name, test.output.trim_end()));
    }
    let with = |wanted: fn(&Outcome) -> bool| -> BTreeSet<u16> {
        tests.iter().filter(|test| wanted(&test.outcome)).flat_map(|test| test.cases.clone()).collect()
    };
    let (passed, skipped) = (with(|o| *o == Outcome::Passed), with(|o| matches!(o, Outcome::Skipped(_))));
    let (broken, tested) = (with(|o| *o == Outcome::Failed), with(|_| true));
    let whole = passed.iter().filter(|case| !skipped.contains(case) && !broken.contains(case)).count();
    let seconds: f64 = tests.iter().map(|test| test.seconds).sum();
    say(&format!(
        "\nhostile: {} cases with a test, {whole} passed, {} skipped, {} failed; {} tests, {seconds:.0} s",
        tested.len(),
        skipped.len(),
        broken.len(),
        tests.len()
    ));
    ensure!(failed.is_empty(), "{} tests of hostile cases failed", failed.len());
    compare(&catalogue, &tested)
}

/// Sees that every case has a test, without running any.
fn list(project: &Project) -> Result<()> {
    let tested: BTreeSet<u16> = runner::list(project)?.into_iter().flatten().collect();
    compare(&catalogue::read(project)?, &tested)
}

fn compare(catalogue: &BTreeMap<u16, String>, tested: &BTreeSet<u16>) -> Result<()> {
    let missing: Vec<_> = catalogue.iter().filter(|(case, _)| !tested.contains(case)).collect();
    say(&format!("hostile: {} cases in the catalogue, {} without a test", catalogue.len(), missing.len()));
    missing.iter().for_each(|(case, what)| say(&format!("hostile: without a test: {case} ({what})")));
    let unlisted: Vec<String> =
        tested.iter().filter(|case| !catalogue.contains_key(case)).map(ToString::to_string).collect();
    if !unlisted.is_empty() {
        say(&format!("hostile: tested, but not in the catalogue: {}", unlisted.join(", ")));
    }
    ensure!(missing.is_empty(), "{} cases of the catalogue have no test", missing.len());
    Ok(())
}

fn row(test: &Test) -> String {
    let cases = match (test.cases.start(), test.cases.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    };
    format!("{cases:>7}  {:<80} {:>7.2} s  {}", test.name, test.seconds, test.outcome)
}
