//! The one folder that this crate writes to, and how nothing is left behind in it.
//!
//! Each folder in it belongs to one living process, which holds an exclusive lock on the folder's
//! `lock` file; the kernel gives the lock back when the process ends, however it ends. Whoever makes a
//! folder holds the shared lock of `.gate` until its own lock is taken, and whoever sweeps holds the
//! exclusive one, so a folder is never seen before it is locked.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt as _, File, OpenOptions, Permissions, PermissionsExt as _};
use rustix::fs::{FlockOperation, flock};

use crate::directory::open_dir;
use crate::error::Error;

/// A folder for temporary things. It is made (for its owner only) if it does not exist, may be shared
/// by any number of processes on one machine, and should be on a local disk with room for twice the
/// largest workspace.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    dir: Dir,
}

const GATE: &str = ".gate";
const LOCK: &str = "lock";
const PREFIX: &str = "certus-";

/// Makes names unique within this process.
static SERIAL: AtomicU64 = AtomicU64::new(0);

impl Scratch {
    /// Opens the folder at `path`.
    ///
    /// # Errors
    /// When it can neither be made nor opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let open = || -> io::Result<Self> {
            let path = std::path::absolute(path)?;
            Dir::create_ambient_dir_all(&path, ambient_authority())?;
            let dir = Dir::open_ambient_dir(&path, ambient_authority())?;
            Ok(Self { path, dir })
        };
        open().map_err(|cause| Error::Host {
            doing: format!("open the scratch folder `{}`", crate::error::shown(&path.to_string_lossy())),
            cause,
            remedy: "name a folder that you may write to",
        })
    }

    /// Removes what killed processes left behind, and nothing that is in use. Returns how many folders
    /// were removed.
    ///
    /// # Errors
    /// When the folder cannot be listed or a dead folder cannot be removed.
    pub fn sweep(&self) -> Result<usize, Error> {
        let sweep = || -> io::Result<usize> {
            let _gate = self.gate(FlockOperation::LockExclusive)?;
            let mut removed = 0;
            for entry in self.dir.entries()? {
                let entry = entry?;
                let name = entry.file_name();
                let ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX));
                if ours && entry.file_type()?.is_dir() {
                    match self.remove_dead(&name) {
                        Ok(dead) => removed += usize::from(dead),
                        // Its owner was faster.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Ok(removed)
        };
        sweep().map_err(|cause| Error::scratch("remove what earlier runs left", cause))
    }

    /// A fresh locked folder that is removed on drop.
    pub(crate) fn folder(&self, kind: &str) -> Result<Folder, Error> {
        self.make_folder(kind).map_err(|cause| Error::scratch("make a folder", cause))
    }

    /// A file without a name, so that nothing has to be removed.
    pub(crate) fn nameless_file(&self) -> io::Result<File> {
        cap_tempfile::TempFile::new_anonymous(&self.dir)
    }

    fn make_folder(&self, kind: &str) -> io::Result<Folder> {
        let _gate = self.gate(FlockOperation::LockShared)?;
        let name = loop {
            let name = format!("{PREFIX}{kind}-{}-{}", std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed));
            // Process ids repeat across containers that share the folder: take the next serial then.
            match private_dir(&self.dir, &name) {
                Ok(()) => break name,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        };
        let dir = self.dir.open_dir(&name)?;
        let lock = dir.open_with(LOCK, OpenOptions::new().write(true).create_new(true))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Folder { path: self.path.join(&name), name, dir, parent: self.dir.try_clone()?, _lock: lock })
    }

    /// Removes the folder `name` if nobody holds its lock.
    fn remove_dead(&self, name: &OsStr) -> io::Result<bool> {
        if !is_dead(&open_dir(&self.dir, name)?)? {
            return Ok(false);
        }
        remove(&self.dir, Path::new(name))?;
        Ok(true)
    }

    /// Opened anew each time: a lock belongs to the open file, not to the thread.
    fn gate(&self, operation: FlockOperation) -> io::Result<File> {
        let gate = self.dir.open_with(GATE, OpenOptions::new().write(true).create(true).truncate(false))?;
        flock(&gate, operation)?;
        Ok(gate)
    }
}

/// A folder of this process, removed with all its content on drop.
#[derive(Debug)]
pub(crate) struct Folder {
    parent: Dir,
    name: String,
    path: PathBuf,
    dir: Dir,
    _lock: File,
}

impl Folder {
    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next sweep, for the lock goes with this value.
        let _ = remove(&self.parent, Path::new(&self.name));
    }
}

/// Makes a directory that only its owner may enter.
pub(crate) fn private_dir(parent: &Dir, name: &str) -> io::Result<()> {
    parent.create_dir_with(name, DirBuilder::new().mode(0o700))
}

/// Whether nobody holds the lock of `folder`; one without a lock file died while it was made.
fn is_dead(folder: &Dir) -> io::Result<bool> {
    match folder.open_with(LOCK, OpenOptions::new().write(true)) {
        Ok(lock) => match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
            Err(errno) => Err(errno.into()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Removes a tree, read-only directories included.
fn remove(parent: &Dir, name: &Path) -> io::Result<()> {
    if parent.remove_dir_all(name).is_ok() {
        return Ok(());
    }
    make_writable(parent, name)?;
    parent.remove_dir_all(name)
}

fn make_writable(parent: &Dir, name: &Path) -> io::Result<()> {
    parent.set_permissions(name, Permissions::from_mode(0o700))?;
    let dir = open_dir(parent, name.as_os_str())?;
    for entry in dir.entries()? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_writable(&dir, Path::new(&entry.file_name()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Sandbox, names};

    #[test]
    fn a_folder_goes_with_its_guard_and_a_live_one_survives_the_sweep() {
        let sandbox = Sandbox::new();
        let scratch = sandbox.scratch();
        let live = scratch.folder("git").unwrap();
        live.dir().write("content", "x").unwrap();
        assert_eq!(
            Scratch::open(&sandbox.path("scratch")).unwrap().sweep().unwrap(),
            0,
            "another opener sees the lock"
        );
        assert!(live.path().join("content").exists());
        drop(live);
        assert_eq!(names(&sandbox.path("scratch")), [GATE]);
    }

    #[test]
    fn case_083_folders_of_dead_processes_are_removed_whatever_state_they_are_in() {
        let sandbox = Sandbox::new();
        let scratch = sandbox.scratch();
        for (name, lock) in [("certus-git-1-1", true), ("certus-tree-1-2", false)] {
            scratch.dir.create_dir_all(format!("{name}/deep/er")).unwrap();
            scratch.dir.write(format!("{name}/deep/er/file"), "x").unwrap();
            scratch.dir.set_permissions(format!("{name}/deep/er"), Permissions::from_mode(0o500)).unwrap();
            if lock {
                scratch.dir.write(format!("{name}/{LOCK}"), "").unwrap();
            }
        }
        scratch.dir.create_dir("somebody-elses").unwrap();
        let live = scratch.folder("git").unwrap();
        assert_eq!(scratch.sweep().unwrap(), 2);
        drop(live);
        assert_eq!(names(&sandbox.path("scratch")), [GATE, "somebody-elses"]);
    }
}
