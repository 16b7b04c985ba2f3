//! Registries, and the artifact that they are given.

mod layout;
mod mirror;
mod remote;

use std::fmt;
use std::fs::File;

use certus_model::{ScanId, Sha256};
use futures_util::future::BoxFuture;

pub use self::layout::ARTIFACT_TYPE;
pub use self::mirror::Mirror;
pub use self::remote::RemoteRegistry;
use crate::error::Error;
use crate::published::{ManifestRecord, RegistryRecord};

/// What keeps a published scan as an OCI artifact.
pub trait Registry: fmt::Debug + Send + Sync {
    /// Which one this is, without a secret: part of what a permit is bound to.
    fn place(&self) -> String;

    /// Keeps an artifact, all of it once this returns. It may be called again, with the same outcome.
    ///
    /// # Errors
    /// A registry that refuses or fails.
    fn keep<'a>(&'a self, artifact: &'a Artifact) -> BoxFuture<'a, Result<RegistryRecord, Error>>;
}

/// A published scan, sorted by path.
#[derive(Debug)]
pub struct Artifact {
    /// Which scan: the artifact's tag.
    pub scan: ScanId,
    /// Its files.
    pub items: Vec<Item>,
}

/// A file of an artifact.
#[derive(Debug)]
pub struct Item {
    /// Its path inside the bundle.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size: u64,
    /// Its bytes.
    pub file: File,
}

impl Artifact {
    fn item(&self, path: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.path == path)
    }

    /// The scan manifest with its signature, by where they lie.
    fn manifest(&self, place: impl Fn(&str) -> String) -> Option<ManifestRecord> {
        let signature = self.item(SIGNATURE).map(|item| place(&item.path));
        self.item(MANIFEST).map(|item| ManifestRecord { path: place(&item.path), signature })
    }
}

/// The scan manifest in a bundle.
const MANIFEST: &str = "manifest.json";
/// Its detached signature.
const SIGNATURE: &str = "manifest.sig";
