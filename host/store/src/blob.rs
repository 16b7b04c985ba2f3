//! Uploads and bundles: received or written in a folder of this machine, kept in a store that all machines of a
//! service share.

mod folder;
mod incoming;
mod s3;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use cap_std::fs::{File, OpenOptions};
use certus_model::{ScanId, Sha256, UploadId};
use futures_util::future::BoxFuture;
use sha2::Digest as _;

pub use self::folder::Folder;
pub(crate) use self::folder::{blocking, sync_names};
pub use self::incoming::Incoming;
pub(crate) use self::incoming::{is_young, open_root};
pub(crate) use self::s3::{Cause, patience, said};
pub use self::s3::{S3, S3Config, S3Login};
use crate::error::Error;

/// How much is read at once.
pub(crate) const PART: usize = 256 * 1024;

/// What is kept under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// Archives that clients sent, each one file.
    Uploads,
    /// Bundles, each a tree of files.
    Bundles,
}

impl Area {
    /// The folder or the part of a key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploads => "uploads",
            Self::Bundles => "bundles",
        }
    }
}

/// What is kept under one name, as far as a sweeper asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// When any of it was written last.
    pub changed: SystemTime,
    /// All of it, in bytes.
    pub bytes: u64,
}

/// A place that keeps files. What is kept is kept whole: a reader sees all of a name or nothing of it, once the
/// name is on record.
pub trait BlobStore: fmt::Debug + Send + Sync {
    /// Where that is, for people, without a secret.
    fn place(&self) -> String;

    /// Whether it can be written, read and tidied: tries all three.
    ///
    /// # Errors
    /// If not.
    fn check(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Keeps `name` of `incoming`, a file or a folder, for good once this returns. It may be called again after a
    /// failure, and what was kept already is not kept twice. What lies in `incoming` stays or goes: the caller
    /// does not need it any more.
    ///
    /// # Errors
    /// A store that fails; then nothing can be relied on but that nobody reads it.
    fn keep<'a>(&'a self, incoming: &'a Incoming, area: Area, name: &'a str) -> BoxFuture<'a, Result<(), Error>>;

    /// Opens a file: that of an upload, or `path` of a bundle. What it holds is what was kept, or it is an error;
    /// what is on its way through the network comes into a file of `incoming` that has no name.
    ///
    /// # Errors
    /// A file that is not there ([`Error::Gone`]), that was changed, or a store that fails.
    fn open<'a>(
        &'a self,
        incoming: &'a Incoming,
        area: Area,
        name: &'a str,
        path: Option<&'a str>,
    ) -> BoxFuture<'a, Result<std::fs::File, Error>>;

    /// The path of an upload, where it is a file of this machine.
    fn path(&self, area: Area, name: &str) -> Option<PathBuf>;

    /// Every name in an area; one that is being written may be among them or not.
    ///
    /// # Errors
    /// A store that fails.
    fn names(&self, area: Area) -> BoxFuture<'_, Result<Vec<String>, Error>>;

    /// What is kept under a name; none if there is nothing.
    ///
    /// # Errors
    /// A store that fails.
    fn look<'a>(&'a self, area: Area, name: &'a str) -> BoxFuture<'a, Result<Option<Kept>, Error>>;

    /// Removes all of a name; that there is nothing is no failure.
    ///
    /// # Errors
    /// A store that fails; some of it may be gone.
    fn remove<'a>(&'a self, area: Area, name: &'a str) -> BoxFuture<'a, Result<(), Error>>;
}

/// The blobs of a service. Clones share them.
#[derive(Clone, Debug)]
pub struct Blobs {
    incoming: Arc<Incoming>,
    store: Arc<dyn BlobStore>,
}

impl Blobs {
    /// Blobs that come to be in the folder `root` and are kept by `store`.
    ///
    /// # Errors
    /// A folder that can be neither made nor opened.
    pub fn new(root: &Path, store: impl BlobStore + 'static) -> Result<Self, Error> {
        Ok(Self { incoming: Arc::new(Incoming::open(root)?), store: Arc::new(store) })
    }

    /// Blobs that are kept in the folder `root` itself.
    ///
    /// # Errors
    /// A folder that can be neither made nor opened.
    pub fn in_folder(root: &Path) -> Result<Self, Error> {
        Self::new(root, Folder::open(root)?)
    }

    /// What keeps them.
    pub fn store(&self) -> &dyn BlobStore {
        &*self.store
    }

    /// A new file for an upload, kept with [`Blobs::keep_upload`].
    ///
    /// # Errors
    /// A disk that is full or fails.
    pub fn new_upload(&self, id: &UploadId) -> Result<File, Error> {
        let options = OpenOptions::new().read(true).write(true).create_new(true).to_owned();
        let made = self.incoming.dir.open_with(id.as_str(), &options);
        made.map_err(|cause| Error::folder(format!("incoming/{id}"), "written", cause))
    }

    /// Keeps a received upload, for good once this returns.
    ///
    /// # Errors
    /// A store that fails; the upload is removed with [`Blobs::drop_upload`] then.
    pub async fn keep_upload(&self, id: &UploadId) -> Result<(), Error> {
        self.keep(Area::Uploads, id.as_str()).await
    }

    /// Removes what this machine has of an upload that failed. What the store has of it nobody has on record, and
    /// the sweeper takes it.
    pub fn drop_upload(&self, id: &UploadId) {
        let _ = self.incoming.drop_tree(id.as_str());
    }

    /// An upload as a file of this machine, for as long as the value lives.
    ///
    /// # Errors
    /// An upload that is gone, a store that fails.
    pub async fn upload(&self, id: &UploadId) -> Result<Fetched, Error> {
        if let Some(path) = self.store.path(Area::Uploads, id.as_str()) {
            return Ok(Fetched { path, temporary: None });
        }
        let name = format!("{id}.{}", uuid::Uuid::now_v7());
        let mut from = self.store.open(&self.incoming, Area::Uploads, id.as_str(), None).await?;
        let incoming = self.incoming.clone();
        let copy = tokio::task::spawn_blocking(move || {
            let fetched = Fetched { path: incoming.path().join(&name), temporary: Some((incoming, name)) };
            if let Some((incoming, name)) = &fetched.temporary {
                io::copy(&mut from, &mut incoming.dir.create(name)?)?;
            }
            Ok(fetched)
        });
        let copied = copy.await.unwrap_or_else(|died| Err(io::Error::other(died)));
        copied.map_err(|cause| Error::folder(format!("incoming/{id}"), "written", cause))
    }

    /// The name of the bundle that this claim of a scan makes: no two claims share one.
    pub fn bundle_name(id: &ScanId, fence: i64) -> String {
        format!("{id}.{fence}")
    }

    /// Where a bundle is written before it is kept.
    pub fn incoming_bundle(&self, name: &str) -> PathBuf {
        self.incoming.path().join(name)
    }

    /// A file of a bundle that is written and not yet kept.
    ///
    /// # Errors
    /// A file that is not there or cannot be read.
    pub fn incoming_file(&self, bundle: &str, file: &str) -> Result<File, Error> {
        let open = || self.incoming.dir.open_dir(bundle)?.open(file);
        open().map_err(|cause| Error::folder(format!("incoming/{bundle}/{file}"), "read", cause))
    }

    /// What a bundle weighs that is written and not yet kept, in bytes.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn incoming_bytes(&self, bundle: &str) -> Result<u64, Error> {
        let size = self.incoming.dir.open_dir(bundle).and_then(|dir| folder::size(&dir));
        size.map_err(|cause| Error::folder(format!("incoming/{bundle}"), "read", cause))
    }

    /// Keeps a bundle, for good once this returns, whatever happens to the power.
    ///
    /// # Errors
    /// A store that fails; it may be called again.
    pub async fn keep_bundle(&self, name: &str) -> Result<(), Error> {
        self.keep(Area::Bundles, name).await
    }

    /// A file of a bundle. Neither name may lead out of the bundle.
    ///
    /// # Errors
    /// A file that is not there or cannot be read.
    pub async fn bundle_file(&self, bundle: &str, file: &str) -> Result<std::fs::File, Error> {
        self.store.open(&self.incoming, Area::Bundles, bundle, Some(file)).await
    }

    /// Removes a bundle that nobody has on record, wherever it is.
    pub async fn drop_bundle(&self, name: &str) {
        // What cannot be removed now the sweeper takes later.
        let _ = self.incoming.drop_tree(name);
        if let Err(error) = self.store.remove(Area::Bundles, name).await {
            tracing::debug!(%error, "a bundle that nobody has on record stays until it is swept");
        }
    }

    async fn keep(&self, area: Area, name: &str) -> Result<(), Error> {
        self.store.keep(&self.incoming, area, name).await?;
        // The store may have moved it.
        let _ = self.incoming.drop_tree(name);
        Ok(())
    }

    /// Removes what nobody has on record: bundles that no scan names, uploads that no row names, and what is left
    /// where they come to be. What is young or in `live` stays. Returns how many names were removed.
    ///
    /// # Errors
    /// A store that fails.
    pub async fn sweep(
        &self,
        bundles: &BTreeSet<String>,
        uploads: &BTreeSet<UploadId>,
        live: &BTreeSet<String>,
    ) -> Result<usize, Error> {
        let mut removed = self.incoming.sweep(live)?;
        let upload_ids: BTreeSet<_> = uploads.iter().map(UploadId::as_str).collect();
        for area in [Area::Bundles, Area::Uploads] {
            for name in self.store.names(area).await? {
                let known = match area {
                    Area::Bundles => bundles.contains(&name) || live.contains(&name),
                    Area::Uploads => upload_ids.contains(&*name),
                };
                // A list may be out of date: what it still shows may be gone.
                let looked = if known { None } else { self.store.look(area, &name).await? };
                if looked.is_some_and(|kept| !is_young(kept.changed)) {
                    self.store.remove(area, &name).await?;
                    removed += 1;
                    crate::crash::point("sweep-begun");
                }
            }
        }
        Ok(removed)
    }
}

/// An upload as a file of this machine; one that was fetched for the purpose goes with this value.
#[derive(Debug)]
pub struct Fetched {
    path: PathBuf,
    temporary: Option<(Arc<Incoming>, String)>,
}

impl Fetched {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        if let Some((incoming, name)) = &self.temporary {
            // If it cannot be removed now, the sweeper does it later.
            let _ = incoming.dir.remove_file(name);
        }
    }
}

/// SHA-256 and length of all that is left to read.
///
/// # Errors
/// Whatever keeps it from being read.
pub fn digest(content: &mut impl io::Read) -> io::Result<(Sha256, u64)> {
    let (mut hash, mut size, mut part) = (sha2::Sha256::new(), 0, vec![0; PART]);
    loop {
        match content.read(&mut part)? {
            0 => return Ok((Sha256::from_bytes(hash.finalize().into()), size)),
            read => {
                hash.update(&part[..read]);
                size += read as u64;
            }
        }
    }
}
