//! What Trust is asked: exactly what is to be published, and where.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_model::{ScanId, Sha256, TenantId, Tier};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The decision and what it rests on.
pub const POLICY_RESULT: &str = "policy-result.json";
/// Every finding.
pub const FINDINGS: &str = "findings.json";

/// A request for a permit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// Which scan.
    pub scan_id: ScanId,
    /// Whose it is; whoever may ask for one tenant alone need not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// What it is to be trusted with.
    pub tier: Tier,
    /// The scanning host's signature, as clients of the replaced service send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_signature: Option<InnerSignature>,
    /// Every file that is to be published.
    #[serde(default)]
    pub artifacts: Vec<Artifact>,
    /// What was scanned, for people.
    #[serde(default)]
    pub metadata: Metadata,
    /// Which of the destinations are wanted.
    #[serde(default)]
    pub storage_destinations: Destinations,
    /// Where it is to be published: what the permit is bound to.
    #[serde(default)]
    pub destination: String,
    /// The files that the decision rests on, by path: the index, the statement, the log entry, the policy's result,
    /// and the findings where the decision is not `pass`.
    #[serde(default)]
    pub documents: BTreeMap<String, Document>,
}

/// The bytes of a file; base64 in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(pub Vec<u8>);

/// The scanning host's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InnerSignature {
    /// Whose it is: the id of a key, or a name of the policy's.
    pub signer: String,
    /// When it was made.
    pub timestamp: String,
    /// Base64 of DER.
    pub signature: String,
    /// `ecdsa-p256-sha256`.
    pub algorithm: String,
    /// No certificates are used here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// A file that is to be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Its path inside the bundle.
    pub name: String,
    /// `sha256:` and 64 hex digits.
    pub hash: String,
    /// Its length in bytes.
    pub size: u64,
}

/// What was scanned, for people. Nothing rests on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The repository, without a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_url: Option<String>,
    /// The branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Who asked for the scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
}

/// Which of the destinations are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destinations {
    /// The store of objects.
    #[serde(default = "yes")]
    pub raw_s3: bool,
    /// The registry.
    #[serde(default = "yes")]
    pub oci_registry: bool,
}

fn yes() -> bool {
    true
}

impl Default for Destinations {
    fn default() -> Self {
        Self { raw_s3: true, oci_registry: true }
    }
}

impl Artifact {
    /// The digest; none where the text is none.
    pub fn sha256(&self) -> Option<Sha256> {
        self.hash.strip_prefix("sha256:")?.parse().ok()
    }
}

impl Submission {
    /// The bytes of a file that came along.
    pub fn document(&self, path: &str) -> Option<&[u8]> {
        self.documents.get(path).map(|document| document.0.as_slice())
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text).map(Self).map_err(|_| serde::de::Error::custom("a document has to be padded base64"))
    }
}
