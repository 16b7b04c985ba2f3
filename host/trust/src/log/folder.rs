//! A log in a folder of this machine: its files are the tiles, and the file `checkpoint` is its state.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::tile::WIDTH;
use super::{CHECKPOINT, Error, MAX_ENTRY, Sequencer, Shelf, Turn};

/// What a turn holds locked, over all processes.
const LOCK: &str = ".lock";
/// The longest file of a log, in bytes: a full bundle of the longest entries. A copy from elsewhere may hold anything.
const MAX_FILE: u64 = WIDTH * (2 + MAX_ENTRY as u64);

/// Tiles and turns in a folder that any number of processes of one machine may share.
pub struct FolderLog {
    dir: Arc<Dir>,
    /// One waiter for the file's lock in this process is enough; the others wait here.
    turns: Arc<Mutex<()>>,
}

struct FolderTurn {
    dir: Arc<Dir>,
    checkpoint: Option<String>,
    _lock: std::fs::File,
    _turn: OwnedMutexGuard<()>,
}

impl FolderLog {
    /// Opens the folder, and makes it if it does not exist.
    ///
    /// # Errors
    /// A folder that can be neither made nor opened.
    pub fn open(root: &Path) -> Result<Self, Error> {
        Dir::create_ambient_dir_all(root, ambient_authority())
            .map_err(|cause| Error::storage(&root.display().to_string(), cause))?;
        Self::open_existing(root)
    }

    /// Opens a folder that exists, as for an audit of a copy. Reading changes nothing in it.
    ///
    /// # Errors
    /// A folder that cannot be opened.
    pub fn open_existing(root: &Path) -> Result<Self, Error> {
        let dir = Dir::open_ambient_dir(root, ambient_authority())
            .map_err(|cause| Error::storage(&root.display().to_string(), cause))?;
        Ok(Self { dir: Arc::new(dir), turns: Arc::default() })
    }
}

impl fmt::Debug for FolderLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FolderLog")
    }
}

impl Shelf for FolderLog {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, Error>> {
        Box::pin(async move { read(&self.dir, path).map_err(|cause| Error::storage(path, cause)) })
    }

    fn put<'a>(&'a self, path: &'a str, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { blocking(|| write(&self.dir, path, bytes)).map_err(|cause| Error::storage(path, cause)) })
    }

    fn clear<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            match blocking(|| self.dir.remove_dir_all(folder)) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(Error::storage(folder, cause)),
                _ => Ok(()),
            }
        })
    }
}

impl Sequencer for FolderLog {
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Turn>, Error>> {
        Box::pin(async move {
            let turn = self.turns.clone().lock_owned().await;
            let failed = |cause: io::Error| Error::storage(LOCK, cause);
            let lock = self.dir.open_with(LOCK, OpenOptions::new().create(true).write(true)).map_err(failed)?;
            // Another process may take long; whoever no longer waits lets the lock go as soon as it is his.
            let locked = tokio::task::spawn_blocking(move || {
                let lock = lock.into_std();
                lock.lock().map(|()| lock)
            });
            let lock = locked.await.map_err(|cause| Error::storage(LOCK, cause))?.map_err(failed)?;
            let checkpoint = text(&self.dir)?;
            Ok(Box::new(FolderTurn { dir: self.dir.clone(), checkpoint, _lock: lock, _turn: turn }) as Box<dyn Turn>)
        })
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        Box::pin(async move { text(&self.dir) })
    }

    fn publishes(&self) -> bool {
        true
    }
}

impl Turn for FolderTurn {
    fn checkpoint(&self) -> Option<&str> {
        self.checkpoint.as_deref()
    }

    fn commit(self: Box<Self>, checkpoint: &str) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            if text(&self.dir)? != self.checkpoint {
                return Err(Error::LostTurn);
            }
            blocking(|| write(&self.dir, CHECKPOINT, checkpoint.as_bytes()))
                .map_err(|cause| Error::storage(CHECKPOINT, cause))
        })
    }
}

fn text(dir: &Dir) -> Result<Option<String>, Error> {
    let bytes = read(dir, CHECKPOINT).map_err(|cause| Error::storage(CHECKPOINT, cause))?;
    let changed = |_| Error::Changed { path: CHECKPOINT.to_owned() };
    bytes.map(String::from_utf8).transpose().map_err(changed)
}

fn read(dir: &Dir, path: &str) -> io::Result<Option<Vec<u8>>> {
    let file = match dir.open(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    match file.take(MAX_FILE + 1).read_to_end(&mut bytes)? as u64 {
        ..=MAX_FILE => Ok(Some(bytes)),
        _ => Err(io::Error::other("it is longer than any file of a log")),
    }
}

/// Writes a file under another name, and gives it its own once all of it is on the disk.
fn write(dir: &Dir, path: &str, bytes: &[u8]) -> io::Result<()> {
    let path = Path::new(path);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folders(dir, parent)?;
    let temporary = parent.join(format!(".{}", uuid::Uuid::new_v4()));
    let written = write_new(dir, &temporary, bytes).and_then(|()| dir.rename(&temporary, dir, path));
    if written.is_err() {
        // It may not exist; what counts is why.
        let _ = dir.remove_file(&temporary);
    }
    written?;
    sync(dir, parent)
}

fn write_new(dir: &Dir, path: &PathBuf, bytes: &[u8]) -> io::Result<()> {
    let mut file: File = dir.open_with(path, OpenOptions::new().write(true).create_new(true))?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()
}

/// Makes a folder and those above it, and syncs the names of the new ones.
fn make_folders(dir: &Dir, folder: &Path) -> io::Result<()> {
    if dir.is_dir(folder) {
        return Ok(());
    }
    dir.create_dir_all(folder)?;
    folder.ancestors().skip(1).try_for_each(|above| {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        sync(dir, above)
    })
}

/// The names in a folder. A `Dir` is a place and no open file, so that it cannot be synced itself.
fn sync(dir: &Dir, folder: &Path) -> io::Result<()> {
    dir.open(folder)?.sync_all()
}

/// Runs what waits for the disk, where this runtime can spare the thread.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
