use std::collections::VecDeque;
use std::fmt;

use crate::{Location, Problem, Revision};

/// The most entries that one call of [`Workspace::entries`] answers.
const PAGE: u32 = 10_000;

/// Bytes that [`Workspace::read_all`](trait.Workspace.html#method.read_all) asks for at a time.
const CHUNK: u32 = 1 << 20;

/// What the manifest's globs allow a scanner to read. The host counts every call.
pub trait Workspace {
    /// Granted entries in byte order of their paths, after `after`, at most `limit` (1 to 10,000).
    /// An empty answer is the end. [`walk`](trait.Workspace.html#method.walk) does the paging.
    ///
    /// # Errors
    /// [`ReadError::NoBase`] where there is no such side.
    fn entries(&self, revision: Revision, after: Option<&str>, limit: u32) -> Result<Vec<Entry>, ReadError>;

    /// The whole of a file.
    ///
    /// # Errors
    /// A [`ReadError`]; [`ReadError::TooLarge`] where one answer cannot hold it.
    fn read(&self, revision: Revision, path: &str) -> Result<Vec<u8>, ReadError>;

    /// At most `length` bytes from `start`; shorter at the end of the file, empty beyond it.
    ///
    /// # Errors
    /// A [`ReadError`], as for [`Workspace::read`].
    fn read_range(&self, revision: Revision, path: &str, start: u64, length: u32) -> Result<Vec<u8>, ReadError>;
}

impl dyn Workspace + '_ {
    /// Every granted entry of one side, in byte order of the paths.
    pub fn walk(&self, revision: Revision) -> Walk<'_> {
        Walk { workspace: self, revision, page: VecDeque::new(), after: None, done: false }
    }

    /// The whole of a file, in pieces where it is larger than one answer.
    ///
    /// # Errors
    /// A [`ReadError`], but never [`ReadError::TooLarge`] of the file as a whole.
    pub fn read_all(&self, revision: Revision, path: &str) -> Result<Vec<u8>, ReadError> {
        match self.read(revision, path) {
            Err(ReadError::TooLarge(_)) => {}
            answer => return answer,
        }
        let mut content = Vec::new();
        loop {
            let piece = self.read_range(revision, path, content.len() as u64, CHUNK)?;
            if piece.is_empty() {
                return Ok(content);
            }
            content.extend_from_slice(&piece);
        }
    }
}

/// One entry of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Relative, `/`-separated; spell it the same way in findings.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Size in bytes.
    pub size: u64,
    /// Whether git marks it executable.
    pub executable: bool,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A file, which can be read.
    File,
    /// Recorded, never followed.
    Symlink,
    /// Recorded, never fetched.
    Submodule,
}

/// Why the workspace gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadError {
    /// There is no such entry.
    NotFound,
    /// Outside the granted globs. Counted.
    Denied,
    /// Larger than one answer may be; the file's size in bytes. Use a range.
    TooLarge(u64),
    /// A symlink or a submodule.
    NotAFile,
    /// A plain scan has no base.
    NoBase,
}

impl ReadError {
    /// The same as a problem with the file that could not be read.
    pub fn into_problem(self, path: &str) -> Problem {
        let at = Location::whole(path);
        match self {
            Self::TooLarge(_) => Problem::exhausted(self.to_string()).at(at),
            Self::NotAFile => Problem::unsupported(self.to_string()).at(at),
            Self::NotFound | Self::Denied | Self::NoBase => Problem::internal(self.to_string()).at(at),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooLarge(_) => Self::exhausted(error.to_string()),
            _ => Self::internal(error.to_string()),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no such entry"),
            Self::Denied => {
                f.write_str("the path is outside the granted globs: widen include under [capabilities.workspace]")
            }
            Self::TooLarge(size) => {
                write!(f, "{size} bytes are too large for one answer: use read_range")
            }
            Self::NotAFile => f.write_str("a symlink or submodule has no content: skip it"),
            Self::NoBase => f.write_str("the scan has no base: ask for the head"),
        }
    }
}

impl std::error::Error for ReadError {}

/// Iterates over all granted entries, page by page. Ends after the first error.
pub struct Walk<'a> {
    workspace: &'a dyn Workspace,
    revision: Revision,
    page: VecDeque<Entry>,
    after: Option<String>,
    done: bool,
}

impl Iterator for Walk<'_> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() && !self.done {
            match self.workspace.entries(self.revision, self.after.as_deref(), PAGE) {
                Ok(page) => {
                    self.done = page.is_empty();
                    self.after = page.last().map(|entry| entry.path.clone());
                    self.page = page.into();
                }
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
            }
        }
        self.page.pop_front().map(Ok)
    }
}
