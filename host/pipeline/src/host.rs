use std::path::PathBuf;

use certus_checkout::{Git, Scratch};
use certus_model::limits::{Limits, WorkspaceLimits};
use certus_sandbox::Admission;
use certus_signing::SigningKey;

use crate::log::Transparency;
use crate::manifest::ManifestVerification;
use crate::worker::Worker;

/// What outlives a scan: admission, workers, the key, where things are.
pub struct Host {
    /// Admits plugins.
    pub admission: Admission,
    /// Runs them.
    pub worker: Worker,
    /// Folder of installed plugins.
    pub plugins: PathBuf,
    /// Signs bundles.
    pub key: SigningKey,
    /// Where what it signs is logged.
    pub log: Transparency,
    /// Whose manifests are acted on.
    pub manifest_verification: ManifestVerification,
    /// Temporary files.
    pub scratch: Scratch,
    /// Fetches.
    pub git: Git,
    /// Ceiling of every plugin's limits.
    pub limits: Limits,
    /// Budgets of a workspace.
    pub workspace: WorkspaceLimits,
}
