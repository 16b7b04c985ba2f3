use std::collections::BTreeSet;

use certus_sdk_core::{Kind, Location, Problem, Report, Revision, Settings, TreeScanner, Workspace};

use crate::error::Error;
use crate::lock::{Format, Place};
use crate::report::Builder;

/// A larger lock file is not read: the tree of one with 100,000 packages takes a third of it.
const MAX_FILE: u64 = 32 << 20;

/// Reads every lock file of the workspace.
#[derive(Debug)]
pub struct Inventory;

impl TreeScanner for Inventory {
    fn configure(_: &Settings) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn scan(&self, workspace: &dyn Workspace) -> Result<Report, Problem> {
        let mut files = BTreeSet::new();
        let mut report = Builder::default();
        for entry in workspace.walk(Revision::Head) {
            let entry = entry?;
            if Format::of(&entry.path).is_none() {
                continue;
            }
            if entry.kind != Kind::File {
                let note = "a lock file that is a link is not followed: keep the file itself here";
                report.problem(Problem::unsupported(note).at(Location::whole(entry.path)));
                continue;
            }
            files.insert((entry.path, entry.size));
        }
        let known: BTreeSet<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        for (path, size) in &files {
            if let Err(problem) = file(workspace, path, *size, &known, &mut report) {
                report.problem(problem);
            }
        }
        Ok(report.finish())
    }
}

/// Reads one lock file into the report.
fn file(
    workspace: &dyn Workspace,
    path: &str,
    size: u64,
    known: &BTreeSet<&str>,
    report: &mut Builder,
) -> Result<(), Problem> {
    let Some(format) = Format::of(path) else {
        return Ok(());
    };
    let failed = |error: &Error| Problem::from(error).at(Location::whole(path));
    if size > MAX_FILE {
        return Err(failed(&Error::TooLarge { size, limit: MAX_FILE }));
    }
    let content = read(workspace, path)?;
    let (text, skipped) = text(&content).map_err(|error| failed(&error))?;

    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let neighbour = format.neighbour().map(|name| match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    });
    let neighbour = neighbour.filter(|path| known.contains(path.as_str()));
    // A neighbour that cannot be read is reported where it is read itself.
    let beside = neighbour.and_then(|path| read(workspace, &path).ok());
    let beside = beside.as_deref().and_then(|content| text_of(content));
    let place = Place { path, neighbour: beside };

    let lock = format.read(text, place).map_err(|error| failed(&error))?;
    for (included, span) in &lock.includes {
        if !known.contains(included.as_str()) {
            let span = span.start + skipped..span.end + skipped;
            let problem = Problem::from(&Error::NotIncluded { at: span.start });
            report.problem(problem.at(Location::range(path, span)));
        }
    }
    report.add(path, skipped, &lock).map_err(|error| failed(&error))
}

fn read(workspace: &dyn Workspace, path: &str) -> Result<Vec<u8>, Problem> {
    let content = workspace.read_all(Revision::Head, path);
    content.map_err(|error| error.into_problem(path))
}

/// The text of a file and how many bytes of it are a byte order mark.
fn text(content: &[u8]) -> Result<(&str, usize), Error> {
    let text = std::str::from_utf8(content).map_err(|error| Error::NotUtf8 { at: error.valid_up_to() })?;
    match text.strip_prefix('\u{feff}') {
        Some(rest) => Ok((rest, text.len() - rest.len())),
        None => Ok((text, 0)),
    }
}

fn text_of(content: &[u8]) -> Option<&str> {
    text(content).ok().map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use certus_sdk_core::{Reason, testing};

    use super::*;

    fn scan(workspace: &testing::Workspace) -> Report {
        let inventory = Inventory::configure(&Settings::default()).unwrap();
        inventory.scan(workspace).unwrap()
    }

    fn problems(report: &Report) -> Vec<(&str, Reason)> {
        let problems = report.problems.iter();
        problems.map(|p| (p.at.as_ref().map_or("", |at| at.path.as_str()), p.reason)).collect()
    }

    const CARGO: &str = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n";

    #[test]
    fn a_broken_file_is_a_problem_and_the_others_are_read() {
        let deep = "[".repeat(10_000);
        let laughs = "a: &a [x]\nb: [*a, *a]\n";
        let workspace = testing::Workspace::new([
            ("Cargo.lock", CARGO.as_bytes()),
            ("a/package-lock.json", deep.as_bytes()),
            ("b/package-lock.json", b"{\"lockfileVersion\": 3, "),
            ("c/pnpm-lock.yaml", laughs.as_bytes()),
            ("d/go.sum", b"\xff\xfe"),
            ("e/requirements.txt", b"Just some prose.\n"),
            ("f/package-lock.json", b"{\"lockfileVersion\": 7}"),
            ("g/README.md", b"not a lock file"),
        ])
        .symlink("h/Cargo.lock");
        let report = scan(&workspace);
        assert_eq!(report.dependencies.len(), 1);
        assert_eq!(
            problems(&report),
            [
                ("a/package-lock.json", Reason::Malformed),
                ("b/package-lock.json", Reason::Malformed),
                ("c/pnpm-lock.yaml", Reason::Malformed),
                ("d/go.sum", Reason::Malformed),
                ("e/requirements.txt", Reason::Unsupported),
                ("f/package-lock.json", Reason::Unsupported),
                ("h/Cargo.lock", Reason::Unsupported),
            ]
        );
    }

    #[test]
    fn what_is_nested_too_deeply_or_too_large_is_exhausted() {
        let nested = format!("{{\"lockfileVersion\": 3, \"packages\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        let large = vec![b' '; MAX_FILE as usize + 1];
        let workspace = testing::Workspace::new([("a/package-lock.json", nested.into_bytes()), ("b/yarn.lock", large)]);
        let report = scan(&workspace);
        assert_eq!(problems(&report), [("a/package-lock.json", Reason::Exhausted), ("b/yarn.lock", Reason::Exhausted)]);
    }

    #[test]
    fn a_package_without_a_name_is_a_problem_of_its_file() {
        let workspace = testing::Workspace::new([
            ("a/requirements.txt", "git+https://x.example/y@main#egg=\n"),
            ("b/requirements.txt", "git+https://x.example/.git#egg=\n"),
        ]);
        let report = scan(&workspace);
        let names: Vec<_> = report.dependencies.iter().map(|dependency| dependency.name.as_str()).collect();
        assert_eq!(names, ["y"], "what `egg` does not say, the address says");
        assert_eq!(problems(&report), [("b/requirements.txt", Reason::Malformed)]);
    }

    #[test]
    fn an_included_list_is_read_on_its_own_or_reported() {
        let workspace = testing::Workspace::new([
            ("requirements.txt", "-r requirements/base.txt\n-r deps/list.txt\n"),
            ("requirements/base.txt", "a==1\n"),
        ]);
        let report = scan(&workspace);
        assert_eq!(report.dependencies.len(), 1);
        assert_eq!(report.problems[0].at, Some(Location::range("requirements.txt", 25..41_usize)));
        assert_eq!(report.problems[0].reason, Reason::Unsupported);
    }

    #[test]
    fn a_byte_order_mark_and_line_breaks_of_either_kind_change_nothing_but_spans() {
        let marked = format!("\u{feff}{}", CARGO.replace('\n', "\r\n"));
        let workspace = testing::Workspace::new([("Cargo.lock", marked.clone())]);
        let report = scan(&workspace);
        let span = report.dependencies[0].evidence[0].span.unwrap();
        let entry = &marked[span.within(marked.len()).unwrap()];
        assert_eq!(entry, CARGO.replace('\n', "\r\n").trim_end());
    }

    #[test]
    fn the_same_package_in_two_lock_files_is_two_records() {
        let workspace = testing::Workspace::new([("a/Cargo.lock", CARGO), ("b/Cargo.lock", CARGO)]);
        let ids: Vec<_> = scan(&workspace).dependencies.into_iter().map(|dependency| dependency.id).collect();
        assert_eq!(ids, ["a/Cargo.lock#cargo/a@1.0.0", "b/Cargo.lock#cargo/a@1.0.0"]);
    }

    #[test]
    fn go_files_read_each_other_in_their_own_folder_only() {
        let sums = "example.com/a v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
        let module = "module example.com/m\ngo 1.20\nrequire example.com/a v1.0.0\n";
        let workspace = testing::Workspace::new([("go.mod", module), ("go.sum", sums), ("sub/go.sum", sums)]);
        let report = scan(&workspace);
        let found: Vec<_> = report.dependencies.iter().map(|d| (d.id.as_str(), d.hashes.len())).collect();
        assert_eq!(
            found,
            [
                ("go.mod#golang/example.com/a@v1.0.0", 1),
                ("go.mod#golang/example.com/m@", 0),
                ("sub/go.sum#golang/example.com/a@v1.0.0", 1)
            ]
        );
    }

    /// The manifest's examples, each file alone in a workspace.
    #[test]
    fn every_rule_fires_on_its_bad_examples_and_not_on_its_good_ones() {
        let manifest: toml::Table = include_str!("../plugin.toml").parse().unwrap();
        for rule in manifest["rules"].as_array().unwrap() {
            let id = rule["id"].as_str().unwrap();
            for (kind, expected) in [("bad", true), ("good", false)] {
                for example in rule["examples"][kind].as_array().unwrap() {
                    let path = example["path"].as_str().unwrap();
                    let text = example["text"].as_str().unwrap();
                    let report = scan(&testing::Workspace::new([(path, text)]));
                    let fired = report.findings.iter().any(|finding| finding.rule == id);
                    assert_eq!(fired, expected, "{id}, {kind}: {path}");
                }
            }
        }
    }

    /// Every name that is read is granted, and nothing is granted that is not read.
    #[test]
    fn the_manifest_grants_the_files_that_are_read() {
        let manifest: toml::Table = include_str!("../plugin.toml").parse().unwrap();
        let globs = manifest["capabilities"]["workspace"]["include"].as_array();
        for glob in globs.unwrap() {
            let path = glob.as_str().unwrap().replace("**", "a").replace('*', "x");
            assert!(Format::of(&path).is_some(), "{path}");
        }
    }
}
