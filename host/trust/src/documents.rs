//! What Trust signs about a decision: the verdict (a SLSA VSA), the summary of what holds (an SVR), the proof.

use std::collections::BTreeMap;

use certus_model::document::{ATTESTATION, INDEX};
use certus_model::{Sha256, Tier, canonical_json};
use certus_signing::sigstore::LogProof;
use certus_signing::{Statement, Subject};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::judge::Judged;
use crate::policy::Policy;
use crate::submission::Submission;

/// A verification summary (slsa.dev, version 1).
pub const VSA_TYPE: &str = "https://slsa.dev/verification_summary/v1";
/// A simple verification result (in-toto, version 0.2).
pub const SVR_TYPE: &str = "https://in-toto.io/attestation/svr/v0.2";

/// What a permitted scan's clients are shown, with the fields that they know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Whether everything that was looked at is as it has to be.
    pub chain_verified: bool,
    /// Whether the scanning host's signature is good.
    pub inner_signature_valid: bool,
    /// Whether Trust vouches for it with its own signature: in the tier `verified`.
    pub outer_signature_valid: bool,
    /// Whether statement, index and files agree.
    pub chain_unbroken: bool,
    /// Who signed the scan: the policy's name, or the id of the key.
    pub signer_inner: String,
    /// Trust's key, in the tier `verified`.
    pub signer_outer: Option<String>,
    /// A log of this kind states no time: always none.
    pub sigstore_timestamp: Option<String>,
    /// When it was decided.
    pub verification_timestamp: String,
    /// Where the signature is in the log: the log's id and the place.
    pub rekor_entry_uuid: Option<String>,
    /// The scanning host's signature, base64 of DER.
    pub cosign_signature: Option<String>,
    /// What was compared.
    pub verification_details: Json,
    /// The entry of the log.
    pub sigstore_entry: Option<Json>,
    /// What the policy asks for.
    pub policy_compliance: Json,
}

/// Everything around a decision that its documents name.
pub(crate) struct Around<'a> {
    pub(crate) submission: &'a Submission,
    pub(crate) judged: &'a Judged,
    pub(crate) policy: &'a Policy,
    /// Who decides, as a URI.
    pub(crate) verifier: &'a str,
    /// Trust's key.
    pub(crate) key_id: Sha256,
    /// When: RFC 3339, in UTC.
    pub(crate) time: &'a str,
    pub(crate) index_digest: Sha256,
}

impl Around<'_> {
    fn subject(&self) -> Vec<Subject> {
        vec![Subject::new(INDEX, self.index_digest)]
    }

    fn permitted(&self) -> bool {
        self.judged.denial.is_none()
    }

    pub(crate) fn vsa(&self) -> Statement<Json> {
        let inputs = self
            .submission
            .document(ATTESTATION)
            .map(|bytes| json!({ "uri": ATTESTATION, "digest": { "sha256": Sha256::of(bytes) } }));
        let mut predicate = json!({
            "verifier": { "id": self.verifier },
            "timeVerified": self.time,
            "resourceUri": format!("certus:scan/{}", self.submission.scan_id),
            "policy": { "uri": "certus:trust-policy", "digest": { "sha256": self.policy.digest() } },
            "inputAttestations": inputs.into_iter().collect::<Vec<_>>(),
            "verificationResult": if self.permitted() { "PASSED" } else { "FAILED" },
            "verifiedLevels": self.levels(),
            "slsaVersion": "1.0",
        });
        if let Some(denial) = &self.judged.denial {
            predicate["certusDenial"] = json!({ "reason": denial.reason, "detail": denial.detail });
        }
        Statement::new(self.subject(), VSA_TYPE, predicate)
    }

    pub(crate) fn svr(&self) -> Statement<Json> {
        let predicate = json!({
            "verifier": { "id": self.verifier, "policies": [
                { "uri": "certus:trust-policy", "digest": { "sha256": self.policy.digest() } },
            ] },
            "timeCreated": self.time,
            "properties": self.levels(),
        });
        Statement::new(self.subject(), SVR_TYPE, predicate)
    }

    /// What holds, in words that begin as the specifications ask: none where it is denied.
    fn levels(&self) -> Vec<String> {
        if !self.permitted() {
            return Vec::new();
        }
        let passed = self.judged.checks.iter().filter(|check| check.passed);
        let held = passed.map(|check| format!("CERTUS_{}", check.name.to_ascii_uppercase()));
        let tier = format!("CERTUS_TIER_{}", self.submission.tier.as_str().to_ascii_uppercase());
        [tier].into_iter().chain(held).collect()
    }

    pub(crate) fn proof(&self) -> Proof {
        let verified = self.submission.tier == Tier::Verified;
        let hashes: BTreeMap<_, _> =
            self.judged.files.iter().map(|file| (file.path.clone(), format!("sha256:{}", file.sha256))).collect();
        let key = self.judged.signer.map(|key| key.to_string()).unwrap_or_default();
        Proof {
            chain_verified: self.permitted(),
            inner_signature_valid: self.judged.signer.is_some(),
            outer_signature_valid: self.permitted() && verified,
            chain_unbroken: !self.judged.files.is_empty(),
            signer_inner: self.judged.signer_name.clone().unwrap_or_else(|| key.clone()),
            signer_outer: (self.permitted() && verified).then(|| self.key_id.to_string()),
            sigstore_timestamp: None,
            verification_timestamp: self.time.to_owned(),
            rekor_entry_uuid: self.judged.logged.as_ref().map(entry_uuid),
            cosign_signature: self.judged.signature.clone(),
            verification_details: json!({
                "inner": { "algorithm": "ecdsa-p256-sha256", "key_id": key, "created": self.judged.signed_at },
                "artifact_hash_algorithm": "sha256",
                "artifact_hashes": hashes,
            }),
            sigstore_entry: self.judged.logged.as_ref().map(|proof| {
                json!({
                    "uuid": entry_uuid(proof), "logIndex": proof.index(), "treeSize": proof.size(),
                    "rootHash": proof.root(), "logId": proof.log_id(), "origin": proof.origin(),
                })
            }),
            policy_compliance: json!({
                "policy": self.policy.digest(),
                "tier": self.submission.tier,
                "policies_checked": self.judged.checks.iter().map(|check| check.name).collect::<Vec<_>>(),
                "waived": self.judged.waived,
            }),
        }
    }
}

impl Proof {
    /// The bytes of the file: RFC 8785.
    pub fn to_bytes(&self) -> Vec<u8> {
        canonical_json(self).unwrap_or_default()
    }
}

/// How an entry is named where one text is wanted.
pub(crate) fn entry_uuid(proof: &LogProof) -> String {
    format!("{}-{}", &proof.log_id().to_string()[..16], proof.index())
}
