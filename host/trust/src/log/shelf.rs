//! What a log needs of the place where it lies.

use std::fmt;

use futures_util::future::BoxFuture;

use super::Error;

/// Where the files of a log lie. Paths are relative, with `/` between parts, as C2SP `tlog-tiles` names them.
pub trait Shelf: fmt::Debug + Send + Sync {
    /// What lies at a path; none if there is nothing.
    ///
    /// # Errors
    /// A place that fails.
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, Error>>;

    /// Puts a file at a path, whole and for good once this returns, in the place of any that lies there: an append
    /// that was cut off leaves files that the next one replaces.
    ///
    /// # Errors
    /// A place that fails; then the old file lies there, the new one, or none.
    fn put<'a>(&'a self, path: &'a str, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), Error>>;

    /// Takes away whatever lies below a folder, because nobody needs it any more. A place where nothing can be removed
    /// does nothing.
    ///
    /// # Errors
    /// A place that fails. That there is no such folder is no failure.
    fn clear<'a>(&'a self, _folder: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Who may extend a log, one at a time over all processes, and from which state. The state is the text of the
/// current checkpoint, and what it says is the truth: the copy on the shelf may be older for a while.
pub trait Sequencer: fmt::Debug + Send + Sync {
    /// Waits for a turn.
    ///
    /// # Errors
    /// A sequencer that fails.
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Turn>, Error>>;

    /// The current checkpoint; none before the first. It waits for no turn.
    ///
    /// # Errors
    /// A sequencer that fails.
    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<String>, Error>>;

    /// Whether what a turn commits lies on the shelf as `checkpoint` by that alone, because the two are one place.
    fn publishes(&self) -> bool {
        false
    }
}

/// Nobody else extends the log until this is committed or dropped. Dropping it changes nothing.
pub trait Turn: Send + Sync {
    /// The checkpoint that the turn began with; none before the first.
    fn checkpoint(&self) -> Option<&str>;

    /// Makes `checkpoint` the current one, for good once this returns, and ends the turn. It must not succeed if the
    /// current one is no longer what the turn began with, as when a lease ran out: then two would extend the log.
    ///
    /// # Errors
    /// A sequencer that fails; then the current checkpoint is the old one or the new one.
    fn commit(self: Box<Self>, checkpoint: &str) -> BoxFuture<'_, Result<(), Error>>;
}
