//! `Cargo.lock`, versions 1 to 4.

use std::collections::BTreeMap;

use super::Lock;
use crate::error::Error;
use crate::hash;
use crate::node::{Node, toml};
use crate::package::{Ecosystem, Package};
use crate::url;

/// The public registry as lock files name it: by its index in git and by its sparse index.
const PUBLIC: [&str; 2] = ["https://github.com/rust-lang/crates.io-index", "https://index.crates.io/"];

/// Reads a file. A package without a source is the project's own: a member of its workspace or a
/// path dependency. The file does not say what is needed for tests alone.
pub(super) fn read(text: &str) -> Result<Lock, Error> {
    let document = toml::parse(text)?;
    if !matches!(document.text("version"), None | Some("1" | "2" | "3" | "4")) {
        return Err(Error::UnknownVersion { key: "version" });
    }
    // Before version 1 had its name, the project itself stood apart.
    let entries: Vec<&Node<'_>> = document.get("root").into_iter().chain(document.items_of("package")).collect();
    if entries.is_empty() {
        return Err(Error::Missing { what: "package" });
    }
    let checksums = document.get("metadata");

    let mut lock = Lock::default();
    let mut by_name: BTreeMap<&str, Vec<(&Node<'_>, usize)>> = BTreeMap::new();
    let mut positions = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = entry.text("name").ok_or(Error::Missing { what: "name" })?;
        let at = lock.add(package(entry, name, checksums));
        by_name.entry(name).or_default().push((entry, at));
        positions.push((entry, at));
    }
    for (entry, from) in positions {
        for dependency in entry.items_of("dependencies") {
            let reference = Reference::of(dependency.as_text().unwrap_or_default());
            let candidates = by_name.get(reference.name).map_or(&[][..], Vec::as_slice);
            for (_, to) in candidates.iter().filter(|(entry, _)| reference.means(entry)) {
                lock.link(from, *to);
            }
        }
    }
    Ok(lock)
}

fn package(entry: &Node<'_>, name: &str, checksums: Option<&Node<'_>>) -> Package {
    let version = entry.text("version");
    let package = Package::new(Ecosystem::Cargo, name, entry.span.clone()).version(version);
    let Some(source) = entry.text("source") else {
        return package.root();
    };
    if let Some(repository) = source.strip_prefix("git+") {
        return package.git(repository, url::fragment(repository));
    }
    let registry = source.split_once('+').map_or(source, |(_, index)| index);
    let mut package = package.archive(Some(registry));
    if !PUBLIC.contains(&registry) {
        package.qualifiers.insert("repository_url", url::without_credentials(registry));
    }
    // Version 1 keeps the checksums in a table of their own, where a fork or mirror has `<none>`.
    let apart = || {
        let version = version.unwrap_or_default();
        checksums?.text(&format!("checksum {name} {version} ({source})"))
    };
    let checksum = entry.text("checksum").or_else(apart);
    package.hashes.extend(checksum.and_then(|digits| hash::named("sha256", digits)));
    package
}

/// `name`, `name version` or `name version (source)`: as much as makes it unambiguous.
struct Reference<'a> {
    name: &'a str,
    version: Option<&'a str>,
    source: Option<&'a str>,
}

impl<'a> Reference<'a> {
    fn of(text: &'a str) -> Self {
        let mut parts = text.splitn(3, ' ');
        Self {
            name: parts.next().unwrap_or_default(),
            version: parts.next(),
            source: parts.next().map(|source| source.trim_matches(['(', ')'])),
        }
    }

    /// Whether it means an entry of its name. An entry's source may add the commit.
    fn means(&self, entry: &Node<'_>) -> bool {
        let version = self.version.is_none_or(|v| entry.text("version") == Some(v));
        let source = self
            .source
            .is_none_or(|s| entry.text("source").is_some_and(|of| of == s || of.split('#').next() == Some(s)));
        version && source
    }
}

#[cfg(test)]
mod tests {
    use certus_sdk_core::Scope;

    use super::*;
    use crate::lock::testing::{edges, entries, find, names};
    use crate::package::Source;

    const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn version_four_with_two_versions_a_fork_and_another_registry() {
        let text = format!(
            r#"version = 4

[[package]]
name = "app"
version = "0.1.0"
dependencies = [
 "a 1.0.0",
 "b",
 "c 1.0.0 (git+https://x.example/c.git?branch=main)",
]

[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "{HASH}"

[[package]]
name = "a"
version = "2.0.0"
source = "sparse+https://u:p@crates.example/index/"
checksum = "{HASH}"

[[package]]
name = "b"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = ["a 2.0.0"]

[[package]]
name = "c"
version = "1.0.0"
source = "git+https://x.example/c.git?branch=main#0123456789abcdef0123456789abcdef01234567"
"#
        );
        let lock = read(&text).unwrap();
        assert_eq!(names(&lock), ["a@1.0.0", "a@2.0.0", "app@0.1.0", "b@1.0.0", "c@1.0.0"]);
        assert_eq!(edges(&lock, "app@0.1.0"), ["a@1.0.0", "b@1.0.0", "c@1.0.0"]);
        assert_eq!(edges(&lock, "b@1.0.0"), ["a@2.0.0"]);
        let app = find(&lock, "app@0.1.0");
        assert!(app.root && app.scope == Scope::Runtime);
        let a = find(&lock, "a@2.0.0");
        assert_eq!(a.qualifiers["repository_url"], "https://crates.example/index/");
        assert_eq!(a.hashes.len(), 1);
        assert!(find(&lock, "a@1.0.0").qualifiers.is_empty());
        assert_eq!(find(&lock, "b@1.0.0").source, Source::Hashed);
        assert_eq!(find(&lock, "c@1.0.0").source, Source::Git { pinned: true });
        let [entry] = entries(&lock, "b@1.0.0", &text)[..] else { panic!("one entry") };
        assert!(entry.starts_with("[[package]]\nname = \"b\""));
        assert!(entry.ends_with("dependencies = [\"a 2.0.0\"]"));
    }

    #[test]
    fn version_one_with_its_checksums_apart() {
        let text = format!(
            r#"[root]
name = "app"
version = "0.1.0"
dependencies = ["a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)"]

[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[metadata]
"checksum a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)" = "{HASH}"
"#
        );
        let lock = read(&text).unwrap();
        assert_eq!(edges(&lock, "app@0.1.0"), ["a@1.0.0"]);
        assert_eq!(find(&lock, "a@1.0.0").hashes.len(), 1);
    }

    #[test]
    fn what_is_no_lock_file_is_an_error() {
        assert_eq!(read("a = 1").map(|_| ()), Err(Error::Missing { what: "package" }));
        let future = "version = 9\n[[package]]\nname = \"a\"\n";
        assert_eq!(read(future).map(|_| ()), Err(Error::UnknownVersion { key: "version" }));
    }
}
