use certus_model::Sha256;
use serde::Deserialize;

use super::OciReference;
use crate::error::Error;

/// The kind of document that is asked for and pushed.
pub const DOCUMENT_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// Media type of a scan manifest.
pub const MANIFEST_TYPE: &str = "application/vnd.certus.manifest.v1+json";
/// Media type of its detached signature.
pub const SIGNATURE_TYPE: &str = "application/vnd.certus.manifest.signature.v1";

/// What an artifact says of itself. Nothing in it is believed before its digest is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UnverifiedDocument {
    schema_version: u32,
    media_type: Option<String>,
    config: Option<UnverifiedDescriptor>,
    #[serde(default)]
    layers: Vec<UnverifiedDescriptor>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UnverifiedDescriptor {
    media_type: String,
    digest: String,
    size: u64,
}

/// Content that an artifact names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descriptor {
    pub(super) digest: Sha256,
    pub(super) size: u64,
}

impl UnverifiedDocument {
    pub(super) fn parse(bytes: &[u8], reference: &OciReference) -> Result<Self, Error> {
        let refused = |problem| Error::artifact(reference, problem, "push one image manifest with one scan manifest");
        let document: Self = serde_json::from_slice(bytes).map_err(|_| refused("is no image manifest"))?;
        let is_kind = document.media_type.as_deref().is_none_or(|kind| kind == DOCUMENT_TYPE);
        if document.schema_version != 2 || !is_kind {
            return Err(refused("is another kind of document than an image manifest"));
        }
        Ok(document)
    }

    /// The scan manifest, as configuration or layer.
    pub(super) fn manifest(&self, reference: &OciReference) -> Result<Descriptor, Error> {
        self.only(MANIFEST_TYPE, reference)?
            .ok_or_else(|| Error::artifact(reference, "holds no scan manifest", "push one with its media type"))
    }

    pub(super) fn signature(&self, reference: &OciReference) -> Result<Option<Descriptor>, Error> {
        self.only(SIGNATURE_TYPE, reference)
    }

    fn only(&self, kind: &str, reference: &OciReference) -> Result<Option<Descriptor>, Error> {
        let mut found = self.config.iter().chain(&self.layers).filter(|descriptor| descriptor.media_type == kind);
        let Some(first) = found.next() else { return Ok(None) };
        // One blob may be both configuration and layer.
        if found.any(|other| other.digest != first.digest) {
            return Err(Error::artifact(
                reference,
                "holds two of one kind",
                "push one scan manifest and one signature",
            ));
        }
        let digest = first.digest.strip_prefix("sha256:").and_then(|hex| hex.parse().ok());
        let digest = digest.ok_or_else(|| {
            Error::artifact(reference, "names its content by something else than SHA-256", "push it with SHA-256")
        })?;
        Ok(Some(Descriptor { digest, size: first.size }))
    }
}
