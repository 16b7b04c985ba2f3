//! What can go wrong with the log.

use certus_signing::LogError;

/// Every message names the file or the numbers and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The place where the log lies failed.
    #[error("the log's file `{path}` could not be used ({cause}); check the place where the log is kept")]
    Storage {
        /// Which file, relative to the log.
        path: String,
        /// What the place said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file that the checkpoint speaks of is gone.
    #[error("the log's file `{path}` is missing; restore it from a copy of the log")]
    Missing {
        /// Which.
        path: String,
    },
    /// A file does not hold what it must.
    #[error("the log's file `{path}` was changed; restore it from a copy of the log")]
    Changed {
        /// Which.
        path: String,
    },
    /// The files do not make the root that was signed.
    #[error(
        "the log's files do not make the root that was signed for {size} entries; run `certus log verify` and restore a copy"
    )]
    Tampered {
        /// How many entries the checkpoint has.
        size: u64,
    },
    /// An audit found the first entry that is not what was signed.
    #[error("entry {index} of the log is not what was signed: `{path}` is missing or was changed; restore a copy")]
    BadEntry {
        /// The first such entry, counted from 0.
        index: u64,
        /// The file.
        path: String,
    },
    /// There is no checkpoint where there must be one.
    #[error("the log has no checkpoint; name the folder or the address of a log")]
    NoCheckpoint,
    /// More than there is.
    #[error("{index} is beyond the log's {size} entries; ask for less")]
    OutOfRange {
        /// What was asked for.
        index: u64,
        /// How many there are.
        size: u64,
    },
    /// An entry that does not fit.
    #[error("an entry has {length} bytes where {max} are allowed; log the digest of what is longer", max = super::MAX_ENTRY)]
    EntryTooLong {
        /// How long it is.
        length: usize,
    },
    /// The checkpoint changed in a turn that was somebody's own.
    #[error("the log's checkpoint was changed by somebody else meanwhile; try again")]
    LostTurn,
    /// A checkpoint, a proof or a key is wrong.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Error {
    /// Names the file that the place failed at.
    pub fn storage(path: &str, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Storage { path: path.to_owned(), cause: cause.into() }
    }
}
