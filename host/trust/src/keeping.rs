//! A service's log: its tiles beside the blobs, its turns in the database, so that all its machines share one.

use std::fmt;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};

use certus_model::Sha256;
use certus_signing::permit::rfc3339;
use certus_store::{Content, Error as StoreError, LogTurn, Meta, Objects, Over, Store};
use futures_util::future::BoxFuture;
use time::OffsetDateTime;

use crate::log::{Error, Sequencer, Shelf, Turn};

/// The tiles of a log, as objects.
#[derive(Debug)]
pub struct ObjectShelf(pub Arc<dyn Objects>);

/// The turns of a log, in a database.
pub struct StoredTurns(pub Store);

struct StoredTurn {
    checkpoint: Option<String>,
    /// A connection may be sent to another thread, but not shared by two.
    turn: Mutex<LogTurn>,
}

/// The largest file of a log: 256 entries of the largest size, with their lengths.
const LARGEST: u64 = 256 * (65_535 + 2);

impl Shelf for ObjectShelf {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, Error>> {
        Box::pin(async move {
            let file = match self.0.open(path).await {
                Err(StoreError::Gone { .. }) => return Ok(None),
                opened => opened.map_err(|cause| Error::storage(path, cause))?,
            };
            let mut bytes = Vec::new();
            file.take(LARGEST).read_to_end(&mut bytes).map_err(|cause| Error::storage(path, cause))?;
            Ok(Some(bytes))
        })
    }

    fn put<'a>(&'a self, path: &'a str, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let now = rfc3339(OffsetDateTime::now_utc());
            let meta = Meta::new(Sha256::of(bytes), bytes.len() as u64, "application/octet-stream", &now);
            let put = self.0.put(path, Content::Bytes(bytes), &meta, Over::Anything).await;
            put.map_err(|cause| Error::storage(path, cause))
        })
    }

    fn clear<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let listed = self.0.list(&format!("{folder}/")).await.map_err(|cause| Error::storage(folder, cause))?;
            for object in listed {
                self.0.remove(&object.key).await.map_err(|cause| Error::storage(folder, cause))?;
            }
            Ok(())
        })
    }
}

/// What stands in messages where a path would.
const PLACE: &str = "checkpoint";

impl Sequencer for StoredTurns {
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Turn>, Error>> {
        Box::pin(async move {
            let turn = self.0.log_turn().await.map_err(|cause| Error::storage(PLACE, cause))?;
            let checkpoint = turn.checkpoint().map(ToOwned::to_owned);
            Ok(Box::new(StoredTurn { checkpoint, turn: Mutex::new(turn) }) as Box<dyn Turn>)
        })
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        Box::pin(async move { self.0.log_checkpoint().await.map_err(|cause| Error::storage(PLACE, cause)) })
    }
}

impl Turn for StoredTurn {
    fn checkpoint(&self) -> Option<&str> {
        self.checkpoint.as_deref()
    }

    fn commit(self: Box<Self>, checkpoint: &str) -> BoxFuture<'_, Result<(), Error>> {
        let checkpoint = checkpoint.to_owned();
        let turn = self.turn.into_inner().unwrap_or_else(PoisonError::into_inner);
        Box::pin(async move { turn.commit(&checkpoint).await.map_err(|cause| Error::storage(PLACE, cause)) })
    }
}

impl fmt::Debug for StoredTurns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredTurns")
    }
}
