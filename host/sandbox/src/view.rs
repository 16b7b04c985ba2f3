//! What a granted guest sees of the workspace, and where its log goes.

use std::borrow::Cow;
use std::sync::Arc;

use certus_model::workspace::{Entry, EntryKind, ReadError, Workspace};

/// The granted part of a workspace: entries in byte order of their paths.
#[derive(Clone)]
pub struct View {
    workspace: Arc<dyn Workspace>,
    /// Sorted indices into the workspace's entries.
    granted: Arc<[usize]>,
}

impl View {
    /// Everything of `workspace` for which `granted` says yes.
    pub fn new(workspace: Arc<dyn Workspace>, granted: impl Fn(&Entry) -> bool) -> Self {
        let indices = workspace.entries().iter().enumerate().filter(|(_, e)| granted(e)).map(|(i, _)| i).collect();
        Self { workspace, granted: indices }
    }

    /// The granted indices, sorted.
    pub fn indices(&self) -> &[usize] {
        &self.granted
    }

    pub(crate) fn entries_after(&self, after: Option<&str>, limit: usize) -> impl Iterator<Item = &Entry> {
        let entries = self.workspace.entries();
        let start = after.map_or(0, |after| self.granted.partition_point(|i| entries[*i].path.as_str() <= after));
        self.granted[start..].iter().take(limit).map(|i| &entries[*i])
    }

    pub(crate) fn find(&self, path: &str) -> Found<'_> {
        let Ok(path) = path.parse() else { return Found::Nothing };
        match self.workspace.find(&path) {
            None => Found::Nothing,
            Some(index) if self.granted.binary_search(&index).is_err() => Found::Denied,
            Some(index) => {
                let entry = &self.workspace.entries()[index];
                if matches!(entry.kind, EntryKind::File | EntryKind::Executable) {
                    Found::File(index, entry)
                } else {
                    Found::NotAFile
                }
            }
        }
    }

    pub(crate) fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, ReadError> {
        self.workspace.read(index)
    }
}

/// The answer to a path.
pub(crate) enum Found<'a> {
    Nothing,
    Denied,
    NotAFile,
    File(usize, &'a Entry),
}

/// What a guest said for the operator's eyes: the first bytes, and how much there was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuestLog {
    kept: Vec<u8>,
    total: u64,
}

impl GuestLog {
    /// Takes `bytes`, keeping them while fewer than `limit` are kept.
    pub(crate) fn push(&mut self, bytes: &[u8], limit: u64) {
        let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.total += bytes.len() as u64;
    }

    /// The kept lines, each printable: never show them unescaped.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        String::from_utf8_lossy(&self.kept)
            .lines()
            .map(|line| certus_model::escape::one_line(line, 1000))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// Bytes that were written, kept or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Bytes that are kept.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }
}
