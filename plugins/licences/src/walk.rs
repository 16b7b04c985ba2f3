//! The files that WASI shows, through `std::fs` alone.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use certus_sdk_core::{Location, Problem, Report};

use crate::collect::{Collector, Purpose};

/// Reads every file below `root`. What lies there is what was granted, laid out as in the workspace,
/// so that a path below `root` is a path of the workspace.
pub(crate) fn walk(root: &Path) -> Report {
    let mut collector = Collector::default();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        match entries(root, &folder) {
            Ok(entries) => {
                for (path, kind) in entries {
                    match kind {
                        Kind::Folder => folders.push(path),
                        Kind::File => file(root, &path, &mut collector),
                        Kind::Other => {}
                    }
                }
            }
            Err(error) => collector.problem(unreadable(&error, &folder)),
        }
    }
    collector.finish()
}

enum Kind {
    Folder,
    File,
    /// A link or a device: never followed, never opened.
    Other,
}

fn entries(root: &Path, folder: &str) -> io::Result<Vec<(String, Kind)>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        let path = match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        let kind = entry.file_type()?;
        let kind = if kind.is_dir() {
            Kind::Folder
        } else if kind.is_file() {
            Kind::File
        } else {
            Kind::Other
        };
        entries.push((path, kind));
    }
    Ok(entries)
}

fn file(root: &Path, path: &str, collector: &mut Collector) {
    let purpose = Purpose::of(path);
    // One byte more tells that there is more.
    match head(&root.join(path), purpose.limit() + 1) {
        Ok(content) => collector.file(path, purpose, &content),
        Err(error) => collector.problem(unreadable(&error, path)),
    }
}

fn head(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut content)?;
    Ok(content)
}

fn unreadable(error: &io::Error, path: &str) -> Problem {
    let problem = Problem::internal(format!("not readable ({}): look at the host's log", error.kind()));
    match path {
        "" => problem,
        path => problem.at(Location::whole(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, content: &[u8]) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    #[test]
    fn paths_are_those_of_the_workspace_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let header = b"# SPDX-License-Identifier: ISC\n";
        write(folder.path(), "a/b/c.py", header);
        write(folder.path(), "d.py", header);
        write(folder.path(), "a/empty.py", b"");
        #[cfg(unix)]
        std::os::unix::fs::symlink("..", folder.path().join("a/loop")).unwrap();
        let report = walk(folder.path());
        assert!(report.problems.is_empty());
        let [finding] = &report.findings[..] else { panic!("one finding: {:?}", report.findings) };
        assert_eq!(finding.at.path, "d.py");
        let related: Vec<_> = finding.related.iter().map(|l| l.path.as_str()).collect();
        assert_eq!(related, ["a/b/c.py"]);
    }

    #[test]
    fn a_root_that_is_not_there_is_a_problem_of_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let report = walk(&folder.path().join("absent"));
        assert_eq!(report.problems.len(), 1);
        assert_eq!(report.problems[0].at, None);
    }

    /// The manifest's examples, each file alone in a tree.
    #[test]
    fn every_rule_fires_on_its_bad_examples_and_not_on_its_good_ones() {
        let manifest: toml::Table = include_str!("../plugin.toml").parse().unwrap();
        for rule in manifest["rules"].as_array().unwrap() {
            let id = rule["id"].as_str().unwrap();
            for (kind, expected) in [("bad", true), ("good", false)] {
                for example in rule["examples"][kind].as_array().unwrap() {
                    let folder = tempfile::tempdir().unwrap();
                    let path = example["path"].as_str().unwrap();
                    write(folder.path(), path, example["text"].as_str().unwrap().as_bytes());
                    let report = walk(folder.path());
                    let fired = report.findings.iter().any(|finding| finding.rule == id);
                    assert_eq!(fired, expected, "{id}, {kind}: {path}");
                }
            }
        }
    }
}
