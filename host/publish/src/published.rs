//! Where a scan was published, as clients are told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where everything is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The objects.
    pub remote_artifacts: RemoteArtifacts,
    /// The artifact in the registry.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub registry: Option<RegistryRecord>,
    /// The completion marker's address.
    pub marker: String,
}

/// Addresses by the path within the bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteArtifacts {
    /// Where they came in.
    pub raw: BTreeMap<String, String>,
    /// Where readers find them.
    pub golden: BTreeMap<String, String>,
}

/// An artifact in a registry or its mirror.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryRecord {
    /// `registry/repository:tag`.
    pub image_reference: String,
    /// `sha256:…` of the artifact's document.
    pub digest: String,
    /// The registry, if it lies in one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub registry: Option<String>,
    /// The folder, if it lies in a mirror.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mirror_path: Option<String>,
    /// The scan manifest in it, if there was one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub manifest: Option<ManifestRecord>,
}

/// A scan manifest in an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestRecord {
    /// Its path.
    pub path: String,
    /// The path of its signature.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signature: Option<String>,
}
