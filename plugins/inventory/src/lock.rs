//! What every lock file is read into.

mod bundler;
mod cargo;
mod composer;
mod format;
mod go;
mod gradle;
mod maven;
mod npm;
mod pip;
mod pipenv;
mod pnpm;
mod poetry;
mod pylock;
mod python;
mod uv;
mod yarn;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use certus_sdk_core::Scope;

pub(crate) use format::{Format, Place};

use crate::package::{Package, Source};

/// The packages of one lock file and what else is worth saying about it.
#[derive(Debug, Default)]
pub(crate) struct Lock {
    pub(crate) packages: Vec<Package>,
    /// Entries that leave the version to the day of the installation: a position and its bytes.
    pub(crate) unpinned: Vec<(usize, Range<usize>)>,
    /// Hosts that the file has asked without encryption, apart from the packages' own.
    pub(crate) insecure: Vec<(String, Range<usize>)>,
    /// Files that this one includes, as workspace paths.
    pub(crate) includes: Vec<(String, Range<usize>)>,
    index: BTreeMap<Identity, usize>,
}

/// What makes two entries the same package. The same name and version from elsewhere is another one.
type Identity = (Option<String>, String, Option<String>, BTreeMap<&'static str, String>, Source, Option<String>);

impl Lock {
    /// Adds an entry and answers the position of its package.
    pub(crate) fn add(&mut self, package: Package) -> usize {
        let identity = (
            package.namespace.clone(),
            package.name.clone(),
            package.version.clone(),
            package.qualifiers.clone(),
            package.source,
            package.origin.clone(),
        );
        let next = self.packages.len();
        let at = *self.index.entry(identity).or_insert(next);
        if at == next {
            self.packages.push(package);
        } else {
            let known = &mut self.packages[at];
            known.root |= package.root;
            known.scope = wider(known.scope, package.scope);
            known.licences.extend(package.licences);
            known.hashes.extend(package.hashes);
            known.entries.extend(package.entries);
        }
        at
    }

    /// Says that `from` needs `to`. Nothing needs itself.
    pub(crate) fn link(&mut self, from: usize, to: usize) {
        if from != to {
            self.packages[from].depends_on.insert(to);
        }
    }

    /// Gives every package that can be reached from a start the widest scope under which it can.
    /// What no start reaches keeps its scope, and so do roots, which are starts of their own.
    pub(crate) fn spread(&mut self, starts: &[(Scope, usize)]) {
        let mut reached = BTreeSet::new();
        for scope in [Scope::Runtime, Scope::Build, Scope::Optional, Scope::Development] {
            let begin = starts.iter().filter(|(of, _)| *of == scope);
            let mut pending: Vec<usize> = begin.map(|(_, at)| *at).collect();
            while let Some(at) = pending.pop() {
                let package = &mut self.packages[at];
                if package.root || !reached.insert(at) {
                    continue;
                }
                package.scope = scope;
                pending.extend(&package.depends_on);
            }
        }
    }
}

/// Of two uses of a package, the one that reaches further.
fn wider(a: Scope, b: Scope) -> Scope {
    let rank = |scope| match scope {
        Scope::Runtime => 0,
        Scope::Build => 1,
        Scope::Optional => 2,
        Scope::Development => 3,
        Scope::Unknown => 4,
    };
    if rank(a) <= rank(b) { a } else { b }
}

/// What the tests of the readers share.
#[cfg(test)]
mod testing {
    use super::*;

    /// `name@version` of every package, sorted.
    pub(crate) fn names(lock: &Lock) -> Vec<String> {
        let mut names: Vec<_> = lock.packages.iter().map(name).collect();
        names.sort();
        names
    }

    pub(crate) fn name(package: &Package) -> String {
        let version = package.version.as_deref().unwrap_or("-");
        match &package.namespace {
            Some(namespace) => format!("{namespace}/{}@{version}", package.name),
            None => format!("{}@{version}", package.name),
        }
    }

    pub(crate) fn find<'l>(lock: &'l Lock, wanted: &str) -> &'l Package {
        let mut packages = lock.packages.iter();
        packages.find(|p| name(p) == wanted).unwrap_or_else(|| panic!("no {wanted} among {:?}", names(lock)))
    }

    /// What a package needs.
    pub(crate) fn edges(lock: &Lock, wanted: &str) -> Vec<String> {
        let needs = find(lock, wanted).depends_on.iter();
        let mut names: Vec<_> = needs.map(|at| name(&lock.packages[*at])).collect();
        names.sort();
        names
    }

    /// The text of every entry of a package.
    pub(crate) fn entries<'t>(lock: &Lock, wanted: &str, text: &'t str) -> Vec<&'t str> {
        let entries = find(lock, wanted).entries.iter();
        entries.map(|span| &text[span.clone()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::Ecosystem;

    #[test]
    fn the_same_package_twice_is_one_with_two_entries_and_the_wider_scope() {
        let mut lock = Lock::default();
        let package = |span, scope| Package::new(Ecosystem::Npm, "a", span).scope(scope);
        let first = lock.add(package(0..1, Scope::Development));
        let second = lock.add(package(2..3, Scope::Runtime));
        assert_eq!(first, second);
        assert_eq!(lock.packages[first].entries, [0..1, 2..3]);
        assert_eq!(lock.packages[first].scope, Scope::Runtime);
        let other = lock.add(package(4..5, Scope::Runtime).git("https://x.example/a.git", None));
        assert_ne!(first, other, "a fork of the same version is another package");
    }

    #[test]
    fn the_widest_scope_that_reaches_a_package_is_its_scope() {
        let mut lock = Lock::default();
        let names = ["root", "run", "dev", "both", "lonely"];
        for (at, name) in names.into_iter().enumerate() {
            lock.add(Package::new(Ecosystem::Npm, name, at..at + 1));
        }
        lock.packages[0].root = true;
        for (from, to) in [(0, 1), (0, 2), (1, 3), (2, 3), (3, 1), (2, 0)] {
            lock.link(from, to);
        }
        lock.spread(&[(Scope::Development, 2), (Scope::Runtime, 1)]);
        let scopes: Vec<_> = lock.packages.iter().map(|p| p.scope).collect();
        assert_eq!(scopes, [Scope::Unknown, Scope::Runtime, Scope::Development, Scope::Runtime, Scope::Unknown]);
    }
}
