//! A bundle's folder, looked at once: no link is followed, nothing is there but known names.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek as _};
use std::path::Path;

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt as _};
use certus_model::Sha256;
use rustix::fs::OFlags;
use sha2::Digest as _;

use crate::Error;
use crate::index::FileEntry;
use crate::name::{APART, FileName, folders_above};
use crate::refusal::{Problem, Refusal};

/// The open files of a bundle. What is checked and what is read is the same open file, whatever
/// happens to the folder meanwhile.
pub(crate) struct Tree {
    /// What was there, whether it has been read since or not.
    names: BTreeSet<&'static str>,
    files: BTreeMap<&'static str, File>,
    folders: BTreeSet<&'static str>,
}

/// Bytes that are hashed at a time.
const CHUNK: usize = 64 << 10;

impl Tree {
    /// Opens every file below `dir`. The number of open files is bounded by the closed list of names.
    pub(crate) fn open(dir: &Dir) -> Result<Self, Error> {
        let mut tree = Self { names: BTreeSet::new(), files: BTreeMap::new(), folders: BTreeSet::new() };
        tree.enter(dir, "")?;
        Ok(tree)
    }

    fn enter(&mut self, dir: &Dir, prefix: &str) -> Result<(), Error> {
        let unreadable = |path: &str| {
            let shown = if path.is_empty() { "the bundle" } else { path }.to_owned();
            move |cause| Error::io(shown, "read", cause)
        };
        for entry in dir.entries().map_err(unreadable(prefix))? {
            let entry = entry.map_err(unreadable(prefix))?;
            let file_name = entry.file_name();
            let path = format!("{prefix}{}", file_name.to_string_lossy());
            let refuse = |problem| Err(Refusal::new(&path, problem).into());
            let kind = entry.metadata().map_err(unreadable(&path))?.file_type();
            if kind.is_symlink() {
                return refuse(Problem::Link);
            }
            let known_file = known_files().find(|known| *known == path);
            let known_folder = known_folders().find(|known| *known == path);
            match (known_file, known_folder) {
                (Some(known), _) if kind.is_file() => {
                    let file = open_file(dir, Path::new(&file_name)).map_err(unreadable(&path))?;
                    if !file.metadata().map_err(unreadable(&path))?.is_file() {
                        return refuse(Problem::Special);
                    }
                    self.names.insert(known);
                    self.files.insert(known, file);
                }
                (_, Some(known)) if kind.is_dir() => {
                    let folder = open_folder(dir, Path::new(&file_name)).map_err(unreadable(&path))?;
                    self.folders.insert(known);
                    self.enter(&folder, &format!("{known}/"))?;
                }
                (None, None) => return refuse(Problem::Unlisted),
                _ => return refuse(Problem::Special),
            }
        }
        Ok(())
    }

    /// Whether a file is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.names.contains(path)
    }

    /// Refuses files that are neither listed nor verified by their own signature, and folders without
    /// a listed file.
    pub(crate) fn refuse_unlisted(&self, listed: &BTreeSet<&str>) -> Result<(), Refusal> {
        let refuse = |path: &str| Err(Refusal::new(path, Problem::Unlisted));
        if let Some(path) = self.names.iter().find(|path| !listed.contains(*path) && !APART.contains(path)) {
            return refuse(path);
        }
        let needed: BTreeSet<_> = listed.iter().flat_map(|path| folders_above(path)).collect();
        self.folders.difference(&needed).next().map_or(Ok(()), |path| refuse(path))
    }

    /// Reads a file of the closed list "apart", of at most `limit` bytes; it may be read again.
    pub(crate) fn read_apart(&mut self, path: &'static str, limit: u64) -> Result<Vec<u8>, Error> {
        let file = self.files.get_mut(path).ok_or_else(|| Refusal::new(path, Problem::Missing))?;
        file.rewind().map_err(|cause| Error::io(path, "read", cause))?;
        read(file, path, limit)?.ok_or_else(|| Refusal::new(path, Problem::TooLarge { limit }).into())
    }

    /// Reads a listed file whole and checks its size and digest.
    pub(crate) fn read_listed(&mut self, entry: &FileEntry, limit: u64) -> Result<Vec<u8>, Error> {
        let refuse = |problem| Error::from(Refusal::new(entry.path.path(), problem));
        if entry.size > limit {
            return Err(refuse(Problem::TooLarge { limit }));
        }
        let file = self.take(entry.path.path())?;
        match read(file, entry.path.path(), entry.size)? {
            Some(bytes) if bytes.len() as u64 == entry.size => {
                if Sha256::of(&bytes) == entry.sha256 {
                    Ok(bytes)
                } else {
                    Err(refuse(Problem::Digest))
                }
            }
            _ => Err(refuse(Problem::Size { expected: entry.size })),
        }
    }

    /// Checks the size and digest of a listed file without holding it in memory.
    pub(crate) fn hash_listed(&mut self, entry: &FileEntry) -> Result<(), Error> {
        let refuse = |problem| Err(Refusal::new(entry.path.path(), problem).into());
        // One byte more than listed is enough to see that there is more.
        let mut file = self.take(entry.path.path())?.take(entry.size.saturating_add(1));
        let (mut hash, mut size, mut chunk) = (sha2::Sha256::new(), 0, vec![0; CHUNK]);
        loop {
            match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => {
                    hash.update(&chunk[..count]);
                    size += count as u64;
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(Error::io(entry.path, "read", cause)),
            }
        }
        if size != entry.size {
            return refuse(Problem::Size { expected: entry.size });
        }
        let digest = Sha256::from_bytes(hash.finalize().into());
        if digest == entry.sha256 { Ok(()) } else { refuse(Problem::Digest) }
    }

    fn take(&mut self, path: &'static str) -> Result<File, Error> {
        self.files.remove(path).ok_or_else(|| Refusal::new(path, Problem::Missing).into())
    }
}

/// Every path that a file of a bundle may have.
pub(crate) fn known_files() -> impl Iterator<Item = &'static str> {
    FileName::ALL.into_iter().map(FileName::path).chain(APART)
}

/// Every path that a folder of a bundle may have; some come twice.
pub(crate) fn known_folders() -> impl Iterator<Item = &'static str> {
    FileName::ALL.into_iter().flat_map(|name| folders_above(name.path()))
}

/// Opens the folder `name` of `dir`, which must not be a link. Unlike `Dir::open_dir`, the result can
/// be locked.
pub(crate) fn open_folder(dir: &Dir, name: &Path) -> io::Result<Dir> {
    let file = open(dir, name, OFlags::NOFOLLOW | OFlags::DIRECTORY)?;
    Ok(Dir::from_std_file(file.into_std()))
}

/// Opens the file `name` of `dir`, which must not be a link, and does not wait should it be a pipe.
fn open_file(dir: &Dir, name: &Path) -> io::Result<File> {
    open(dir, name, OFlags::NOFOLLOW | OFlags::NONBLOCK)
}

fn open(dir: &Dir, name: &Path, flags: OFlags) -> io::Result<File> {
    dir.open_with(name, OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()))
}

/// The content, or none when it is longer than `limit`.
fn read(file: impl Read, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    let mut bytes = Vec::new();
    let mut file = file.take(limit.saturating_add(1));
    file.read_to_end(&mut bytes).map_err(|cause| Error::io(path, "read", cause))?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}
