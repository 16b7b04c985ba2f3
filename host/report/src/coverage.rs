//! `coverage.json`: per plugin and file, what was looked at and what was not.

use std::collections::BTreeMap;

use certus_model::coverage::{FileState, Refused, RunStatus};
use certus_model::escape::one_line;
use certus_model::workspace::{EntryKind, Workspace};
use certus_model::{PluginId, PluginRun, RepoPath, Sha256, canonical_json};
use serde::Serialize;

use crate::Error;

/// The name and version of the document's form.
pub const SCHEMA: &str = "certus-coverage/1";

/// A tool that was asked for and did not run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NotRun {
    /// The name that was asked for.
    pub tool: String,
    /// Why it did not run, as a clause.
    pub reason: String,
    /// Whether the decision is `error` because of it.
    pub required: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    tree_digest: Sha256,
    /// In order of their paths; everything else refers to them by position.
    files: Vec<File<'a>>,
    plugins: Vec<Plugin<'a>>,
    not_run: &'a [NotRun],
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a RepoPath,
    kind: EntryKind,
    size: u64,
    sha256: Sha256,
}

#[derive(Serialize)]
struct Plugin<'a> {
    id: &'a PluginId,
    version: String,
    digest: Sha256,
    status: RunStatus,
    /// Files of each state.
    counts: BTreeMap<String, u64>,
    /// Half-open ranges `[from, to]` of positions in `files`, by state; together they cover it once.
    states: BTreeMap<String, Vec<[usize; 2]>>,
    refused: &'a Refused,
    /// Problems that the plugin stated of no single file.
    problems: u64,
}

/// The document for `runs`, which are in order of their plugins.
pub(crate) fn document(
    runs: &[&PluginRun],
    workspace: &dyn Workspace,
    tree_digest: Sha256,
    not_run: &[NotRun],
) -> Result<Vec<u8>, Error> {
    let files = workspace.entries().iter();
    let files = files.map(|entry| File { path: &entry.path, kind: entry.kind, size: entry.size, sha256: entry.digest });
    let plugins = runs.iter().map(|run| Plugin {
        id: &run.manifest.plugin.id,
        version: one_line(&run.manifest.plugin.version, 100),
        digest: run.digest,
        status: run.status,
        counts: counts(&run.files).into_iter().map(|(state, count)| (state.to_string(), count)).collect(),
        states: ranges(&run.files),
        refused: &run.refused,
        problems: run.problems,
    });
    let (files, plugins) = (files.collect(), plugins.collect());
    Ok(canonical_json(&Document { schema: SCHEMA, tree_digest, files, plugins, not_run })?)
}

/// The number of files of each state that occurs.
pub(crate) fn counts(files: &[FileState]) -> BTreeMap<FileState, u64> {
    let mut counts = BTreeMap::new();
    for state in files {
        *counts.entry(*state).or_default() += 1;
    }
    counts
}

fn ranges(files: &[FileState]) -> BTreeMap<String, Vec<[usize; 2]>> {
    let mut ranges: BTreeMap<String, Vec<[usize; 2]>> = BTreeMap::new();
    let mut from = 0;
    for stretch in files.chunk_by(|a, b| a == b) {
        ranges.entry(stretch[0].to_string()).or_default().push([from, from + stretch.len()]);
        from += stretch.len();
    }
    ranges
}

#[cfg(test)]
mod tests {
    use certus_model::coverage::SkipReason;
    use certus_model::outcome::CallReason;

    use super::*;

    #[test]
    fn ranges_cover_the_files_once() {
        use FileState::{Analysed, Failed, Skipped};
        let files = [Analysed, Analysed, Skipped(SkipReason::Binary), Failed(CallReason::Fuel), Analysed];
        let ranges = ranges(&files);
        assert_eq!(ranges["analysed"], [[0, 2], [4, 5]]);
        assert_eq!(ranges["skipped:binary"], [[2, 3]]);
        assert_eq!(ranges["failed:fuel"], [[3, 4]]);
        assert_eq!(super::ranges(&[]).len(), 0);
    }
}
