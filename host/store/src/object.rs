//! Objects: files with names and with what they carry, at the places that bundles are published to.

mod bucket;
mod content;
mod directory;
mod meta;

use std::fmt;

use certus_model::Sha256;
use futures_util::future::BoxFuture;

pub use self::bucket::Bucket;
pub use self::content::Content;
pub use self::directory::Directory;
pub use self::meta::Meta;
use crate::blob::digest;
use crate::error::Error;

/// How often an object is written before its store is given up.
const WRITES: usize = 3;

/// An object as its store has it on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its length in bytes.
    pub size: u64,
    /// What it carries; none where the store forgets that, or somebody else wrote it.
    pub meta: Option<Meta>,
}

/// An object of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
}

/// What may be written over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Nothing: an object that is there stays as it is, where the store can hold to that.
    Nothing,
    /// Whatever is there.
    Anything,
}

/// An object of a store that can be asked to copy it by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopySource {
    /// Which store, and who asks.
    account: String,
    /// The bucket and the key, percent-encoded.
    path: String,
}

/// A place with objects: a prefix of a bucket, or a folder. Keys are paths with slashes below it.
///
/// These are single steps, none of which is believed: [`Objects::keep`](trait.Objects.html#method.keep) and
/// [`Objects::keep_copy`](trait.Objects.html#method.keep_copy) take as many as it needs.
pub trait Objects: fmt::Debug + Send + Sync {
    /// Which place this is, without a secret: for people, and for what is bound to it.
    fn place(&self) -> String;

    /// Where an object is, as clients write it: `s3://bucket/prefix/key` or `file:///folder/key`.
    fn uri(&self, key: &str) -> String;

    /// What is on record of an object; none if there is none.
    ///
    /// # Errors
    /// [`Error::Taken`] where there can be none, as below a file of a folder; a store that fails.
    fn look<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Object>, Error>>;

    /// Writes an object.
    ///
    /// # Errors
    /// Content that is not what `meta` says, of which nothing is written; a store that fails.
    fn put<'a>(
        &'a self,
        key: &'a str,
        content: Content<'a>,
        meta: &'a Meta,
        over: Over,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Writes an object over whatever is there, with the content of one of `from`, within the store where it can.
    ///
    /// # Errors
    /// [`Error::Gone`] for an object that is not there, a store that fails.
    fn copy<'a>(
        &'a self,
        from: &'a dyn Objects,
        from_key: &'a str,
        key: &'a str,
        meta: &'a Meta,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Opens an object, as a file that reads from its start. Whether it is what was written the caller finds out.
    ///
    /// # Errors
    /// [`Error::Gone`] for an object that is not there, a store that fails.
    fn open<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<std::fs::File, Error>>;

    /// Every object whose key begins with `prefix`, in their order; one that is being written may be among them.
    ///
    /// # Errors
    /// A store that fails.
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, Error>>;

    /// Removes an object; that there is none is no failure.
    ///
    /// # Errors
    /// A store that fails.
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), Error>>;

    /// How its store names an object to itself; none where stores cannot copy.
    fn copy_source(&self, _key: &str) -> Option<CopySource> {
        None
    }
}

impl dyn Objects + '_ {
    /// The SHA-256 of an object as it reads now; none if there is none.
    ///
    /// # Errors
    /// A store that fails.
    pub async fn digest(&self, key: &str) -> Result<Option<Sha256>, Error> {
        let mut file = match self.open(key).await {
            Err(Error::Gone { .. }) => return Ok(None),
            opened => opened?,
        };
        let read = tokio::task::spawn_blocking(move || digest(&mut file)).await;
        let read = read.unwrap_or_else(|died| Err(std::io::Error::other(died)));
        Ok(Some(read.map_err(|cause| Error::folder(key, "read", cause))?.0))
    }

    /// Writes an object unless it is there already, and reads it back: what `meta` says is there once this returns.
    ///
    /// # Errors
    /// [`Error::Taken`] for another object under this key, unless `over` lets it go; content that is not what
    /// `meta` says; a store that fails, or keeps something else than it was given.
    pub async fn keep(&self, key: &str, content: Content<'_>, meta: &Meta, over: Over) -> Result<(), Error> {
        let mut written = 0;
        while let Some(over) = self.missing(key, meta, over, written).await? {
            self.put(key, content, meta, over).await?;
            crate::crash::point("object-put");
            written += 1;
        }
        Ok(())
    }

    /// [`keep`](#method.keep) for content that lies in `from`.
    ///
    /// # Errors
    /// As [`keep`](#method.keep).
    pub async fn keep_copy(
        &self,
        from: &dyn Objects,
        from_key: &str,
        key: &str,
        meta: &Meta,
        over: Over,
    ) -> Result<(), Error> {
        let mut written = 0;
        while self.missing(key, meta, over, written).await?.is_some() {
            self.copy(from, from_key, key, meta).await?;
            crate::crash::point("object-put");
            written += 1;
        }
        Ok(())
    }

    /// None once an object is there, byte for byte; else what may be written over.
    async fn missing(&self, key: &str, meta: &Meta, over: Over, written: usize) -> Result<Option<Over>, Error> {
        let Some(found) = self.look(key).await? else { return self.once_more(key, over, written) };
        let is_right = self.digest(key).await? == Some(meta.sha256());
        let carried = found.meta.as_ref();
        // A store that forgets what objects carry is asked for no more than their bytes.
        if is_right && (written > 0 || carried.is_none_or(|carried| carried.agrees(meta))) {
            return Ok(None);
        }
        // Damaged on its way, or the same with something else to carry: neither is anybody else's.
        let is_ours = is_right || carried.map_or(written > 0, |carried| carried.sha256() == meta.sha256());
        match is_ours || over == Over::Anything {
            true => self.once_more(key, Over::Anything, written),
            false => Err(Error::Taken { what: key.to_owned(), place: self.place() }),
        }
    }

    fn once_more(&self, key: &str, over: Over, written: usize) -> Result<Option<Over>, Error> {
        match written < WRITES {
            true => Ok(Some(over)),
            false => {
                let cause = "it does not read back as it was written".into();
                Err(Error::Blob { what: key.to_owned(), done: "written", place: self.place(), cause })
            }
        }
    }
}

#[cfg(test)]
mod tests;
