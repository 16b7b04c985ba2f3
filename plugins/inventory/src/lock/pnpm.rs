//! `pnpm-lock.yaml`, versions 5 to 9.
//!
//! Version 5 names a package `/name/1.0.0_peers`, version 6 `/name@1.0.0(peers)`, version 9
//! `name@1.0.0` and keeps what needs what apart, under `snapshots` and with the peers.

use std::collections::BTreeMap;

use certus_sdk_core::Scope;

use super::npm::descriptor;
use super::{Lock, Place};
use crate::error::Error;
use crate::hash;
use crate::node::{Member, Node, yaml};
use crate::package::{Ecosystem, Package};
use crate::url;

/// The sections of an importer, and when what they name is needed.
const SECTIONS: [(&str, Scope); 3] = [
    ("dependencies", Scope::Runtime),
    ("optionalDependencies", Scope::Optional),
    ("devDependencies", Scope::Development),
];

/// Reads a file. Versions since 10 may put a second document before or behind: it is of the same
/// form.
pub(super) fn read(text: &str, place: Place<'_>) -> Result<Lock, Error> {
    let documents = yaml::parse(text)?;
    if documents.is_empty() {
        return Err(Error::Missing { what: "lockfileVersion" });
    }
    let mut lock = Lock::default();
    for document in &documents {
        Document::new(document)?.read(place, &mut lock)?;
    }
    Ok(lock)
}

struct Document<'n> {
    node: &'n Node<'n>,
    /// Version 5 separates a name from its version by a slash.
    slashes: bool,
}

impl<'n> Document<'n> {
    fn new(node: &'n Node<'n>) -> Result<Self, Error> {
        let version = node.text("lockfileVersion").ok_or(Error::Missing { what: "lockfileVersion" })?;
        let major = version.split('.').next().unwrap_or_default();
        match major {
            "5" | "6" | "9" => Ok(Self { node, slashes: major == "5" }),
            _ => Err(Error::UnknownVersion { key: "lockfileVersion" }),
        }
    }

    fn read(&self, place: Place<'_>, lock: &mut Lock) -> Result<(), Error> {
        // Of a single project, the file itself is the importer.
        let importers: Vec<(&str, &Node<'_>)> = match self.node.get("importers") {
            Some(importers) => {
                let members = importers.members().iter();
                members.map(|m| (m.key.as_ref(), &m.node)).collect()
            }
            None => vec![(".", self.node)],
        };
        let mut roots: BTreeMap<&str, usize> = BTreeMap::new();
        for (path, importer) in &importers {
            // A single project's span would be the whole file: its evidence is the version line.
            let span = match self.node.get("importers") {
                Some(_) => importer.span.clone(),
                None => self.node.members().first().map_or(0..0, |m| m.span.clone()),
            };
            let name = place.project(path);
            let root = Package::new(Ecosystem::Npm, &name, span).root();
            roots.insert(path, lock.add(root));
        }
        let mut packages: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.node.members_of("packages") {
            packages.insert(&member.key, lock.add(self.package(member)?));
        }
        let snapshots = self.node.get("snapshots").or(self.node.get("packages"));
        for snapshot in snapshots.map_or(&[][..], Node::members) {
            let Some(from) = self.find(&snapshot.key, &packages) else {
                continue;
            };
            for section in ["dependencies", "optionalDependencies"] {
                for need in snapshot.node.members_of(section) {
                    if let Some(to) = self.needed(need, &packages) {
                        lock.link(from, to);
                    }
                }
            }
        }
        let mut starts = Vec::new();
        for (path, importer) in &importers {
            for (section, scope) in SECTIONS {
                for need in importer.members_of(section) {
                    let linked = linked(path, need).and_then(|path| roots.get(path.as_str()));
                    if let Some(to) = linked.copied().or_else(|| self.needed(need, &packages)) {
                        lock.link(roots[path], to);
                        starts.push((scope, to));
                    }
                }
            }
        }
        lock.spread(&starts);
        Ok(())
    }

    fn package(&self, member: &Member<'_>) -> Result<Package, Error> {
        let entry = &member.node;
        let split = self.split(&member.key);
        let name = entry.text("name").or(split.map(|(name, _)| name));
        let name = name.ok_or(Error::Missing { what: "name" })?;
        let in_key = split.map(|(_, version)| version);
        let version = entry.text("version").or(in_key.filter(|v| !v.contains(':')));
        let package = Package::new(Ecosystem::Npm, name, member.span.clone()).version(version);
        let Some(resolution) = entry.get("resolution") else {
            return Ok(package.local());
        };
        let tarball = resolution.text("tarball");
        if let Some(repository) = resolution.text("repo") {
            return Ok(package.git(repository, resolution.text("commit")));
        }
        if let Some((repository, commit)) = tarball.and_then(url::tarball_of_git) {
            return Ok(package.git(&repository, Some(commit)));
        }
        if resolution.get("directory").is_some() || tarball.is_some_and(|t| !url::is_web(t)) {
            return Ok(package.local());
        }
        let integrity = resolution.text("integrity").unwrap_or_default();
        Ok(package.archive(tarball).hashes(hash::integrity(integrity)))
    }

    /// The name and the version of a key, without the peers.
    fn split<'k>(&self, key: &'k str) -> Option<(&'k str, &'k str)> {
        let key = without_peers(key.strip_prefix('/').unwrap_or(key));
        if !self.slashes {
            return descriptor(key);
        }
        let (name, version) = key.rsplit_once('/')?;
        // The peers follow an underscore; no version has one.
        Some((name, version.split('_').next().unwrap_or(version)))
    }

    /// The package that an importer or a package names. The reference is a version, or a whole key
    /// where the name differs (an alias) or there is no version (git, a URL).
    fn needed(&self, need: &Member<'_>, packages: &BTreeMap<&str, usize>) -> Option<usize> {
        let reference = need.node.as_text().or_else(|| need.node.text("version"))?;
        let separator = if self.slashes { '/' } else { '@' };
        let slash = if packages.keys().next().is_some_and(|k| k.starts_with('/')) { "/" } else { "" };
        self.find(&format!("{slash}{}{separator}{reference}", need.key), packages)
            .or_else(|| self.find(reference, packages))
            .or_else(|| self.find(&format!("{}@{reference}", need.key), packages))
    }

    fn find(&self, key: &str, packages: &BTreeMap<&str, usize>) -> Option<usize> {
        packages.get(key).or_else(|| packages.get(without_peers(key))).copied()
    }
}

/// `name@1.0.0(peer@2.0.0)` without what stands in parentheses.
fn without_peers(key: &str) -> &str {
    key.split('(').next().unwrap_or(key)
}

/// The importer that `link:../other` leads to from the one at `path`.
fn linked(path: &str, need: &Member<'_>) -> Option<String> {
    let reference = need.node.as_text().or_else(|| need.node.text("version"))?;
    let target = reference.strip_prefix("link:")?;
    let from = Place { path: &format!("{path}/package.json"), neighbour: None };
    let target = from.resolve(target)?;
    Some(if target.is_empty() { ".".to_owned() } else { target })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::testing::{edges, entries, find, names};
    use crate::package::Source;

    const PLACE: Place<'_> = Place { path: "shop/pnpm-lock.yaml", neighbour: None };

    #[test]
    fn version_nine_with_snapshots_members_and_peers() {
        let text = r"lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      '@s/a':
        specifier: ^1.0.0
        version: 1.1.0(b@2.0.0)
    devDependencies:
      lib:
        specifier: workspace:*
        version: link:packages/lib
      d:
        specifier: ^1
        version: 1.0.0

  packages/lib:
    optionalDependencies:
      alias:
        specifier: npm:c@^3
        version: c@3.0.0

packages:

  '@s/a@1.1.0':
    resolution: {integrity: sha1-qUvPSkEV7Cs5Nc0rCWUYPkLQ8tI=}
    peerDependencies:
      b: '*'

  b@2.0.0:
    resolution: {integrity: sha1-qUvPSkEV7Cs5Nc0rCWUYPkLQ8tI=}

  c@3.0.0:
    resolution: {tarball: https://codeload.github.com/o/c/tar.gz/0123456789abcdef0123456789abcdef01234567}

  d@1.0.0:
    resolution: {integrity: broken}

snapshots:

  '@s/a@1.1.0(b@2.0.0)':
    dependencies:
      b: 2.0.0

  b@2.0.0: {}

  c@3.0.0: {}

  d@1.0.0:
    dependencies:
      b: 2.0.0
";
        let lock = read(text, PLACE).unwrap();
        assert_eq!(names(&lock), ["@s/a@1.1.0", "b@2.0.0", "c@3.0.0", "d@1.0.0", "lib@-", "shop@-"]);
        assert_eq!(edges(&lock, "shop@-"), ["@s/a@1.1.0", "d@1.0.0", "lib@-"]);
        assert_eq!(edges(&lock, "@s/a@1.1.0"), ["b@2.0.0"]);
        assert_eq!(edges(&lock, "lib@-"), ["c@3.0.0"]);
        for (package, scope) in [
            ("@s/a@1.1.0", Scope::Runtime),
            ("b@2.0.0", Scope::Runtime),
            ("c@3.0.0", Scope::Optional),
            ("d@1.0.0", Scope::Development),
        ] {
            assert_eq!(find(&lock, package).scope, scope, "{package}");
        }
        assert_eq!(find(&lock, "c@3.0.0").source, Source::Git { pinned: true });
        let d = find(&lock, "d@1.0.0");
        assert_eq!((d.source, d.hashes.len()), (Source::Hashed, 0));
        assert_eq!(entries(&lock, "d@1.0.0", text), ["d@1.0.0:\n    resolution: {integrity: broken}"]);
    }

    #[test]
    fn versions_five_and_six_of_a_single_project() {
        let five = r"lockfileVersion: 5.4

specifiers:
  a: ^1.0.0

dependencies:
  a: 1.1.0_b@2.0.0

packages:

  /a/1.1.0_b@2.0.0:
    resolution: {integrity: sha1-qUvPSkEV7Cs5Nc0rCWUYPkLQ8tI=}
    dependencies:
      '@s/b': 2.0.0
    dev: false

  /@s/b/2.0.0:
    resolution: {integrity: sha1-qUvPSkEV7Cs5Nc0rCWUYPkLQ8tI=}
    dev: false
";
        let six = r"lockfileVersion: '6.0'

dependencies:
  a:
    specifier: ^1.0.0
    version: 1.1.0(b@2.0.0)

packages:

  /a@1.1.0(b@2.0.0):
    resolution: {integrity: sha1-qUvPSkEV7Cs5Nc0rCWUYPkLQ8tI=}
    dependencies:
      '@s/b': 2.0.0
    dev: false

  /@s/b@2.0.0:
    resolution: {integrity: sha1-qUvPSkEV7Cs5Nc0rCWUYPkLQ8tI=}
    dev: false
";
        for (name, text) in [("five", five), ("six", six)] {
            let lock = read(text, PLACE).unwrap();
            assert_eq!(names(&lock), ["@s/b@2.0.0", "a@1.1.0", "shop@-"], "{name}");
            assert_eq!(edges(&lock, "shop@-"), ["a@1.1.0"], "{name}");
            assert_eq!(edges(&lock, "a@1.1.0"), ["@s/b@2.0.0"], "{name}");
        }
    }

    #[test]
    fn what_is_no_lock_file_is_an_error() {
        let version = "lockfileVersion";
        assert_eq!(read("", PLACE).map(|_| ()), Err(Error::Missing { what: version }));
        assert_eq!(read("packages: {}\n", PLACE).map(|_| ()), Err(Error::Missing { what: version }));
        assert_eq!(read("lockfileVersion: 12.0\n", PLACE).map(|_| ()), Err(Error::UnknownVersion { key: version }));
    }
}
