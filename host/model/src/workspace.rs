//! The sealed tree that scanners look at: what is in it, not how it is read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{RepoPath, Sha256};

/// What an entry of a tree is, with git's modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A regular file (0o100644).
    File,
    /// A file with the executable bit (0o100755).
    Executable,
    /// A symbolic link (0o120000): recorded, never followed. Its content is its target.
    Symlink,
    /// A submodule (0o160000): recorded, never fetched.
    Submodule,
}

impl EntryKind {
    /// git's mode number.
    pub const fn mode(self) -> u32 {
        match self {
            Self::File => 0o100_644,
            Self::Executable => 0o100_755,
            Self::Symlink => 0o120_000,
            Self::Submodule => 0o160_000,
        }
    }

    /// Whether it has content that a scanner may read.
    pub const fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Executable)
    }
}

/// One entry of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where.
    pub path: RepoPath,
    /// What.
    pub kind: EntryKind,
    /// Content length in bytes; 0 for a submodule.
    pub size: u64,
    /// SHA-256 of the content; for a submodule, of the commit id it names.
    pub digest: Sha256,
}

/// The digest of a tree: SHA-256 over its entries sorted by path, each as escaped path, NUL, mode in
/// octal, NUL, size in decimal, NUL, content digest in hex, line feed. Two sources with the same
/// content have the same digest, whether they came from git, a directory or an archive.
pub fn tree_digest(entries: &[Entry]) -> Sha256 {
    debug_assert!(entries.is_sorted_by(|a, b| a.path < b.path), "entries are sorted by path and unique");
    let mut text = String::new();
    for entry in entries {
        text += &format!("{}\0{:o}\0{}\0{}\n", entry.path, entry.kind.mode(), entry.size, entry.digest);
    }
    Sha256::of(text.as_bytes())
}

/// A file of the workspace could not be read although it was there when the workspace was sealed,
/// or its content is no longer what it was.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{path}` could not be read from the sealed workspace ({cause}); the source changed or the disk failed, scan again"
)]
pub struct ReadError {
    /// Which file.
    pub path: RepoPath,
    /// What the operating system or the object store said.
    pub cause: String,
}

/// A sealed workspace: sorted entries and their content.
pub trait Workspace: Send + Sync {
    /// All entries, sorted by path, unique.
    fn entries(&self) -> &[Entry];

    /// The content of the entry at `index` of [`Workspace::entries`], exactly as it was sealed; empty
    /// for a submodule.
    ///
    /// # Errors
    /// When the content can no longer be had or differs from the sealed digest.
    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, ReadError>;

    /// The index of the entry at `path`.
    fn find(&self, path: &RepoPath) -> Option<usize> {
        self.entries().binary_search_by(|entry| entry.path.cmp(path)).ok()
    }
}

/// A workspace in memory, for tests and for the examples of a plugin's manifest.
#[derive(Clone, Debug, Default)]
pub struct MemoryWorkspace {
    entries: Vec<Entry>,
    contents: Vec<Vec<u8>>,
}

impl MemoryWorkspace {
    /// A workspace of regular files; of two with one path the later stays.
    pub fn new(files: impl IntoIterator<Item = (RepoPath, Vec<u8>)>) -> Self {
        let sorted: std::collections::BTreeMap<_, _> = files.into_iter().collect();
        let mut workspace = Self::default();
        for (path, content) in sorted {
            let (size, digest) = (content.len() as u64, Sha256::of(&content));
            workspace.entries.push(Entry { path, kind: EntryKind::File, size, digest });
            workspace.contents.push(content);
        }
        workspace
    }
}

impl Workspace for MemoryWorkspace {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, ReadError> {
        Ok(Cow::Borrowed(&self.contents[index]))
    }
}
