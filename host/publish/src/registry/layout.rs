use certus_model::{Sha256, canonical_json};
use certus_outbound::{DOCUMENT_TYPE, OciDocument};
use serde_json::{Value as Json, json};

use super::{Artifact, Item};
use crate::error::Error;
use certus_model::document::{CYCLONEDX_TYPE, ENVELOPE_TYPE, LOGGED_TYPE, SARIF_TYPE, SPDX_TYPE, media_type};

/// The kind of artifact that a published bundle is.
pub const ARTIFACT_TYPE: &str = "application/vnd.certus.bundle.v1+json";

/// The configuration of an artifact that has none.
pub(super) const EMPTY: &[u8] = b"{}";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// What others look for at an artifact, beside the artifact itself.
const REFERRERS: [&str; 5] = [SARIF_TYPE, SPDX_TYPE, CYCLONEDX_TYPE, LOGGED_TYPE, ENVELOPE_TYPE];

/// A published scan as documents: the same bytes for the same files.
pub(super) struct Layout {
    pub(super) artifact: OciDocument,
    /// One for each bill of materials, report and statement.
    pub(super) referrers: Vec<OciDocument>,
}

impl Layout {
    pub(super) fn of(artifact: &Artifact) -> Result<Self, Error> {
        let layers: Vec<_> = artifact.items.iter().map(layer).collect();
        let main = document(ARTIFACT_TYPE, layers, None)?;
        let subject = json!({
            "mediaType": DOCUMENT_TYPE,
            "digest": format!("sha256:{}", main.digest()),
            "size": main.bytes.len(),
        });
        let refers = artifact.items.iter().filter(|item| REFERRERS.contains(&media_type(&item.path)));
        let referrers = refers.map(|item| document(media_type(&item.path), vec![layer(item)], Some(&subject)));
        Ok(Self { referrers: referrers.collect::<Result<_, _>>()?, artifact: main })
    }
}

fn document(artifact_type: &str, layers: Vec<Json>, subject: Option<&Json>) -> Result<OciDocument, Error> {
    let config =
        json!({"mediaType": EMPTY_TYPE, "digest": format!("sha256:{}", Sha256::of(EMPTY)), "size": EMPTY.len()});
    let mut document = json!({
        "schemaVersion": 2,
        "mediaType": DOCUMENT_TYPE,
        "artifactType": artifact_type,
        "config": config,
        "layers": layers,
    });
    if let Some(subject) = subject {
        document["subject"] = subject.clone();
    }
    Ok(OciDocument { bytes: canonical_json(&document)?, artifact_type: artifact_type.to_owned() })
}

fn layer(item: &Item) -> Json {
    json!({
        "mediaType": media_type(&item.path),
        "digest": format!("sha256:{}", item.sha256),
        "size": item.size,
        "annotations": {"org.opencontainers.image.title": item.path},
    })
}
