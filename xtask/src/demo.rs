use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::plugins::plugins;
use crate::project::{Project, run, say};
use crate::setup::setup;

/// The decision `fail`, and `error`: something was not analysed. Both are answers of a scan that ran.
const DECIDED: [i32; 3] = [0, 2, 3];

/// Scans a repository, prints what was found, and verifies the bundle as a third party would.
pub(crate) fn demo(project: &Project, arguments: &[String]) -> Result<()> {
    ensure!(arguments.len() <= 1, "demo takes one path or URL at most");
    setup(project, &[])?;
    plugins(project, &[])?;
    let certus = project.programs().join("certus");
    let folder = project.target.join("demo");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let out = folder.join(arguments.first().map_or("certus", |source| folder_name(source)));
    let mut scan = project.command(&certus);
    scan.arg("scan");
    match arguments.first() {
        // A path is relative to the caller's folder.
        Some(source) if Path::new(source).exists() => scan.arg(std::path::absolute(source)?),
        Some(url) => scan.arg(url),
        None => scan.arg(&project.root).arg("--baseline").arg(project.root.join("certus-baseline.toml")),
    };
    scan.arg("--out").arg(&out).arg("--force");
    let status = scan.status().context("cannot start certus")?;
    if !status.code().is_some_and(|code| DECIDED.contains(&code)) {
        bail!("the scan ended with {status}");
    }
    run(project.command(&certus).arg("verify").arg(&out))?;
    say(&format!("demo: the bundle lies in {}", out.display()));
    Ok(())
}

/// A folder's name for a path or URL: its last part, without what a file name may not hold.
fn folder_name(source: &str) -> &str {
    let last = source.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if last.chars().all(plain) && !last.trim_matches('.').is_empty() { last } else { "other" }
}
