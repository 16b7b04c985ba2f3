use std::path::PathBuf;

use certus_checkout::{Git, Scratch};
use certus_model::limits::{AdmissionLimits, Limits, WorkspaceLimits};
use certus_sandbox::Sandbox;
use certus_signing::SigningKey;

/// What outlives a scan: the sandbox, the key, where things are.
pub struct Host {
    /// Admits and runs plugins.
    pub sandbox: Sandbox,
    /// Folder of installed plugins.
    pub plugins: PathBuf,
    /// Signs bundles.
    pub key: SigningKey,
    /// Temporary files.
    pub scratch: Scratch,
    /// Fetches.
    pub git: Git,
    /// Ceiling of every plugin's limits.
    pub limits: Limits,
    /// Limits of admission.
    pub admission: AdmissionLimits,
    /// Budgets of a workspace.
    pub workspace: WorkspaceLimits,
}
