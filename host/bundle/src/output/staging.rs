//! The temporary folder of a bundle that is being written: locked while it is, swept away when its
//! writer is gone.

use std::io::{self, Write as _};
use std::path::Path;

use cap_std::fs::{Dir, MetadataExt as _, OpenOptions};
use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::name::folders_above;
use crate::tree::{known_files, known_folders, open_folder};

/// How the names of temporary folders begin.
const PREFIX: &str = ".certus-bundle-";
/// How often a folder is made anew when a sweeper was faster than the lock.
const ATTEMPTS: usize = 8;

/// A temporary folder, removed when dropped.
#[derive(Debug)]
pub(super) struct Staging {
    parent: Dir,
    /// What is removed when dropped; none once it is in place.
    name: Option<String>,
    dir: Dir,
}

impl Staging {
    /// Makes and locks a folder in `parent`.
    pub(super) fn make(parent: &Dir) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            let name = fresh_name();
            parent.create_dir(&name)?;
            let dir = open_folder(parent, Path::new(&name))?;
            let staging = Self { parent: parent.try_clone()?, name: Some(name), dir };
            // Between making and locking, a sweeper may have taken the folder for a left one.
            if lock(&staging.dir) != Lock::Busy && staging.is_still_there()? {
                return Ok(staging);
            }
        }
        Err(io::Error::new(io::ErrorKind::WouldBlock, "its temporary folder is swept away by another process"))
    }

    /// The folder.
    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Its name in the parent folder; empty once it is in place.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Writes a file, with the folders above it.
    pub(super) fn put(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.file(path)?.write_all(bytes)
    }

    /// Makes a file, with the folders above it.
    pub(super) fn file(&self, path: &str) -> io::Result<std::fs::File> {
        for folder in folders_above(path) {
            match self.dir.create_dir(folder) {
                Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => return Err(cause),
                _ => {}
            }
        }
        Ok(self.dir.open_with(path, OpenOptions::new().write(true).create_new(true))?.into_std())
    }

    /// The folder has got its final name: nothing is left to remove.
    pub(super) fn release(&mut self) {
        self.name = None;
    }

    /// The temporary name now belongs to the folder that was replaced, which is removed instead.
    pub(super) fn holds_another(&mut self) {
        if let Ok(dir) = open_folder(&self.parent, Path::new(self.name())) {
            self.dir = dir;
        }
    }

    /// The folder that was replaced has got the name `aside` and is removed instead.
    pub(super) fn renamed(&mut self, aside: String) {
        self.name = Some(aside);
        self.holds_another();
    }

    fn is_still_there(&self) -> io::Result<bool> {
        match self.parent.symlink_metadata(self.name()) {
            Ok(meta) => Ok(meta.ino() == self.dir.dir_metadata()?.ino()),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(cause) => Err(cause),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            remove(&self.parent, name, &self.dir);
        }
    }
}

/// A name that no other run has.
pub(super) fn fresh_name() -> String {
    format!("{PREFIX}{}", uuid::Uuid::now_v7())
}

/// Removes the temporary folders whose writers are gone. What cannot be removed is left for another
/// time: it is in nobody's way.
pub(super) fn sweep(parent: &Dir) {
    let Ok(entries) = parent.entries() else { return };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !name.starts_with(PREFIX) {
            continue;
        }
        if let Ok(dir) = open_folder(parent, Path::new(&name))
            && lock(&dir) == Lock::Ours
        {
            remove(parent, &name, &dir);
        }
    }
}

/// Removes what a bundle may hold, and then the folder. Anything else stays, and the folder with it.
fn remove(parent: &Dir, name: &str, dir: &Dir) {
    // Best effort throughout: what is left is swept by a later run.
    for path in known_files() {
        let _ = dir.remove_file(path);
    }
    let mut folders: Vec<_> = known_folders().collect();
    folders.sort_by_key(|path| std::cmp::Reverse(path.len()));
    for path in folders {
        let _ = dir.remove_dir(path);
    }
    let _ = parent.remove_dir(name);
}

/// Whether a temporary folder's lock was had.
#[derive(PartialEq, Eq)]
pub(super) enum Lock {
    /// Held until the folder is closed, by a crash too.
    Ours,
    /// Another process holds it.
    Busy,
    /// The file system has no locks, so no sweeper ever gets one either.
    Impossible,
}

/// Locks a folder that [`open_folder`] opened, without waiting.
pub(super) fn lock(dir: &Dir) -> Lock {
    match rustix::fs::flock(dir, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Lock::Ours,
        Err(Errno::WOULDBLOCK) => Lock::Busy,
        Err(_) => Lock::Impossible,
    }
}
