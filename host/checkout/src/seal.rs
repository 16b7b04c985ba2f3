//! The sealed workspace: entries with their digests, and content that can only be what was sealed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Read, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use cap_std::fs::{File, FileExt as _};
use certus_model::limits::WorkspaceLimits;
use certus_model::path::{BadPath, MAX_DEPTH, MAX_NAME, MAX_PATH};
use certus_model::workspace::{Entry, EntryKind, ReadError, Workspace, tree_digest};
use certus_model::{RepoPath, Sha256};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use serde::{Deserialize, Serialize};

use crate::error::{Error, shown};
use crate::scratch::Scratch;

/// Content that is kept in memory, in bytes, all files together; what comes later goes to a nameless
/// file on disk. With it a tree of usual size is read from its source exactly once.
const IN_MEMORY: u64 = 256 << 20;

/// A workspace whose content no longer depends on where it came from. It consists of a table and of at
/// most two files without a name, so that another process can read it too.
#[derive(Debug)]
pub struct SealedWorkspace {
    table: Table,
    /// In memory, sealed: the kernel lets nobody write to it any more.
    memory: Option<File>,
    /// On disk, for what is too much for memory; read with its digest checked.
    spool: Option<File>,
}

/// What is in a workspace and where its content lies.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Table {
    entries: Vec<Entry>,
    places: Vec<Place>,
    in_memory: bool,
    on_disk: bool,
}

/// Where the content of an entry begins.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Place {
    Memory(u64),
    Spool(u64),
}

impl SealedWorkspace {
    /// The digest of the tree.
    pub fn tree_digest(&self) -> Sha256 {
        tree_digest(&self.table.entries)
    }

    /// What another process needs to read this workspace: the table, and its files in order.
    pub fn hand_over(&self) -> (&Table, Vec<BorrowedFd<'_>>) {
        (&self.table, self.memory.iter().chain(&self.spool).map(|file| file.as_fd()).collect())
    }

    /// The other side of [`SealedWorkspace::hand_over`]; none when the files are not the table's.
    pub fn take_over(table: Table, files: Vec<OwnedFd>) -> Option<Self> {
        let mut files = files.into_iter().map(|file| File::from_std(file.into()));
        let memory = if table.in_memory { Some(files.next()?) } else { None };
        let spool = if table.on_disk { Some(files.next()?) } else { None };
        let whole = files.next().is_none() && table.entries.len() == table.places.len();
        whole.then_some(Self { table, memory, spool })
    }
}

impl Workspace for SealedWorkspace {
    fn entries(&self) -> &[Entry] {
        &self.table.entries
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, ReadError> {
        let entry = &self.table.entries[index];
        let failed = |cause: String| ReadError { path: entry.path.clone(), cause };
        let length = usize::try_from(entry.size).map_err(|error| failed(error.to_string()))?;
        let mut content = vec![0; length];
        if length == 0 {
            return Ok(Cow::Owned(content));
        }
        let (file, offset) = match self.table.places[index] {
            Place::Memory(offset) => (&self.memory, offset),
            Place::Spool(offset) => (&self.spool, offset),
        };
        let file = file.as_ref().ok_or_else(|| failed("its file is gone".to_owned()))?;
        file.read_exact_at(&mut content, offset).map_err(|error| failed(error.to_string()))?;
        if matches!(self.table.places[index], Place::Spool(_)) && Sha256::of(&content) != entry.digest {
            return Err(failed("its content differs from what was sealed".to_owned()));
        }
        Ok(Cow::Owned(content))
    }
}

/// Collects entries within the budgets of a workspace.
pub(crate) struct Sealer<'a> {
    limits: &'a WorkspaceLimits,
    scratch: &'a Scratch,
    cancelled: &'a AtomicBool,
    sealed: Vec<(Entry, Place)>,
    memory: Option<File>,
    in_memory: u64,
    spool: Option<File>,
    spooled: u64,
    room: u64,
    counted: u64,
    total: u64,
}

impl<'a> Sealer<'a> {
    pub(crate) fn new(limits: &'a WorkspaceLimits, scratch: &'a Scratch, cancelled: &'a AtomicBool) -> Self {
        Self {
            limits,
            scratch,
            cancelled,
            sealed: Vec::new(),
            memory: None,
            in_memory: 0,
            spool: None,
            spooled: 0,
            room: IN_MEMORY,
            counted: 0,
            total: 0,
        }
    }

    pub(crate) fn limits(&self) -> &'a WorkspaceLimits {
        self.limits
    }

    /// Counts one entry, directories included, the `siblings`th of the directory at `parent`. Every way into
    /// a workspace comes by here for each entry, so here it stops when nobody wants it any longer.
    pub(crate) fn count(&mut self, siblings: u64, parent: &[u8]) -> Result<(), Error> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        self.counted += 1;
        let parent = if parent.is_empty() { b"." } else { parent };
        let over = |excess| Err(Error::TreeBudget { path: shown(&String::from_utf8_lossy(parent)), excess });
        if self.counted > self.limits.entries {
            over(format!("more than {} entries", self.limits.entries))
        } else if siblings > self.limits.directory_entries {
            over(format!("more than {} entries in one directory", self.limits.directory_entries))
        } else {
            Ok(())
        }
    }

    /// Asks for the budget of `size` bytes at `path`, before they are read.
    pub(crate) fn admit(&mut self, path: &RepoPath, size: u64) -> Result<(), Error> {
        let over = |excess| Err(Error::FileBudget { path: path.to_string(), excess });
        if size > self.limits.file {
            return over(format!("a file of more than {} bytes", self.limits.file));
        }
        self.total = self.total.saturating_add(size);
        if self.total > self.limits.total {
            return over(format!("more than {} bytes in all files together", self.limits.total));
        }
        Ok(())
    }

    /// Adds an entry with its content; returns its number, for [`Sealer::again`].
    pub(crate) fn add(&mut self, path: RepoPath, kind: EntryKind, content: Vec<u8>) -> Result<usize, Error> {
        let size = content.len() as u64;
        let entry = Entry { path, kind, size, digest: Sha256::of(&content) };
        let place = self.keep(content).map_err(|cause| Error::scratch("keep a file", cause))?;
        self.sealed.push((entry, place));
        Ok(self.sealed.len() - 1)
    }

    /// Adds an entry with the content of an earlier one.
    pub(crate) fn again(&mut self, path: RepoPath, kind: EntryKind, earlier: usize) {
        let (entry, place) = &self.sealed[earlier];
        let entry = Entry { path, kind, size: entry.size, digest: entry.digest };
        let place = *place;
        self.sealed.push((entry, place));
    }

    /// Records a submodule by the commit that it names.
    pub(crate) fn submodule(&mut self, path: RepoPath, commit: &str) {
        let entry = Entry { path, kind: EntryKind::Submodule, size: 0, digest: Sha256::of(commit.as_bytes()) };
        self.sealed.push((entry, Place::Memory(0)));
    }

    /// What an earlier entry is and how large.
    pub(crate) fn sealed(&self, index: usize) -> &Entry {
        &self.sealed[index].0
    }

    /// Sorts and closes the workspace of the source shown as `source`.
    pub(crate) fn seal(mut self, source: &str) -> Result<SealedWorkspace, Error> {
        if !self.sealed.iter().any(|(entry, _)| entry.kind.is_file()) {
            return Err(Error::Empty { place: shown(source), problem: "it holds no file" });
        }
        self.sealed.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        let (entries, places): (Vec<_>, Vec<_>) = self.sealed.into_iter().unzip();
        check_names(&entries)?;
        if let Some(memory) = &self.memory {
            let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
            fcntl_add_seals(memory, seals).map_err(|errno| Error::scratch("seal the workspace", errno))?;
        }
        let table = Table { entries, places, in_memory: self.memory.is_some(), on_disk: self.spool.is_some() };
        Ok(SealedWorkspace { table, memory: self.memory, spool: self.spool })
    }

    fn keep(&mut self, content: Vec<u8>) -> io::Result<Place> {
        let size = content.len() as u64;
        if self.in_memory + size <= self.room {
            let file = match &mut self.memory {
                Some(file) => file,
                none => none.insert(memory_file()?),
            };
            file.write_all(&content)?;
            self.in_memory += size;
            return Ok(Place::Memory(self.in_memory - size));
        }
        let file = match &mut self.spool {
            Some(file) => file,
            none => none.insert(self.scratch.nameless_file()?),
        };
        file.write_all(&content)?;
        self.spooled += size;
        Ok(Place::Spool(self.spooled - size))
    }
}

/// A file in memory that can be sealed.
fn memory_file() -> io::Result<File> {
    let file = memfd_create("certus-workspace", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    Ok(File::from_std(file.into()))
}

/// Refuses two entries with one path, and an entry below one that is no directory.
fn check_names(sorted: &[Entry]) -> Result<(), Error> {
    let refuse = |path: &RepoPath, problem| Err(Error::malformed(path.as_str(), problem));
    for pair in sorted.windows(2) {
        if pair[0].path == pair[1].path {
            return refuse(&pair[0].path, "it is there twice; one name must mean one thing");
        }
    }
    let leaves: HashMap<&str, ()> = sorted.iter().map(|entry| (entry.path.as_str(), ())).collect();
    let mut checked = "";
    for entry in sorted {
        let parent = entry.path.as_str().rsplit_once('/').map_or("", |(parent, _)| parent);
        if parent == checked {
            continue;
        }
        checked = parent;
        for (at, _) in entry.path.as_str().match_indices('/') {
            if leaves.contains_key(&entry.path.as_str()[..at]) {
                return refuse(
                    &entry.path,
                    "it lies below something that is no directory; one name must mean one thing",
                );
            }
        }
    }
    Ok(())
}

/// `raw` as a path of a workspace; too long and too deep is a matter of budget, anything else of form.
pub(crate) fn repo_path(raw: &[u8]) -> Result<RepoPath, Error> {
    let place = || shown(&String::from_utf8_lossy(raw));
    let over = |excess: String| Err(Error::TreeBudget { path: place(), excess });
    if raw.len() > MAX_PATH {
        return over(format!("a path of more than {MAX_PATH} bytes"));
    }
    if raw.split(|b| *b == b'/').count() > MAX_DEPTH {
        return over(format!("directories nested deeper than {MAX_DEPTH}"));
    }
    if raw.split(|b| *b == b'/').any(|name| name.len() > MAX_NAME) {
        return over(format!("a name of more than {MAX_NAME} bytes"));
    }
    RepoPath::from_bytes(raw)
        .map_err(|error: BadPath| Error::malformed(&place(), format!("{error}; rename it at its source")))
}

/// Reads all of `reader`, which has announced `size` bytes. No more than that is ever kept.
///
/// # Errors
/// `UnexpectedEof` when there is less, `InvalidData` when there is more.
pub(crate) fn read_exactly(reader: impl Read, size: u64) -> io::Result<Vec<u8>> {
    // What is announced may be a lie, so it is believed only up to a bound.
    let mut content = Vec::with_capacity(usize::try_from(size.min(1 << 20)).unwrap_or_default());
    reader.take(size.saturating_add(1)).read_to_end(&mut content)?;
    match (content.len() as u64).cmp(&size) {
        std::cmp::Ordering::Equal => Ok(content),
        std::cmp::Ordering::Less => {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends before its announced size"))
        }
        std::cmp::Ordering::Greater => Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than announced")),
    }
}

#[cfg(test)]
mod tests;
