use std::fs;

use anyhow::{Context as _, Result};

use super::{Fuzz, folder};

/// What one target reached, from the report that libFuzzer ends with.
pub(super) struct Outcome {
    pub(super) executions: u64,
    pub(super) edges: String,
    pub(super) corpus: String,
    /// What it found, none if nothing.
    pub(super) finding: Option<String>,
    /// How to see that again.
    pub(super) rerun: String,
}

/// Runs one target. Its corpus grows from run to run; seeds are read and left alone.
pub(super) fn run(fuzz: &Fuzz, target: &str, seconds: u64) -> Result<Outcome> {
    let work = &fuzz.work;
    let artifacts = work.join("artifacts").join(target);
    folder(&artifacts)?;
    let temporary = work.join("tmp").join(target);
    folder(&temporary)?;
    let program = fuzz.programs.join(target);

    let mut fuzzer = std::process::Command::new(&program);
    fuzzer.current_dir(&temporary).env("TMPDIR", &temporary);
    fuzzer.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={}/", artifacts.display()));
    fuzzer.args(["-print_final_stats=1", "-timeout=20", "-rss_limit_mb=2048"]);
    fuzzer.arg(folder(&work.join("corpus").join(target))?);
    for seeds in [fuzz.sources.join("seeds").join(target), work.join("seeds").join(target)] {
        if seeds.is_dir() {
            fuzzer.arg(seeds);
        }
    }
    let output = fuzzer.output().with_context(|| format!("cannot start {}", program.display()))?;
    // The fuzzer ends its process without cleaning up.
    fs::remove_dir_all(&temporary).with_context(|| format!("cannot remove {}", temporary.display()))?;

    let report = String::from_utf8_lossy(&output.stderr);
    let log = folder(&work.join("logs"))?.join(target);
    fs::write(&log, report.as_bytes()).with_context(|| format!("cannot write {}", log.display()))?;
    let last = report.lines().rfind(|line| line.contains(" cov: ")).unwrap_or_default();
    let word = |after: &str| {
        let rest = last.split_once(after).map_or("", |(_, rest)| rest);
        rest.split([' ', '/']).next().unwrap_or_default().to_owned()
    };
    let executions = report.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let input = report.lines().find_map(|line| line.split_once("Test unit written to ").map(|(_, path)| path));
    let finding = (!output.status.success()).then(|| format!("{} (log: {})", cause(&report), log.display()));
    Ok(Outcome {
        executions: executions.and_then(|count| count.trim().parse().ok()).unwrap_or_default(),
        edges: word(" cov: "),
        corpus: word(" corp: "),
        finding,
        rerun: format!("{} {}", program.display(), input.unwrap_or_default()),
    })
}

/// The line that says what went wrong: the panic's message, or libFuzzer's own verdict.
fn cause(report: &str) -> &str {
    let mut lines = report.lines().skip_while(|line| !line.contains(" panicked at "));
    let panic = lines.nth(1);
    let verdict = report.lines().find_map(|line| line.split_once("ERROR: libFuzzer: ").map(|(_, verdict)| verdict));
    panic.or(verdict).unwrap_or("ended with a failure")
}
