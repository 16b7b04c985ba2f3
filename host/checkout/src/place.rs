//! A path on this machine, and the folder that it may not leave.

use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt as _};
use rustix::fs::OFlags;

use crate::error::{Error, shown};

/// A path that a user or a client has named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder that nothing may lead out of, without links; none for users, who may name everything.
    root: Option<PathBuf>,
    /// Relative to the root where there is one.
    path: PathBuf,
}

impl Place {
    /// What a user names, links in the path included.
    pub(crate) fn anywhere(path: impl Into<PathBuf>) -> Self {
        Self { root: None, path: path.into() }
    }

    /// What a client names: relative to `root`, or absolute and within it as it is written. Nothing
    /// outside is looked at, so no answer tells what is there.
    pub(crate) fn within(root: &Path, path: &Path) -> Result<Self, Error> {
        let bad = |problem: &str, remedy| {
            Err(Error::BadSource { given: shown(&path.to_string_lossy()), problem: problem.to_owned(), remedy })
        };
        let real = root.canonicalize().map_err(|cause| Error::Host {
            doing: "open the workspace root".to_owned(),
            cause,
            remedy: "check that the folder exists and may be read",
        })?;
        if path.components().any(|part| part == Component::ParentDir) {
            return bad("holds `..`", "name the path without it");
        }
        let relative = match path.is_absolute() {
            false => path,
            true => match path.strip_prefix(root).or_else(|_| path.strip_prefix(&real)) {
                Ok(relative) => relative,
                Err(_) => return bad("lies outside the workspace root", "name a path inside it"),
            },
        };
        let path: PathBuf = relative.components().filter(|part| *part != Component::CurDir).collect();
        Ok(Self { root: Some(real), path: if path.as_os_str().is_empty() { ".".into() } else { path } })
    }

    /// The path as it is shown and recorded: a client is told nothing of where the root lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) const fn is_confined(&self) -> bool {
        self.root.is_some()
    }

    /// Opens what is there without waiting for the other end of a pipe. The kernel sees to it that no link
    /// leads out of the root, whatever changes meanwhile.
    pub(crate) fn open(&self) -> io::Result<File> {
        // The flag is a small positive number on every platform.
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(nonblocking);
        match &self.root {
            Some(root) => Dir::open_ambient_dir(root, ambient_authority())?.open_with(&self.path, &options),
            None => File::open_ambient_with(&self.path, &options, ambient_authority()),
        }
    }

    /// The path without links, for git, which opens it by itself.
    pub(crate) fn real(&self) -> io::Result<PathBuf> {
        match &self.root {
            Some(root) => Ok(root.join(Dir::open_ambient_dir(root, ambient_authority())?.canonicalize(&self.path)?)),
            None => self.path.canonicalize(),
        }
    }
}

/// Reads a file that a client names, within `root`: at most `limit` bytes of a regular file.
///
/// # Errors
/// As [`crate::Source::parse`], and for a file that is larger.
pub fn read_within(root: Option<&Path>, path: &str, limit: usize) -> Result<Vec<u8>, Error> {
    let bad = |problem: &str, remedy| Err(Error::BadSource { given: shown(path), problem: problem.to_owned(), remedy });
    let Some(root) = root else { return bad("is a path on this machine", "use an https:// address") };
    let place = Place::within(root, Path::new(path))?;
    let shown = place.path().to_string_lossy();
    let unreadable = |cause| Error::unreadable(&shown, cause);
    let file = place.open().map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return bad("is no regular file", "name a file");
    }
    let mut content = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() > limit {
        return bad("is larger than what is read of such a file", "make it smaller");
    }
    Ok(content)
}

#[cfg(test)]
mod tests;
