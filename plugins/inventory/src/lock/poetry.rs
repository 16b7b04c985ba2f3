//! `poetry.lock`, versions 1 and 2.

use std::collections::BTreeMap;

use certus_sdk_core::{Hash, Scope};

use super::Lock;
use super::python::Names;
use crate::error::Error;
use crate::hash;
use crate::node::{Node, toml};
use crate::package::{Ecosystem, Package, normalised};

/// Reads a file. It does not hold the project itself.
pub(super) fn read(text: &str) -> Result<Lock, Error> {
    let document = toml::parse(text)?;
    let metadata = document.require("metadata")?;
    let version = metadata.text("lock-version").unwrap_or("1.0");
    if !matches!(version.split('.').next(), Some("1" | "2")) {
        return Err(Error::UnknownVersion { key: "lock-version" });
    }
    // Early versions keep the files of all packages in one table.
    let apart: BTreeMap<String, Vec<Hash>> = metadata
        .members_of("files")
        .iter()
        .map(|member| (normalised(&member.key), hashes(member.node.items())))
        .collect();

    let mut lock = Lock::default();
    let mut names = Names::default();
    let mut positions = Vec::new();
    for entry in document.items_of("package") {
        let name = entry.text("name").ok_or(Error::Missing { what: "name" })?;
        let apart = apart.get(&normalised(name)).cloned().unwrap_or_default();
        let at = lock.add(package(entry, name, apart));
        names.insert(name, at);
        positions.push((entry, at));
    }
    for (entry, from) in positions {
        for need in entry.members_of("dependencies") {
            names.link(&mut lock, from, &need.key, None);
        }
    }
    Ok(lock)
}

fn package(entry: &Node<'_>, name: &str, apart: Vec<Hash>) -> Package {
    let package =
        Package::new(Ecosystem::Pypi, name, entry.span.clone()).version(entry.text("version")).scope(scope(entry));
    let source = entry.get("source");
    let from = |key| source.and_then(|source| source.text(key));
    match (from("type"), from("url")) {
        (Some("git"), Some(repository)) => package.git(repository, from("resolved_reference")),
        (Some("directory" | "file"), _) => package.local(),
        (_, url) => package.archive(url).hashes(hashes(entry.items_of("files"))).hashes(apart),
    }
}

/// Version 2.1 names groups, of which `main` is what runs; version 1 names a category.
fn scope(entry: &Node<'_>) -> Scope {
    if entry.flag("optional") {
        return Scope::Optional;
    }
    let groups = entry.items_of("groups");
    match entry.text("category") {
        _ if groups.iter().any(|group| group.as_text() == Some("main")) => Scope::Runtime,
        _ if !groups.is_empty() => Scope::Development,
        Some("main") => Scope::Runtime,
        Some(_) => Scope::Development,
        None => Scope::Unknown,
    }
}

fn hashes(files: &[Node<'_>]) -> Vec<Hash> {
    let files = files.iter();
    files.filter_map(|file| hash::prefixed(file.text("hash")?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::testing::{edges, find, names};
    use crate::package::Source;

    #[test]
    fn groups_sources_and_needs() {
        let hash = "ab".repeat(32);
        let text = format!(
            r#"[[package]]
name = "A.b"
version = "1.0"
optional = false
groups = ["main", "dev"]
files = [{{file = "a-1.0.tar.gz", hash = "sha256:{hash}"}}]

[package.dependencies]
c = {{version = "*", optional = true}}
d = [{{version = ">=1"}}, {{version = ">=2"}}]

[[package]]
name = "c"
version = "1.0"
optional = true
groups = ["main"]
files = []

[[package]]
name = "d"
version = "1.0"
optional = false
groups = ["dev"]

[package.source]
type = "git"
url = "https://x.example/d.git"
reference = "main"
resolved_reference = "0123456789abcdef0123456789abcdef01234567"

[metadata]
lock-version = "2.1"
"#
        );
        let lock = read(&text).unwrap();
        assert_eq!(names(&lock), ["a-b@1.0", "c@1.0", "d@1.0"]);
        assert_eq!(edges(&lock, "a-b@1.0"), ["c@1.0", "d@1.0"]);
        for (package, scope, source, hashes) in [
            ("a-b@1.0", Scope::Runtime, Source::Hashed, 1),
            ("c@1.0", Scope::Optional, Source::Hashed, 0),
            ("d@1.0", Scope::Development, Source::Git { pinned: true }, 0),
        ] {
            let found = find(&lock, package);
            assert_eq!((found.scope, found.source, found.hashes.len()), (scope, source, hashes), "{package}");
        }
    }

    #[test]
    fn version_one_keeps_categories_and_files_apart() {
        let text = format!(
            "[[package]]\nname = \"a\"\nversion = \"1\"\ncategory = \"dev\"\noptional = false\n\n[metadata]\nlock-version = \"1.1\"\n\n[metadata.files]\nA = [{{file = \"a\", hash = \"sha256:{}\"}}]\n",
            "ab".repeat(32)
        );
        let lock = read(&text).unwrap();
        let a = find(&lock, "a@1");
        assert_eq!((a.scope, a.hashes.len()), (Scope::Development, 1));
    }

    #[test]
    fn what_is_no_lock_file_is_an_error() {
        let error = read("[[package]]\nname = \"a\"\n").map(|_| ());
        assert_eq!(error, Err(Error::Missing { what: "metadata" }));
    }
}
