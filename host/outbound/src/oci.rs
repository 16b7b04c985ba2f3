//! Registries of images: scan manifests come from them, published bundles go to them.
//!
//! The few requests that this takes (distribution specification 1.1) go over pinned clients, as everything does.
//! Every digest is checked, the one of a tag's answer included, so a registry that lies is found out wherever the
//! reference holds a digest.

mod challenge;
mod document;
mod push;
mod reference;
mod registry;

use std::time::Duration;

use certus_model::Sha256;

use crate::credential::Credential;
use crate::error::Error;
use crate::fetch::{blocking, in_time};
use crate::guard::Guard;
use registry::{Registry, Scope};

pub use document::{DOCUMENT_TYPE, MANIFEST_TYPE, SIGNATURE_TYPE};
pub use push::{OciBlob, OciContent, OciDocument, OciPush};
pub use reference::OciReference;

/// What a registry holds under a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// SHA-256 of the artifact's own document: what to name in place of a tag to get the same again.
    pub digest: Sha256,
    /// The scan manifest.
    pub manifest: Vec<u8>,
    /// Its detached signature, if there is one. Nobody has verified it yet.
    pub signature: Option<Vec<u8>>,
}

impl Guard {
    /// Pulls what lies at `reference`: manifest and signature of at most `limit` bytes each, within `within` of
    /// the first lookup's end. The registry, who gives out its tokens and where it keeps its content are each
    /// pinned; a redirect of content is followed once, without the login.
    ///
    /// It blocks, so it belongs on a thread where that is no harm, never in a task.
    ///
    /// # Errors
    /// As [`Guard::fetch`]; [`Error::Artifact`] for what is no such artifact, or not what its digest says.
    pub fn pull(
        &self,
        reference: &OciReference,
        login: Option<&Credential>,
        limit: usize,
        within: Duration,
    ) -> Result<Artifact, Error> {
        let place = reference.to_string();
        blocking(&place, async { in_time(&place, within, pull(self, reference, login, limit)).await })
    }

    /// [`Guard::pull`] from a task.
    ///
    /// # Errors
    /// As [`Guard::pull`].
    pub async fn pull_async(
        &self,
        reference: &OciReference,
        login: Option<&Credential>,
        limit: usize,
        within: Duration,
    ) -> Result<Artifact, Error> {
        in_time(&reference.to_string(), within, pull(self, reference, login, limit)).await
    }
}

async fn pull(
    guard: &Guard,
    reference: &OciReference,
    login: Option<&Credential>,
    limit: usize,
) -> Result<Artifact, Error> {
    let mut registry = Registry::open(guard, reference, login, Scope::Pull).await?;
    let (document, digest) = registry.document().await?;
    let manifest = registry.blob(document.manifest(reference)?, limit).await?;
    let signature = match document.signature(reference)? {
        Some(descriptor) => Some(registry.blob(descriptor, limit).await?),
        None => None,
    };
    Ok(Artifact { digest, manifest, signature })
}

#[cfg(test)]
mod tests;
