use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use certus_sdk_core::{Hash, Scope};

use crate::url;

/// One package of one lock file. A package that the file lists several times (npm installs the same
/// version in several folders) is one package with several entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) ecosystem: Ecosystem,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// Of the package URL. A package from a git repository or from a registry other than the
    /// ecosystem's own is not the public package of the same name, and a qualifier says so.
    pub(crate) qualifiers: BTreeMap<&'static str, String>,
    pub(crate) root: bool,
    pub(crate) scope: Scope,
    pub(crate) licences: BTreeSet<String>,
    pub(crate) hashes: BTreeSet<Hash>,
    pub(crate) source: Source,
    pub(crate) origin: Option<String>,
    /// Positions in the lock's packages.
    pub(crate) depends_on: BTreeSet<usize>,
    /// The bytes of each entry.
    pub(crate) entries: Vec<Range<usize>>,
}

/// The package URL's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ecosystem {
    Cargo,
    Composer,
    Gem,
    Golang,
    Maven,
    Npm,
    Pypi,
}

/// Where a package comes from, as far as a rule asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// A registry, and the lock's format has no place for a hash or the lock does not use it.
    #[default]
    Registry,
    /// A registry or a URL, and an entry of this format states a hash.
    Hashed,
    /// A git repository, at a commit or at whatever it holds today.
    Git { pinned: bool },
    /// The workspace itself.
    Local,
}

impl Ecosystem {
    /// As package URLs spell it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Composer => "composer",
            Self::Gem => "gem",
            Self::Golang => "golang",
            Self::Maven => "maven",
            Self::Npm => "npm",
            Self::Pypi => "pypi",
        }
    }
}

impl Package {
    /// A package that stands at `entry`.
    pub(crate) fn new(ecosystem: Ecosystem, name: &str, entry: Range<usize>) -> Self {
        let (namespace, name) = split(ecosystem, name);
        Self {
            ecosystem,
            namespace,
            name,
            version: None,
            qualifiers: BTreeMap::new(),
            root: false,
            scope: Scope::Unknown,
            licences: BTreeSet::new(),
            hashes: BTreeSet::new(),
            source: Source::Registry,
            origin: None,
            depends_on: BTreeSet::new(),
            entries: vec![entry],
        }
    }

    pub(crate) fn version(mut self, version: Option<&str>) -> Self {
        self.version = version.filter(|v| !v.is_empty()).map(str::to_owned);
        self
    }

    /// Marks the project itself or a member of its workspace.
    pub(crate) fn root(mut self) -> Self {
        self.root = true;
        self.scope = Scope::Runtime;
        self.source = Source::Local;
        self
    }

    pub(crate) fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    pub(crate) fn hashes(mut self, hashes: impl IntoIterator<Item = Hash>) -> Self {
        self.hashes.extend(hashes);
        self
    }

    /// The archive's URL, in a format that states a hash beside it.
    pub(crate) fn archive(mut self, url: Option<&str>) -> Self {
        self.source = Source::Hashed;
        self.origin = url.map(url::without_credentials);
        self
    }

    /// A git repository and the commit that the lock names.
    pub(crate) fn git(mut self, url: &str, commit: Option<&str>) -> Self {
        let commit = commit.filter(|commit| is_commit(commit));
        let repository = url::repository(url);
        let reference = match commit {
            Some(commit) => format!("git+{repository}@{commit}"),
            None => format!("git+{repository}"),
        };
        self.qualifiers.insert("vcs_url", reference);
        self.source = Source::Git { pinned: commit.is_some() };
        self.origin = Some(repository);
        self
    }

    /// A folder or archive of the workspace.
    pub(crate) fn local(mut self) -> Self {
        self.source = Source::Local;
        self
    }
}

/// The names of an ecosystem, cut where its package URLs cut them.
fn split(ecosystem: Ecosystem, name: &str) -> (Option<String>, String) {
    let cut = match ecosystem {
        Ecosystem::Npm if name.starts_with('@') => name.split_once('/'),
        Ecosystem::Maven => name.split_once(':'),
        Ecosystem::Composer => name.split_once('/'),
        Ecosystem::Golang => name.rsplit_once('/'),
        Ecosystem::Npm | Ecosystem::Cargo | Ecosystem::Gem | Ecosystem::Pypi => None,
    };
    match cut {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            (Some(namespace.to_owned()), name.to_owned())
        }
        _ if ecosystem == Ecosystem::Pypi => (None, normalised(name)),
        _ => (None, name.to_owned()),
    }
}

/// A Python name as PEP 503 compares it.
pub(crate) fn normalised(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// A whole or shortened object id; anything else is a branch or a tag, which may move.
fn is_commit(reference: &str) -> bool {
    (7..=64).contains(&reference.len()) && reference.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_where_package_urls_cut_them() {
        for (ecosystem, name, expected) in [
            (Ecosystem::Npm, "@babel/core", (Some("@babel"), "core")),
            (Ecosystem::Npm, "left-pad", (None, "left-pad")),
            (Ecosystem::Maven, "org.a:b", (Some("org.a"), "b")),
            (Ecosystem::Golang, "example.com/a/v2", (Some("example.com/a"), "v2")),
            (Ecosystem::Golang, "rsc", (None, "rsc")),
            (Ecosystem::Composer, "psr/log", (Some("psr"), "log")),
            (Ecosystem::Pypi, "Zope.Interface__x", (None, "zope-interface-x")),
            (Ecosystem::Cargo, "serde_json", (None, "serde_json")),
        ] {
            let (namespace, rest) = split(ecosystem, name);
            assert_eq!((namespace.as_deref(), rest.as_str()), expected, "{name}");
        }
    }

    #[test]
    fn a_git_package_says_which_repository_and_whether_it_can_move() {
        let package = Package::new(Ecosystem::Npm, "a", 0..1);
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let pinned = package.clone().git("git+https://user:secret@example.com/a.git?x=1", Some(commit));
        assert_eq!(pinned.source, Source::Git { pinned: true });
        assert_eq!(pinned.qualifiers["vcs_url"], format!("git+https://example.com/a.git@{commit}"));
        let moving = package.git("git@example.com:a.git", Some("main"));
        assert_eq!(moving.source, Source::Git { pinned: false });
        assert_eq!(moving.qualifiers["vcs_url"], "git+ssh://git@example.com/a.git");
    }
}
