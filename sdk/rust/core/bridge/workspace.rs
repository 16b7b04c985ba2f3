//! The workspace that the host grants. Compiled into `tree` and `change`.

use certus_sdk_core::{Entry, Kind, ReadError, Revision, Workspace};

use crate::bindings::certus::scanner::workspace as wit;

/// Of no size, and named only where a scanner takes a workspace, so that a component of any other
/// scanner does not import the interface.
pub(crate) struct HostWorkspace;

impl Workspace for HostWorkspace {
    fn entries(&self, revision: Revision, after: Option<&str>, limit: u32) -> Result<Vec<Entry>, ReadError> {
        let entries = wit::entries(revision.into(), after, limit)?;
        Ok(entries.into_iter().map(Entry::from).collect())
    }

    fn read(&self, revision: Revision, path: &str) -> Result<Vec<u8>, ReadError> {
        Ok(wit::read(revision.into(), path)?)
    }

    fn read_range(&self, revision: Revision, path: &str, start: u64, length: u32) -> Result<Vec<u8>, ReadError> {
        Ok(wit::read_range(revision.into(), path, start, length)?)
    }
}

impl From<wit::Entry> for Entry {
    fn from(entry: wit::Entry) -> Self {
        Self {
            path: entry.path,
            kind: match entry.kind {
                wit::Kind::File => Kind::File,
                wit::Kind::Symlink => Kind::Symlink,
                wit::Kind::Submodule => Kind::Submodule,
            },
            size: entry.size,
            executable: entry.executable,
        }
    }
}

impl From<wit::Error> for ReadError {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::NotFound => Self::NotFound,
            wit::Error::Denied => Self::Denied,
            wit::Error::TooLarge(size) => Self::TooLarge(size),
            wit::Error::NotAFile => Self::NotAFile,
            wit::Error::NoBase => Self::NoBase,
        }
    }
}
