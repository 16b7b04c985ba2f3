use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::time::Duration;

use certus_model::Sha256;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Body, Response};
use serde_json::{Value as Json, json};

use super::document::DOCUMENT_TYPE;
use super::registry::{Registry, Scope, Target};
use super::{OciReference, in_time};
use crate::credential::Credential;
use crate::error::Error;
use crate::fetch::body;
use crate::guard::Guard;
use crate::url::RemoteUrl;

/// The kind of document that lists others.
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// Largest document that is read back, in bytes. Registries take 4 MiB.
const DOCUMENT: usize = 4 << 20;

/// What is pushed: content first, then the documents that name it, in their order.
#[derive(Debug)]
pub struct OciPush<'a> {
    /// Every blob that a document names.
    pub blobs: Vec<OciBlob<'a>>,
    /// The artifact itself, which gets the tag.
    pub artifact: OciDocument,
    /// Artifacts that refer to it.
    pub referrers: Vec<OciDocument>,
}

/// Content under its digest.
#[derive(Clone, Copy, Debug)]
pub struct OciBlob<'a> {
    /// SHA-256 of its bytes.
    pub digest: Sha256,
    /// Its length in bytes.
    pub size: u64,
    /// Its bytes.
    pub content: OciContent<'a>,
}

/// Bytes, wherever they are.
#[derive(Clone, Copy, Debug)]
pub enum OciContent<'a> {
    /// All of a file.
    File(&'a File),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// An image manifest.
#[derive(Clone, Debug)]
pub struct OciDocument {
    /// Its bytes, of [`DOCUMENT_TYPE`].
    pub bytes: Vec<u8>,
    /// Its own `artifactType`, for whoever lists what refers to something.
    pub artifact_type: String,
}

impl OciDocument {
    /// SHA-256 of its bytes.
    pub fn digest(&self) -> Sha256 {
        Sha256::of(&self.bytes)
    }

    /// How others name it.
    pub fn descriptor(&self) -> Json {
        json!({
            "mediaType": DOCUMENT_TYPE,
            "digest": format!("sha256:{}", self.digest()),
            "size": self.bytes.len(),
            "artifactType": self.artifact_type,
        })
    }
}

impl Guard {
    /// Pushes an artifact with all that refers to it to `reference`, which names a tag, within `within`. It may be called
    /// again: what is there already is not sent twice. What refers to the artifact is found by the registry's own
    /// list or, where it keeps none, by the tag that the specification has for that. The registry, and who gives
    /// out its tokens, are each pinned; no redirect is followed.
    ///
    /// # Errors
    /// As [`Guard::fetch`]; [`Error::Artifact`] for a reference without a tag, and for a registry that does not keep
    /// what it is given.
    pub async fn push(
        &self,
        reference: &OciReference,
        login: Option<&Credential>,
        artifact: &OciPush<'_>,
        within: Duration,
    ) -> Result<(), Error> {
        let work = async {
            let tag = reference.tag().ok_or_else(|| {
                Error::artifact(reference, "names no tag", "push it under one, as in `registry/repository:tag`")
            })?;
            let mut pusher = Pusher { registry: Registry::open(self, reference, login, Scope::Push).await?, reference };
            for blob in &artifact.blobs {
                pusher.blob(blob).await?;
            }
            pusher.document(tag, DOCUMENT_TYPE, &artifact.artifact.bytes).await?;
            pusher.referrers(&artifact.artifact, &artifact.referrers).await
        };
        in_time(&reference.to_string(), within, work).await
    }
}

struct Pusher<'a> {
    registry: Registry<'a>,
    reference: &'a OciReference,
}

impl Pusher<'_> {
    /// Uploads content that is not there yet, in one piece.
    async fn blob(&mut self, blob: &OciBlob<'_>) -> Result<(), Error> {
        let url = self.reference.blob(blob.digest);
        let found = self.registry.ask(&url, |client| Ok(client.head(url.as_str()))).await?;
        if found.status().as_u16() == 200 {
            return Ok(());
        }
        let begin = self.reference.uploads();
        let empty = |client: &reqwest::Client| Ok(client.post(begin.as_str()).header(CONTENT_LENGTH, 0));
        let begun = self.registry.ask(&begin, empty).await?;
        let begun = self.answered(&begin, begun, 202)?;
        let mut target = self.session(begun.headers())?;
        target.add(&format!("digest=sha256%3A{}", blob.digest));
        let put = |client: &reqwest::Client| {
            let put = client.put(target.address()).header(CONTENT_LENGTH, blob.size);
            Ok(put.header(CONTENT_TYPE, "application/octet-stream").body(sent(blob)?))
        };
        let response = self.registry.ask(&target.url, put).await?;
        self.answered(&target.url, response, 201).map(drop)
    }

    /// Where content is to be sent: at this registry, for nobody else has seen the login.
    fn session(&self, headers: &HeaderMap) -> Result<Target, Error> {
        let lost = || self.refused("does not say where its content is to be sent");
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).ok_or_else(lost)?;
        let registry = self.reference.registry();
        // A registry behind another server often does not know that it is spoken to with TLS.
        let location = match location.strip_prefix(&format!("http://{registry}/")) {
            Some(path) => format!("https://{registry}/{path}"),
            None if location.starts_with('/') => format!("https://{registry}{location}"),
            None => location.to_owned(),
        };
        let target = Target::parse(&location)?;
        match target.url.is_on(registry) {
            true => Ok(target),
            false => Err(self.refused("wants its content sent to another host")),
        }
    }

    /// Puts a document, and reads it back.
    async fn document(&mut self, which: &str, kind: &str, bytes: &[u8]) -> Result<HeaderMap, Error> {
        let url = self.reference.manifest(which);
        let put =
            |client: &reqwest::Client| Ok(client.put(url.as_str()).header(CONTENT_TYPE, kind).body(bytes.to_vec()));
        let response = self.registry.ask(&url, put).await?;
        let headers = self.answered(&url, response, 201)?.headers().clone();
        match self.read(which, kind).await? {
            Some(found) if found == bytes => Ok(headers),
            _ => Err(self.registry.differs()),
        }
    }

    /// A document; none if it is not there.
    async fn read(&mut self, which: &str, kind: &str) -> Result<Option<Vec<u8>>, Error> {
        let url = self.reference.manifest(which);
        let response = self.registry.ask(&url, |client| Ok(client.get(url.as_str()).header(ACCEPT, kind))).await?;
        match response.status().as_u16() {
            404 => Ok(None),
            _ => body(url.as_str(), self.registry.found(&url, response)?, DOCUMENT).await.map(Some),
        }
    }

    /// Puts what refers to `subject`, and sees that it is found from there.
    async fn referrers(&mut self, subject: &OciDocument, referrers: &[OciDocument]) -> Result<(), Error> {
        let mut unlisted = Vec::new();
        for document in referrers {
            let headers =
                self.document(&format!("sha256:{}", document.digest()), DOCUMENT_TYPE, &document.bytes).await?;
            // A registry that keeps the list itself says so.
            if !headers.contains_key("oci-subject") {
                unlisted.push(document.descriptor());
            }
        }
        if unlisted.is_empty() || self.lists_referrers(subject.digest()).await? {
            return Ok(());
        }
        let tag = format!("sha256-{}", subject.digest());
        let old = self.read(&tag, INDEX_TYPE).await?;
        let old = old.and_then(|bytes| serde_json::from_slice::<Json>(&bytes).ok());
        let mut manifests = old.and_then(|index| index["manifests"].as_array().cloned()).unwrap_or_default();
        let before = manifests.len();
        unlisted.retain(|new| !manifests.iter().any(|old| old["digest"] == new["digest"]));
        manifests.extend(unlisted);
        if manifests.len() == before {
            return Ok(());
        }
        let index = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests});
        self.document(&tag, INDEX_TYPE, index.to_string().as_bytes()).await.map(drop)
    }

    async fn lists_referrers(&mut self, subject: Sha256) -> Result<bool, Error> {
        let url = self.reference.referrers(subject);
        let response =
            self.registry.ask(&url, |client| Ok(client.get(url.as_str()).header(ACCEPT, INDEX_TYPE))).await?;
        Ok(response.status().as_u16() == 200)
    }

    /// An answer that is what the specification wants here.
    fn answered(&self, url: &RemoteUrl, response: Response, wanted: u16) -> Result<Response, Error> {
        match response.status().as_u16() {
            status if status == wanted => Ok(response),
            404 => Err(self.refused("lies in a repository that is not there")),
            // What content is, is told by the status of what gives it out.
            200..=299 => Err(self.refused("was answered for in a way that the specification does not have")),
            _ => self.registry.found(url, response),
        }
    }

    fn refused(&self, problem: &'static str) -> Error {
        Error::artifact(self.reference, problem, "ask the registry's operator")
    }
}

/// The bytes of a blob, from the start.
fn sent(blob: &OciBlob<'_>) -> Result<Body, Error> {
    match blob.content {
        OciContent::Bytes(bytes) => Ok(bytes.to_vec().into()),
        OciContent::File(file) => {
            let reopened = file.try_clone().and_then(|mut file| file.seek(SeekFrom::Start(0)).map(|_| file));
            let what = format!("sha256:{}", blob.digest);
            Ok(tokio::fs::File::from_std(reopened.map_err(|cause| Error::Local { what, cause })?).into())
        }
    }
}

#[cfg(test)]
mod tests;
