//! A directory as it is on disk.
//!
//! Everything below it counts, hidden and ignored files included: a scanner must see what is there.
//! Left out are `.git` (whatever it is), sockets, pipes and devices, which have no content; links are
//! recorded by their target and never followed.

use std::ffi::{OsStr, OsString};
use std::fs::File as StdFile;
use std::io;
use std::os::unix::ffi::OsStrExt as _;

use cap_std::fs::{Dir, File, MetadataExt as _};
use certus_model::workspace::EntryKind;
use rustix::fs::{Mode, OFlags, openat};

use crate::error::{Error, shown};
use crate::place::Place;
use crate::seal::{SealedWorkspace, Sealer, read_exactly, repo_path};

/// Seals the directory at `place`.
pub(crate) fn read(place: &Place, mut sealer: Sealer<'_>) -> Result<SealedWorkspace, Error> {
    let shown = place.path().to_string_lossy();
    let root = place.open().map_err(|cause| Error::unreadable(&shown, cause))?;
    walk(&Dir::from_std_file(root.into_std()), &mut Vec::new(), &mut sealer)?;
    sealer.seal(&shown)
}

/// Opens the directory `name` of `parent`, never through a link.
pub(crate) fn open_dir(parent: &Dir, name: &OsStr) -> io::Result<Dir> {
    let opened =
        openat(parent, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    Ok(Dir::from_std_file(StdFile::from(opened)))
}

/// Opens the file `name` of `parent`, never through a link and never waiting for the other end of a pipe.
fn open_file(parent: &Dir, name: &OsStr) -> io::Result<File> {
    let opened =
        openat(parent, name, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    Ok(File::from_std(StdFile::from(opened)))
}

/// Adds what lies in `dir`, whose path from the root is `path`; depth is bounded by the path's own limit.
fn walk(dir: &Dir, path: &mut Vec<u8>, sealer: &mut Sealer<'_>) -> Result<(), Error> {
    let length = path.len();
    for name in names(dir, path, sealer)? {
        if length > 0 {
            path.push(b'/');
        }
        path.extend(name.as_bytes());
        entry(dir, &name, path, sealer)?;
        path.truncate(length);
    }
    Ok(())
}

/// The sorted names in `dir`; no more are read than the budget allows.
fn names(dir: &Dir, path: &[u8], sealer: &mut Sealer<'_>) -> Result<Vec<OsString>, Error> {
    let unreadable = |cause| Error::unreadable(&String::from_utf8_lossy(path), cause);
    let mut names = Vec::new();
    for entry in dir.entries().map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        if name != ".git" {
            names.push(name);
            sealer.count(names.len() as u64, path)?;
        }
    }
    names.sort();
    Ok(names)
}

fn entry(dir: &Dir, name: &OsStr, path: &mut Vec<u8>, sealer: &mut Sealer<'_>) -> Result<(), Error> {
    let place = shown(&String::from_utf8_lossy(path));
    let unreadable = |cause: io::Error| Error::unreadable(&place, cause);
    let kind = dir.symlink_metadata(name).map_err(unreadable)?.file_type();
    if kind.is_dir() {
        repo_path(path)?;
        return walk(&open_dir(dir, name).map_err(unreadable)?, path, sealer);
    }
    if kind.is_symlink() {
        let path = repo_path(path)?;
        let target = dir.read_link_contents(name).map_err(unreadable)?.into_os_string();
        sealer.admit(&path, target.len() as u64)?;
        sealer.add(path, EntryKind::Symlink, target.as_bytes().to_vec())?;
    } else if kind.is_file() {
        let path = repo_path(path)?;
        let file = open_file(dir, name).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(unreadable(io::Error::other("it turned into something else")));
        }
        sealer.admit(&path, metadata.len())?;
        let content = read_exactly(&file, metadata.len()).map_err(unreadable)?;
        let kind = if metadata.mode() & 0o100 == 0 { EntryKind::File } else { EntryKind::Executable };
        sealer.add(path, kind, content)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
