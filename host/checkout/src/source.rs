//! What the user typed, as one of the four things that can be scanned.

use std::fmt;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt as _};
use certus_model::escape::is_printable;
use rustix::fs::OFlags;

use crate::credential::Credential;
use crate::error::{Error, shown};
use crate::remote::{RemoteHost, RemoteUrl, without_secrets};

/// A place that a workspace can be made from. It prints without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source(pub(crate) Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A git repository behind `https`.
    Remote { url: RemoteUrl, credential: Option<Credential> },
    /// A git repository on this machine.
    LocalGit(PathBuf),
    /// A directory as it is.
    Directory(PathBuf),
    /// A file: tar, gzip, bzip2, zstd or zip, told apart by content.
    Archive(PathBuf),
}

/// Which sources are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourcePolicy {
    /// For a user at a terminal: remote and local.
    Any,
    /// For a service: `https` addresses without a login in them, nothing on this machine.
    RemoteOnly,
}

impl Source {
    /// Reads `text`: an `https://` address, or the path of a git repository (its commit is scanned), of
    /// another directory or of an archive. `git:PATH`, `dir:PATH` and `archive:PATH` say which one is
    /// meant; `dir:.` scans a work tree as it is on disk.
    ///
    /// # Errors
    /// `bad-url` for every other form, `not-found` for a path that cannot be opened.
    pub fn parse(text: &str, policy: SourcePolicy) -> Result<Self, Error> {
        let bad = |problem: &str, remedy| {
            Err(Error::BadSource { given: without_secrets(text), problem: problem.to_owned(), remedy })
        };
        if text.is_empty() || !text.chars().all(is_printable) {
            return bad("is empty or holds control characters", "write an https:// address or a path");
        }
        if text.starts_with('-') {
            return bad("begins like an option", "write `./` before the path");
        }
        if text.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) {
            let (url, credential) = RemoteUrl::parse(text)?;
            if credential.is_some() && policy == SourcePolicy::RemoteOnly {
                return bad("has a login in it", "give the token apart from the address");
            }
            return Ok(Self(Kind::Remote { url, credential }));
        }
        let (form, path) = match text.split_once(':') {
            Some((form @ ("git" | "dir" | "archive"), path)) if !path.starts_with("//") && !path.starts_with(':') => {
                (form, path)
            }
            _ => ("", text),
        };
        if form.is_empty() && text.split('/').next().is_some_and(|first| first.contains(':')) {
            return if text.contains("://") || text.contains("::") {
                bad("has a scheme that is not accepted", "use https://, or a path on this machine")
            } else {
                bad("looks like an ssh address", "use https://, or write `./` before a path with a colon")
            };
        }
        if path.is_empty() || path.starts_with('-') {
            return bad("names no path", "write `./` before the path");
        }
        if policy == SourcePolicy::RemoteOnly {
            return bad("is a path on this machine", "use an https:// address");
        }
        local(form, Path::new(path))
    }

    /// The same source, opened with `credential` if it lies on `host` and its address has no login: what
    /// opens one host is never shown to another, and what the user typed wins.
    #[must_use]
    pub fn with_credential_for(self, host: &RemoteHost, credential: Credential) -> Self {
        match self.0 {
            Kind::Remote { url, credential: None } if url.is_on(host) => {
                Self(Kind::Remote { url, credential: Some(credential) })
            }
            other => Self(other),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Remote { url, .. } => url.fmt(f),
            Kind::LocalGit(path) | Kind::Directory(path) | Kind::Archive(path) => {
                f.write_str(&shown(&path.to_string_lossy()))
            }
        }
    }
}

/// What lies at `path`, checked against the form that was asked for.
fn local(form: &str, path: &Path) -> Result<Source, Error> {
    let place = path.to_string_lossy();
    let bad =
        |problem: &str, remedy| Err(Error::BadSource { given: shown(&place), problem: problem.to_owned(), remedy });
    let file = open(path).map_err(|cause| Error::unreadable(&place, cause))?;
    let metadata = file.metadata().map_err(|cause| Error::unreadable(&place, cause))?;
    let path = path.to_owned();
    if metadata.is_dir() {
        let repository = is_repository(&Dir::from_std_file(file.into_std()));
        match form {
            "archive" => bad("is a directory", "give an archive file, or write `dir:` before the path"),
            "git" if !repository => {
                bad("is no git repository", "write `dir:` before the path to scan the files as they are")
            }
            "" | "git" if repository => Ok(Source(Kind::LocalGit(path))),
            _ => Ok(Source(Kind::Directory(path))),
        }
    } else if metadata.is_file() {
        match form {
            "git" | "dir" => bad("is a file", "give a directory, or write `archive:` before the path"),
            _ => Ok(Source(Kind::Archive(path))),
        }
    } else {
        bad("is neither a directory nor a regular file", "give a directory or an archive")
    }
}

/// Opens what the user named, links in the path included, without waiting for the other end of a pipe.
pub(crate) fn open(path: &Path) -> std::io::Result<File> {
    // The flag is a small positive number on every platform.
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    File::open_ambient_with(path, OpenOptions::new().read(true).custom_flags(nonblocking), ambient_authority())
}

/// A work tree has a `.git`, whatever it is; a bare repository its three pillars.
fn is_repository(dir: &Dir) -> bool {
    let there = |name| dir.symlink_metadata(name).is_ok();
    there(".git") || (there("HEAD") && there("objects") && there("refs"))
}

#[cfg(test)]
mod tests;
