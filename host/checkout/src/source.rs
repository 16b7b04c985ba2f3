//! What a user or a client named, as one of the four things that can be scanned.

use std::fmt;
use std::path::Path;

use cap_std::fs::Dir;
use certus_model::escape::is_printable;
use certus_outbound::{Credential, Guard, Pinned, RemoteHost, RemoteUrl, without_secrets};

use crate::error::{Error, shown};
use crate::place::Place;

/// A place that a workspace can be made from. It prints without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source(pub(crate) Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A git repository behind `https`.
    Remote {
        url: RemoteUrl,
        credential: Option<Credential>,
        /// What git is held to. A source of a service has it from its first moment.
        pinned: Option<Pinned>,
    },
    /// A git repository on this machine.
    LocalGit(Place),
    /// A directory as it is.
    Directory(Place),
    /// A file: tar, gzip, bzip2, zstd or zip, told apart by content.
    Archive(Place),
}

/// Which sources are accepted.
#[derive(Clone, Copy, Debug)]
pub enum SourcePolicy<'a> {
    /// For a user at a terminal: remote and local, reached as the machine reaches them.
    Any,
    /// For a service: `https` addresses without a login in them, and what lies in one folder.
    Service {
        /// Pins each remote source when it is made, so that none can be checked out without.
        guard: &'a Guard,
        /// The folder that clients may name paths in; none if they may name no path.
        root: Option<&'a Path>,
    },
}

impl Source {
    /// Reads `text`: an `https://` address, or the path of a git repository (its commit is scanned), of
    /// another directory or of an archive. `git:PATH`, `dir:PATH` and `archive:PATH` say which one is
    /// meant; `dir:.` scans a work tree as it is on disk.
    ///
    /// # Errors
    /// `bad-url` for every other form, `not-found` for a path that cannot be opened.
    pub fn parse(text: &str, policy: SourcePolicy<'_>) -> Result<Self, Error> {
        plain(text)?;
        if is_remote(text) {
            return remote(text, policy);
        }
        match text.split_once(':') {
            Some((form @ ("git" | "dir" | "archive"), path)) if !path.starts_with("//") && !path.starts_with(':') => {
                if path.is_empty() || path.starts_with('-') {
                    return bad(text, "names no path", "write `./` before the path");
                }
                local(form, path, policy)
            }
            _ => {
                schemeless(text)?;
                local("", text, policy)
            }
        }
    }

    /// A git repository: an `https://` address, or a path.
    ///
    /// # Errors
    /// As [`Source::parse`].
    pub fn git(text: &str, policy: SourcePolicy<'_>) -> Result<Self, Error> {
        plain(text)?;
        if is_remote(text) {
            return remote(text, policy);
        }
        schemeless(text)?;
        local("git", text, policy)
    }

    /// A directory as it is on disk. Everything is a path here, whatever it looks like.
    ///
    /// # Errors
    /// As [`Source::parse`].
    pub fn directory(path: &str, policy: SourcePolicy<'_>) -> Result<Self, Error> {
        plain(path)?;
        local("dir", path, policy)
    }

    /// An archive file. Everything is a path here, whatever it looks like.
    ///
    /// # Errors
    /// As [`Source::parse`].
    pub fn archive(path: &str, policy: SourcePolicy<'_>) -> Result<Self, Error> {
        plain(path)?;
        local("archive", path, policy)
    }

    /// The address of a remote repository; none of what lies on this machine.
    pub const fn remote(&self) -> Option<&RemoteUrl> {
        match &self.0 {
            Kind::Remote { url, .. } => Some(url),
            _ => None,
        }
    }

    /// Whether a remote repository was named with a login.
    pub const fn has_login(&self) -> bool {
        matches!(&self.0, Kind::Remote { credential: Some(_), .. })
    }

    /// The path of a directory that is scanned as it is on disk.
    pub fn directory_path(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Directory(place) => Some(place.path()),
            _ => None,
        }
    }

    /// The path of an archive.
    pub fn archive_path(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Archive(place) => Some(place.path()),
            _ => None,
        }
    }

    /// The same source, opened with `credential` if it lies on `host` and its address has no login: what
    /// opens one host is never shown to another, and what the user typed wins.
    #[must_use]
    pub fn with_credential_for(self, host: &RemoteHost, credential: Credential) -> Self {
        match self.0 {
            Kind::Remote { url, credential: None, pinned } if url.is_on(host) => {
                Self(Kind::Remote { url, credential: Some(credential), pinned })
            }
            other => Self(other),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Remote { url, .. } => url.fmt(f),
            Kind::LocalGit(place) | Kind::Directory(place) | Kind::Archive(place) => {
                f.write_str(&shown(&place.path().to_string_lossy()))
            }
        }
    }
}

fn bad<T>(text: &str, problem: &str, remedy: &'static str) -> Result<T, Error> {
    Err(Error::BadSource { given: without_secrets(text), problem: problem.to_owned(), remedy })
}

/// Refuses what can be no source of any kind.
fn plain(text: &str) -> Result<(), Error> {
    if text.is_empty() || !text.chars().all(is_printable) {
        return bad(text, "is empty or holds control characters", "write an https:// address or a path");
    }
    if text.starts_with('-') {
        return bad(text, "begins like an option", "write `./` before the path");
    }
    Ok(())
}

fn is_remote(text: &str) -> bool {
    text.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

/// Refuses what git would read as something else than a path.
fn schemeless(text: &str) -> Result<(), Error> {
    match text.split('/').next().is_some_and(|first| first.contains(':')) {
        false => Ok(()),
        true if text.contains("://") || text.contains("::") => {
            bad(text, "has a scheme that is not accepted", "use https://, or a path on this machine")
        }
        true => bad(text, "looks like an ssh address", "use https://, or write `./` before a path with a colon"),
    }
}

fn remote(text: &str, policy: SourcePolicy<'_>) -> Result<Source, Error> {
    Ok(Source(match policy {
        SourcePolicy::Any => {
            let (url, credential) = RemoteUrl::parse(text)?;
            Kind::Remote { url, credential, pinned: None }
        }
        SourcePolicy::Service { guard, .. } => {
            let url = text.parse()?;
            let pinned = Some(guard.pin(&url)?);
            Kind::Remote { url, credential: None, pinned }
        }
    }))
}

/// What lies at `path`, checked against the form that was asked for.
fn local(form: &str, path: &str, policy: SourcePolicy<'_>) -> Result<Source, Error> {
    let place = match policy {
        SourcePolicy::Any => Place::anywhere(path),
        SourcePolicy::Service { root: Some(root), .. } => Place::within(root, Path::new(path))?,
        SourcePolicy::Service { root: None, .. } => {
            return bad(path, "is a path on this machine", "use an https:// address");
        }
    };
    let given = shown(&place.path().to_string_lossy());
    let unreadable = |cause| Error::unreadable(&given, cause);
    let bad =
        |problem: &str, remedy| Err(Error::BadSource { given: given.clone(), problem: problem.to_owned(), remedy });
    let file = place.open().map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        let dir = Dir::from_std_file(file.into_std());
        let repository = is_repository(&dir);
        match form {
            "archive" => bad("is a directory", "give an archive file, or write `dir:` before the path"),
            "git" if !repository => {
                bad("is no git repository", "write `dir:` before the path to scan the files as they are")
            }
            "" | "git" if repository => {
                if place.is_confined() && !is_whole(&dir) {
                    return bad("takes objects from another repository", "clone it in full");
                }
                Ok(Source(Kind::LocalGit(place)))
            }
            _ => Ok(Source(Kind::Directory(place))),
        }
    } else if metadata.is_file() {
        match form {
            "git" | "dir" => bad("is a file", "give a directory, or write `archive:` before the path"),
            _ => Ok(Source(Kind::Archive(place))),
        }
    } else {
        bad("is neither a directory nor a regular file", "give a directory or an archive")
    }
}

/// A work tree has a `.git`, whatever it is; a bare repository its three pillars.
fn is_repository(dir: &Dir) -> bool {
    let there = |name| dir.symlink_metadata(name).is_ok();
    there(".git") || (there("HEAD") && there("objects") && there("refs"))
}

/// Whether a repository has all that git reads in itself: git follows links, `gitdir:` files and
/// `alternates` wherever they lead.
fn is_whole(dir: &Dir) -> bool {
    let (base, there) = match dir.symlink_metadata(".git") {
        Ok(metadata) => (Path::new(".git"), metadata.is_dir()),
        Err(_) => (Path::new("."), true),
    };
    let is_dir = |name: &str| dir.symlink_metadata(base.join(name)).is_ok_and(|metadata| metadata.is_dir());
    let absent = |name: &str| dir.symlink_metadata(base.join(name)).is_err();
    there
        && ["objects", "refs"].into_iter().all(is_dir)
        && ["objects/pack", "objects/info"].into_iter().all(|name| is_dir(name) || absent(name))
        && ["commondir", "objects/info/alternates"].into_iter().all(absent)
}

#[cfg(test)]
mod tests;
