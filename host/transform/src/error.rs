//! What can go wrong with stored objects.

/// Why objects could not be looked at or moved. What was not moved lies where it lay.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More objects than one scan takes.
    #[error("there are more than {most} objects below `{prefix}`; name a longer prefix")]
    TooMany {
        /// Below which prefix.
        prefix: String,
        /// How many one scan takes.
        most: usize,
    },
    /// A place that is only looked at.
    #[error("golden sets are whole or not there, so nothing is moved out of one; look with `dry_run`, then revoke")]
    Golden,
    /// A key that is the host's own.
    #[error("`{key}` is kept for the host; choose another key")]
    Reserved {
        /// Which key.
        key: String,
    },
    /// A key that not every place takes.
    #[error("`{key}` {why}; choose another key")]
    NoKey {
        /// Which key.
        key: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A look of the same tenant that has not ended.
    #[error("another privacy scan of this tenant runs or waits; ask again once it has ended")]
    Busy,
    /// A look that failed after it had moved something.
    #[error("objects were moved to quarantine, {moved} of them, and then it failed: {cause}")]
    Unfinished {
        /// How many.
        moved: usize,
        /// Why it did not go on.
        #[source]
        cause: Box<Error>,
    },
    /// The scanners could not run.
    #[error("the objects could not be looked at, so nothing was called clean: {0}")]
    Inspector(String),
    /// A store or a database that fails.
    #[error(transparent)]
    Store(#[from] certus_store::Error),
    /// A fault of the host.
    #[error("the host failed; its log says more")]
    Died(#[from] tokio::task::JoinError),
}
