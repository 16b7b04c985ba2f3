//! What the notary's paths are sent, and what they answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::query::Text;

/// Something to be signed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "artifact": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "artifact_type": "report", "subject": "report.json"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct SignRequest {
    /// SHA-256 of it, with or without `sha256:` before it.
    #[schema(pattern = "^(sha256:)?[0-9a-f]{64}$")]
    pub(super) artifact: String,
    /// `image`, `sbom`, `report` or `assessment`.
    #[schema(example = "report")]
    pub(super) artifact_type: String,
    /// What it is called.
    #[schema(min_length = 1, max_length = 500)]
    pub(super) subject: String,
    /// What else is to be signed about it.
    #[schema(value_type = Option<Object>)]
    pub(super) predicates: Option<Value>,
}

/// Where an entry is in the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransparencyEntry {
    pub(super) uuid: String,
    pub(super) index: u64,
    #[schema(format = DateTime)]
    pub(super) timestamp: String,
}

/// What was signed and logged.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedBody {
    pub(super) entry_id: String,
    /// Base64 of DER, over the statement's encoding.
    pub(super) signature: String,
    /// No certificates are used: who has signed is known by the key.
    #[schema(required = true)]
    pub(super) certificate: Option<String>,
    pub(super) transparency_entry: TransparencyEntry,
    /// The signed statement (DSSE).
    #[schema(value_type = Object)]
    pub(super) envelope: Value,
}

/// A signature to be looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "artifact": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "signature": "MEUCIQ=="}))]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyRequest {
    #[schema(pattern = "^(sha256:)?[0-9a-f]{64}$")]
    pub(super) artifact: String,
    #[schema(min_length = 1, max_length = 1000)]
    pub(super) signature: String,
    /// Never taken: no certificates are used.
    pub(super) certificate: Option<String>,
    /// The id of the key that has to have signed.
    #[schema(max_length = 200)]
    pub(super) identity: Option<String>,
}

/// What is known of a signature.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerifiedBody {
    pub(super) valid: bool,
    /// Why not.
    #[schema(required = true)]
    pub(super) detail: Option<String>,
    #[schema(format = DateTime)]
    pub(super) verified_at: String,
    #[schema(required = true)]
    pub(super) signer: Option<String>,
    #[schema(required = true)]
    pub(super) transparency_index: Option<u64>,
    #[schema(required = true)]
    pub(super) certificate_chain: Option<Vec<String>>,
}

/// An entry of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntryBody {
    pub(super) entry_id: String,
    pub(super) index: u64,
    /// What was signed, by its digest.
    pub(super) artifact: String,
    /// What that is.
    pub(super) kind: String,
    #[schema(required = true)]
    pub(super) scan_id: Option<String>,
    #[schema(required = true)]
    pub(super) assessment_id: Option<String>,
    #[schema(format = DateTime)]
    pub(super) timestamp: String,
    pub(super) signer: String,
    pub(super) signature: String,
    #[schema(required = true)]
    pub(super) proof: Option<ProofBody>,
}

/// That the log holds an entry (RFC 6962).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofBody {
    pub(super) tree_size: u64,
    pub(super) leaf_index: u64,
    pub(super) hashes: Vec<String>,
    pub(super) root_hash: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProofQuery {
    /// Whether the proof comes along.
    #[param(default = true)]
    pub(super) include_proof: Option<bool>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntryQuery {
    #[param(value_type = Option<String>, max_length = 128)]
    pub(super) assessment_id: Option<Text>,
    /// The id of a key.
    #[param(value_type = Option<String>, max_length = 200)]
    pub(super) signer: Option<Text>,
    #[param(minimum = 1, maximum = 100, default = 10)]
    pub(super) limit: Option<u32>,
    #[param(minimum = 0, maximum = 10000, default = 0)]
    pub(super) offset: Option<u32>,
}

/// An assessment to be signed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"artifact_locations": {}, "inner_signatures": {"files": []},
    "assessment_metadata": {"assessment_id": "a1"}}))]
#[serde(deny_unknown_fields)]
pub(crate) struct SignArtifactRequest {
    /// Where the artifacts are: `uri` and `digest` of each.
    #[schema(value_type = Object)]
    pub(super) artifact_locations: Value,
    /// `signer`, `timestamp`, `signature`, and `files` with `path`, `digest` and `signature` each.
    #[schema(value_type = Object)]
    pub(super) inner_signatures: Value,
    /// `assessment_id`, `client_id`, `assessment_type`, `domains`.
    #[schema(value_type = Object)]
    pub(super) assessment_metadata: Value,
}

/// A chain of signatures to be looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"artifact_locations": {}, "signatures": {"inner": {"files": []}, "outer": {}}}))]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyChainRequest {
    #[schema(value_type = Object)]
    pub(super) artifact_locations: Value,
    /// `inner` as in `sign-artifact`, and its `outer_signature` as `outer`.
    #[schema(value_type = Object)]
    pub(super) signatures: Value,
    #[schema(max_length = 100)]
    pub(super) sigstore_entry_id: Option<String>,
}
