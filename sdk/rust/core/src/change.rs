use crate::Span;

/// The difference between two revisions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// The base commit, where there is one.
    pub base: Option<String>,
    /// The head commit, where there is one.
    pub head: Option<String>,
    /// Sorted by path of the head, else of the base.
    pub files: Vec<FileChange>,
}

/// What happened to one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The kind of change.
    pub status: Status,
    /// The side before, absent for an added file.
    pub base: Option<Side>,
    /// The side after, absent for a deleted file.
    pub head: Option<Side>,
    /// True where no hunks are given because the content is binary.
    pub binary: bool,
    /// The changed places, in order.
    pub hunks: Vec<Hunk>,
}

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are git's own")]
pub enum Status {
    Added,
    Modified,
    Deleted,
    Renamed,
    Copied,
    TypeChanged,
}

/// One side of a changed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// The path on this side.
    pub path: String,
    /// Git's mode: 0o100644, 0o100755, 0o120000 or 0o160000.
    pub mode: u32,
    /// Size in bytes.
    pub size: u64,
    /// Git's object id, where there is one.
    pub object: Option<String>,
}

/// Bytes removed from the base and bytes added to the head at one place; either may be empty.
///
/// Of a bare patch without its files, the spans count in the text that the patch shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Where in the base.
    pub removed: Span,
    /// What was there.
    pub removed_content: Vec<u8>,
    /// Where in the head.
    pub added: Span,
    /// What is there now.
    pub added_content: Vec<u8>,
}
