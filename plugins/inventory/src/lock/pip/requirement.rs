use std::ops::Range;

use certus_sdk_core::Hash;

use crate::hash;
use crate::package::{Ecosystem, Package, Source};
use crate::url;

/// One requirement, as PEP 508 and pip spell it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Requirement {
    name: String,
    version: Option<String>,
    from: From,
    pub(super) hashes: Vec<Hash>,
}

#[derive(Debug, PartialEq, Eq)]
enum From {
    Registry,
    Archive(String),
    Git { repository: String, commit: Option<String> },
    Local,
}

impl Requirement {
    /// Reads a requirement without its comment. None where it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (text, options) = match text.find(" --") {
            Some(at) => (&text[..at], &text[at..]),
            None => (text, ""),
        };
        let hashes = options.split_ascii_whitespace();
        let hashes = hashes.filter_map(|o| hash::prefixed(o.strip_prefix("--hash=")?));
        let hashes: Vec<Hash> = hashes.collect();
        let text = text.trim();
        let requirement = if is_reference(text) { Self::reference(None, text) } else { Self::named(text)? };
        Some(Self { hashes, ..requirement })
    }

    /// A folder of the workspace.
    pub(super) fn local(path: &str) -> Self {
        let path = path.split('[').next().unwrap_or(path);
        let folders = path.trim_end_matches('/').rsplit('/');
        let name = folders.clone().find(|n| !n.is_empty() && !n.starts_with('.'));
        Self { name: name.unwrap_or("project").to_owned(), version: None, from: From::Local, hashes: Vec::new() }
    }

    /// Whether the same will be installed tomorrow, as far as the version goes. Of a git repository
    /// another rule asks.
    pub(super) fn pinned(&self) -> bool {
        self.version.is_some() || self.from != From::Registry
    }

    pub(super) fn into_package(self, entry: Range<usize>) -> Package {
        let package =
            Package::new(Ecosystem::Pypi, &self.name, entry).version(self.version.as_deref()).hashes(self.hashes);
        match self.from {
            From::Registry => package,
            From::Local => package.local(),
            From::Git { repository, commit } => package.git(&repository, commit.as_deref()),
            From::Archive(url) => Package {
                // Whether a hash is missing depends on the other lines.
                source: Source::Registry,
                ..package.archive(Some(&url))
            },
        }
    }

    /// `name[extra] >=1,<2 ; marker` or `name @ URL ; marker`.
    fn named(text: &str) -> Option<Self> {
        let end =
            text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let ends = [name.chars().next()?, name.chars().next_back()?];
        if !ends.iter().all(char::is_ascii_alphanumeric) {
            return None;
        }
        let rest = rest.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(extras) => extras.split_once(']')?.1.trim_start(),
            None => rest,
        };
        if let Some(reference) = rest.strip_prefix('@') {
            let reference = reference.split(" ;").next()?.trim();
            return Some(Self::reference(Some(name), reference));
        }
        let specifiers = rest.split(';').next()?.trim();
        let specifiers = specifiers.strip_prefix('(').unwrap_or(specifiers);
        let specifiers = specifiers.strip_suffix(')').unwrap_or(specifiers);
        let mut version = None;
        for specifier in specifiers.split(',').map(str::trim).filter(|s| !s.is_empty()) {
            let operator = specifier.find(|c| !"=<>!~".contains(c)).unwrap_or(specifier.len());
            let (operator, value) = specifier.split_at(operator);
            let value = value.trim();
            let known = ["==", "===", ">=", "<=", ">", "<", "!=", "~="].contains(&operator);
            if !known || value.is_empty() || value.contains(' ') {
                return None;
            }
            if operator.starts_with("==") && !value.contains('*') {
                version = Some(value.to_owned());
            }
        }
        Some(Self { name: name.to_owned(), version, from: From::Registry, hashes: Vec::new() })
    }

    /// A URL or a path. Its name is what the line says, else what `egg` says, else the file's own.
    fn reference(name: Option<&str>, text: &str) -> Self {
        let fragment = url::fragment(text).unwrap_or_default();
        let egg = fragment.split('&').find_map(|field| field.strip_prefix("egg="));
        let egg = egg.and_then(|egg| egg.split('[').next()).filter(|egg| !egg.is_empty());
        let bare = text.split(['#', '?', ';']).next().unwrap_or_default().trim();
        if url::is_git(text) {
            let (repository, commit) = revision(bare);
            let stem = repository.rsplit('/').next().unwrap_or_default();
            let stem = stem.strip_suffix(".git").unwrap_or(stem);
            return Self {
                name: name.or(egg).unwrap_or(stem).to_owned(),
                version: None,
                from: From::Git { repository: repository.to_owned(), commit: commit.map(str::to_owned) },
                hashes: Vec::new(),
            };
        }
        let file = bare.rsplit('/').next().unwrap_or_default();
        let (stem, version) = distribution(file);
        let local = Self::local(bare);
        Self {
            name: name.or(egg).or(stem).unwrap_or(&local.name).to_owned(),
            version: version.map(str::to_owned),
            from: match url::is_web(bare) {
                true => From::Archive(bare.to_owned()),
                false => From::Local,
            },
            hashes: Vec::new(),
        }
    }
}

/// Whether a line without a name is a URL or a path.
fn is_reference(text: &str) -> bool {
    let first = text.split([' ', ';']).next().unwrap_or_default();
    let archive = [".whl", ".zip", ".tar.gz"].iter().any(|end| first.ends_with(end));
    let begins = first.starts_with(['.', '/']) || first.contains("://") || first.contains('/');
    begins && !text.contains(" @ ") && !first.contains("@http") || archive
}

/// `repository@revision`. The user's `@` stands before the path.
fn revision(url: &str) -> (&str, Option<&str>) {
    let path = url.find("://").map_or(0, |at| at + 3);
    let path = url[path..].find('/').map_or(url.len(), |at| path + at);
    match url[path..].rfind('@') {
        Some(at) => (&url[..path + at], Some(&url[path + at + 1..])),
        None => (url, None),
    }
}

/// Name and version of a wheel or a source distribution.
fn distribution(file: &str) -> (Option<&str>, Option<&str>) {
    if let Some(stem) = file.strip_suffix(".whl") {
        let mut parts = stem.split('-');
        return (parts.next(), parts.next());
    }
    let stem = [".tar.gz", ".zip"].iter().find_map(|end| file.strip_suffix(end));
    match stem.and_then(|stem| stem.rsplit_once('-')) {
        Some((name, version)) => (Some(name), Some(version)),
        None => (stem, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_requirement() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let git = format!("git+ssh://git@x.example/o/g.git@{commit}#egg=G_g[x]&subdirectory=s");
        let table: [(&str, (&str, Option<&str>), Source, bool); 14] = [
            ("a", ("a", None), Source::Registry, false),
            ("A.b_c == 1.0", ("a-b-c", Some("1.0")), Source::Registry, true),
            ("a[x,y]===1.0;python_version<'3'", ("a", Some("1.0")), Source::Registry, true),
            ("a (>=1.0,!=1.5)", ("a", None), Source::Registry, false),
            ("a==1.*", ("a", None), Source::Registry, false),
            ("a>=1,==1.2", ("a", Some("1.2")), Source::Registry, true),
            ("a @ https://x.example/b-2.0.tar.gz ; marker", ("a", Some("2.0")), Source::Registry, true),
            ("https://x.example/b_c-2.0-py3-none-any.whl", ("b-c", Some("2.0")), Source::Registry, true),
            (&git, ("g-g", None), Source::Git { pinned: true }, true),
            ("git+https://x.example/o/g.git", ("g", None), Source::Git { pinned: false }, true),
            ("g @ git+https://u:p@x.example/o/h@v1", ("g", None), Source::Git { pinned: false }, true),
            ("./lib/mine", ("mine", None), Source::Local, true),
            (".", ("project", None), Source::Local, true),
            ("wheels/c-1.0-py3-none-any.whl", ("c", Some("1.0")), Source::Local, true),
        ];
        for (text, (name, version), source, pinned) in table {
            let requirement = Requirement::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(requirement.pinned(), pinned, "{text}");
            let package = requirement.into_package(0..0);
            assert_eq!(package.name, name, "{text}");
            assert_eq!(package.version.as_deref(), version, "{text}");
            assert_eq!(package.source, source, "{text}");
        }
    }

    #[test]
    fn what_is_no_requirement() {
        for text in ["a b", "a ==", "=1", "a=1", "-a-", "a [x", "You need: it", "a==1 2"] {
            assert_eq!(Requirement::parse(text), None, "{text}");
        }
    }
}
