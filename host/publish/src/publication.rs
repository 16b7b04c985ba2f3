//! What is published.

use std::fs::File;

use certus_model::document::{LOGGED, PERMIT, PROOF, SVR, VSA, media_type};
use certus_model::{AssessmentId, ComponentId, ScanId, Sha256, TenantId, WorkspaceId};
use certus_signing::PermitTerms;
use certus_store::{Blobs, Meta};
use futures_util::future::BoxFuture;
use serde::Deserialize;

use crate::error::Error;

/// What Trust issues beside the proof, and goes along although the permit need not list it.
pub const DOCUMENTS: [&str; 4] = [LOGGED, PERMIT, SVR, VSA];

/// Those of Trust's documents that a permit may name, so that no other bytes go along; a permit cannot name itself.
pub(crate) const BOUND: [&str; 3] = [PROOF, SVR, VSA];

/// Who wrote the objects, as their readers know it.
const SERVICE: &str = "certus-assurance";

/// What is published, beside the permit.
pub struct Publication<'a> {
    /// Whose scan it is.
    pub tenant: &'a TenantId,
    /// What its objects carry.
    pub labels: &'a Labels,
    /// Where its files are.
    pub files: &'a dyn Source,
    /// Trust's `verification-proof.json`.
    pub proof: &'a [u8],
    /// Trust's other documents, of [`DOCUMENTS`].
    pub documents: &'a [Document<'a>],
}

/// A document of Trust's.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Where a scan came from, as it stands on every object.
#[derive(Clone, Debug)]
pub struct Labels {
    /// Which scan.
    pub scan: ScanId,
    /// As the client named it.
    pub workspace: WorkspaceId,
    /// As the client named it.
    pub component: ComponentId,
    /// As the client named it.
    pub assessment: AssessmentId,
    /// Of the scan's manifest, if there was one.
    pub manifest_digest: Option<Sha256>,
    /// The repository, without a login.
    pub git_url: Option<String>,
    /// The commit.
    pub git_commit: Option<String>,
    /// The branch.
    pub git_branch: Option<String>,
}

/// Where the files of a bundle are.
pub trait Source: Send + Sync {
    /// Opens one. What it holds is compared with the permit.
    ///
    /// # Errors
    /// A file that is not there or cannot be read.
    fn open<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<File, certus_store::Error>>;
}

/// A bundle that the service keeps.
#[derive(Clone, Copy, Debug)]
pub struct Bundle<'a> {
    /// The service's blobs.
    pub blobs: &'a Blobs,
    /// The bundle's name.
    pub name: &'a str,
}

impl Source for Bundle<'_> {
    fn open<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<File, certus_store::Error>> {
        Box::pin(self.blobs.bundle_file(self.name, path))
    }
}

/// What of the proof stands on every object.
#[derive(Debug, Deserialize)]
pub(crate) struct Proof {
    chain_verified: bool,
    #[serde(default)]
    signer_inner: Option<String>,
    #[serde(default)]
    signer_outer: Option<String>,
    #[serde(default)]
    verification_timestamp: Option<String>,
}

impl Proof {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|_| Error::Proof)
    }
}

/// A file that is published: one that the permit lists, or a document.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) path: String,
    pub(crate) sha256: Sha256,
    pub(crate) size: u64,
}

impl Publication<'_> {
    /// What a file's objects carry, under the names that readers of the replaced service know.
    pub(crate) fn meta(&self, file: &Listed, terms: &PermitTerms, proof: &Proof, now: &str) -> Meta {
        let labels = self.labels;
        let (scan, manifest) = (labels.scan.as_str(), labels.manifest_digest.map(|digest| format!("sha256:{digest}")));
        let (hash, verified) = (format!("sha256:{}", file.sha256), proof.chain_verified.to_string());
        let fields = [
            ("test_id", Some(scan)),
            ("workspace_id", Some(labels.workspace.as_str())),
            ("component_id", Some(labels.component.as_str())),
            ("assessment_id", Some(labels.assessment.as_str())),
            ("manifest_digest", manifest.as_deref()),
            ("artifact-name", Some(file.path.as_str())),
            ("artifact-hash", Some(&hash)),
            ("verification-required", Some("true")),
            ("uploaded-by", Some(SERVICE)),
            ("scan-id", Some(scan)),
            ("trust-tier", Some(terms.tier.as_str())),
            ("chain-verified", Some(&verified)),
            ("signer-inner", proof.signer_inner.as_deref()),
            ("signer-outer", proof.signer_outer.as_deref()),
            ("verification-timestamp", proof.verification_timestamp.as_deref()),
            ("git-url", labels.git_url.as_deref()),
            ("git-commit", labels.git_commit.as_deref()),
            ("git-branch", labels.git_branch.as_deref()),
        ];
        let meta = Meta::new(file.sha256, file.size, media_type(&file.path), now);
        let meta = meta.tag("tier", terms.tier.as_str()).tag("verified", &verified).tag("service", SERVICE);
        // Some stores drop a field that is empty.
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value.filter(|text| !text.is_empty())?)));
        given.fold(meta, |meta, (name, value)| meta.field(name, value))
    }
}
