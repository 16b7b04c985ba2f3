//! What Trust answers.

use certus_model::{DenialReason, ScanId, Tier};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::documents::Proof;

/// A decision as it is told, a denial too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The decision's id: a UUID.
    pub upload_permission_id: String,
    /// Which scan.
    pub scan_id: ScanId,
    /// What it is to be trusted with.
    pub tier: Tier,
    /// Whether it may be published. Only the permit says so to a publisher.
    pub permitted: bool,
    /// Why not.
    pub reason: Option<DenialReason>,
    /// The same in one sentence, with what to do.
    pub detail: Option<String>,
    /// Everything that was looked at.
    pub evidence: Json,
    /// What was proven, where it is permitted.
    pub verification_proof: Option<Proof>,
    /// Where it may be published.
    pub storage_config: Option<StorageConfig>,
    /// The signed permit, a DSSE envelope.
    pub permit: Option<Json>,
    /// The signed verdict.
    pub vsa: Json,
    /// The signed summary of what holds, where it is permitted.
    pub svr: Option<Json>,
    /// When the permit runs out: RFC 3339, in UTC.
    pub expires_at: Option<String>,
}

/// Where a scan may be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageConfig {
    /// What the permit is bound to.
    pub destination: String,
    /// Whether to the store of objects.
    pub upload_to_s3: bool,
    /// Whether to the registry.
    pub upload_to_oci: bool,
}
