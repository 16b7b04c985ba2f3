//! The folder of this machine in which uploads and bundles come to be, before they are kept.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt as _};

use crate::error::Error;

/// The folder of this machine in which things come to be. Opened once, used beneath only.
#[derive(Debug)]
pub struct Incoming {
    path: PathBuf,
    pub(super) dir: Dir,
}

/// What is younger than this may be about to be put on record.
const YOUNG: Duration = Duration::from_secs(15 * 60);

/// Opens `root`, and makes it if it does not exist.
pub(crate) fn open_root(root: &Path) -> Result<(PathBuf, Dir), Error> {
    let shown = root.display().to_string();
    let root = std::path::absolute(root).map_err(|cause| Error::folder(shown.clone(), "found", cause))?;
    let open = || {
        Dir::create_ambient_dir_all(&root, ambient_authority())?;
        Dir::open_ambient_dir(&root, ambient_authority())
    };
    let dir = open().map_err(|cause| Error::folder(shown, "opened", cause))?;
    Ok((root, dir))
}

/// A folder of the root that its owner alone may look into.
pub(super) fn open_area(root: &Dir, name: &str) -> Result<Dir, Error> {
    let open = || {
        match root.create_dir_with(name, DirBuilder::new().mode(0o700)) {
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => return Err(cause),
            _ => {}
        }
        root.open_dir(name)
    };
    open().map_err(|cause| Error::folder(name, "opened", cause))
}

impl Incoming {
    pub(super) fn open(root: &Path) -> Result<Self, Error> {
        let (path, root) = open_root(root)?;
        Ok(Self { path: path.join("incoming"), dir: open_area(&root, "incoming")? })
    }

    /// The folder.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Its path, for those who need one.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what is not young, not in `live` and not being written: the name of such a thing begins with a dot,
    /// and its writer sweeps.
    pub(super) fn sweep(&self, live: &BTreeSet<String>) -> Result<usize, Error> {
        let failed = |cause| Error::folder("incoming", "listed", cause);
        let mut removed = 0;
        for entry in self.dir.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // What cannot be looked at is left for the next time.
            let Ok(metadata) = entry.metadata() else { continue };
            let changed = metadata.modified().map_or_else(|_| SystemTime::now(), |time| time.into_std());
            if is_young(changed) || name.starts_with('.') || live.contains(&name) {
                continue;
            }
            removed += usize::from(self.drop_tree(&name).is_ok());
        }
        Ok(removed)
    }

    pub(super) fn drop_tree(&self, name: &str) -> io::Result<()> {
        match self.dir.symlink_metadata(name)?.is_dir() {
            true => self.dir.remove_dir_all(name),
            false => self.dir.remove_file(name),
        }
    }
}

pub(crate) fn is_young(changed: SystemTime) -> bool {
    // What seems to come from the future is as young as can be.
    SystemTime::now().duration_since(changed).map_or(true, |age| age < YOUNG)
}
