//! `complete.json`: what is written last. Without it nothing is published.

use certus_model::{ScanId, Sha256, Tier};
use serde::{Deserialize, Serialize};

use crate::destination::Destination;
use crate::published::{Published, RegistryRecord, RemoteArtifacts};

/// The format's name and version.
pub(crate) const FORMAT: &str = "certus-publication/1";

/// The marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Marker {
    pub(crate) format: String,
    pub(crate) test_id: ScanId,
    pub(crate) permit_id: String,
    pub(crate) tier: Tier,
    pub(crate) index_digest: Sha256,
    /// Every golden object, sorted by path.
    pub(crate) files: Vec<Marked>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) registry: Option<RegistryRecord>,
}

/// A golden object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Marked {
    pub(crate) path: String,
    pub(crate) sha256: Sha256,
    pub(crate) size: u64,
}

impl Marker {
    /// What clients are told of it.
    pub(crate) fn published(self, to: &Destination) -> Published {
        let scan = &self.test_id;
        let mut remote_artifacts = RemoteArtifacts::default();
        for Marked { path, .. } in self.files {
            remote_artifacts.raw.insert(path.clone(), to.raw.uri(&Destination::raw_key(scan, &path)));
            remote_artifacts.golden.insert(path.clone(), to.golden.uri(&Destination::golden_key(scan, &path)));
        }
        let marker = to.golden.uri(&Destination::marker_key(scan));
        Published { remote_artifacts, registry: self.registry, marker }
    }
}
