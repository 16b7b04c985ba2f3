//! The decision: a pure function of what is asked, the policy, what is revoked and the time.

mod artifacts;
mod decision;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_model::document::{ATTESTATION, INDEX, LOGGED};
use certus_model::outcome::Verdict;
use certus_model::{DenialReason, PluginId, Sha256, TenantId, Tier};
use certus_signing::permit::PermittedFile;
use certus_signing::sigstore::{LogProof, verify_wrapped};
use certus_signing::{Envelope, KeySet, Statement, VerifiedPayload};
use certus_store::{Revocable, Revocation};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use time::OffsetDateTime;

use crate::policy::Policy;
use crate::submission::Submission;

/// The type of the statement about a scan.
const SCAN_TYPE: &str = "https://certus.dev/attestation/scan/v1";

/// What Trust rests a decision on.
pub struct Grounds<'a> {
    /// What is permitted.
    pub policy: &'a Policy,
    /// Keys and transparency logs that are known, the policy's and the tenants' own among them.
    pub keys: &'a KeySet,
    /// The keys that are one tenant's alone.
    pub owners: &'a BTreeMap<Sha256, TenantId>,
    /// Whose scan it is, where that is known.
    pub owner: Option<&'a TenantId>,
    /// What is revoked.
    pub revoked: &'a [Revocation],
    /// The time.
    pub now: OffsetDateTime,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What, in one word, for example `signature`.
    pub name: &'static str,
    /// Whether it is as it has to be.
    pub passed: bool,
    /// What was found, in one sentence.
    pub detail: String,
}

/// Why a publication is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The reason, one of a closed set.
    pub reason: DenialReason,
    /// The same in one sentence, with what to do.
    pub detail: String,
}

/// A finding that a reviewer accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waived {
    /// Its fingerprint.
    pub fingerprint: String,
    /// Who accepts it.
    pub reviewer: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires_at: String,
    /// SHA-256 of the signed waiver.
    pub waiver: Sha256,
}

/// What came of it.
#[derive(Debug)]
pub struct Judged {
    /// Everything that was looked at, in order; the first that did not pass is the reason of a denial.
    pub checks: Vec<Check>,
    /// Why it is denied.
    pub denial: Option<Denial>,
    /// SHA-256 of the index as it came.
    pub index_digest: Option<Sha256>,
    /// Every file that may be published.
    pub files: Vec<PermittedFile>,
    /// Who signed the scan, once the signature is good.
    pub signer: Option<Sha256>,
    /// The policy's name for them.
    pub signer_name: Option<String>,
    /// The scan's signature, base64 of DER.
    pub signature: Option<String>,
    /// When the scan was signed, as it says.
    pub signed_at: Option<String>,
    /// The plugins that ran.
    pub plugins: Vec<PluginRan>,
    /// Where the signature is in a log.
    pub logged: Option<LogProof>,
    /// Findings that reviewers accept.
    pub waived: Vec<Waived>,
}

/// A plugin that ran.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct PluginRan {
    /// Its id.
    pub id: PluginId,
    /// Its version.
    pub version: String,
    /// SHA-256 of the component.
    pub digest: Sha256,
}

/// What is read of the statement about a scan.
#[derive(Deserialize)]
struct Claim {
    decision: Verdict,
    development: bool,
    scan: Scan,
}

#[derive(Deserialize)]
struct Scan {
    scan_id: String,
    mode: String,
    finished_at: String,
    #[serde(default)]
    plugins: Option<Vec<PluginRan>>,
}

/// Decides. Whatever is not as it has to be denies.
pub fn judge(submission: &Submission, tenant: &TenantId, grounds: &Grounds<'_>) -> Judged {
    let mut judged = Judged {
        checks: Vec::new(),
        denial: None,
        index_digest: submission.document(INDEX).map(Sha256::of),
        files: Vec::new(),
        signer: None,
        signer_name: None,
        signature: None,
        signed_at: None,
        plugins: Vec::new(),
        logged: None,
        waived: Vec::new(),
    };
    if let Err(denial) = look(&mut judged, submission, tenant, grounds) {
        judged.denial = Some(denial);
    }
    judged
}

impl Judged {
    fn pass(&mut self, name: &'static str, detail: impl Into<String>) {
        self.checks.push(Check { name, passed: true, detail: detail.into() });
    }

    /// Denies, and says in the list of checks where.
    fn deny<T>(&mut self, name: &'static str, reason: DenialReason, detail: impl Into<String>) -> Result<T, Denial> {
        let detail = certus_model::escape::one_line(&detail.into(), 500);
        self.checks.push(Check { name, passed: false, detail: detail.clone() });
        Err(Denial { reason, detail })
    }
}

fn look(judged: &mut Judged, submission: &Submission, tenant: &TenantId, grounds: &Grounds<'_>) -> Result<(), Denial> {
    let rules = grounds.policy.tier(submission.tier);
    let (envelope, payload) = signature(judged, submission, grounds)?;
    let claim = statement(judged, submission, &payload)?;
    signer(judged, submission.tier, tenant, &payload, &claim, grounds)?;
    if grounds.owner.is_some_and(|owner| owner != tenant) {
        let detail =
            format!("{} is no scan of the tenant `{tenant}`; a bundle is published for its own", submission.scan_id);
        return judged.deny("tenant", DenialReason::ArtifactMismatch, detail);
    }
    artifacts::look(judged, submission)?;

    if claim.scan.mode == "sample" && (submission.tier == Tier::Verified || !rules.sample) {
        let detail = "the scan is of the sample workspace, which the tier never accepts; scan something of your own";
        return judged.deny("mode", DenialReason::SampleMode, detail);
    }
    judged.pass("mode", claim.scan.mode.clone());
    plugins(judged, claim.scan.plugins.clone().unwrap_or_default(), grounds)?;
    decision::look(judged, submission, claim.decision, grounds)?;
    log(judged, submission, &envelope, grounds)
}

/// Who has signed what.
fn signature(
    judged: &mut Judged,
    submission: &Submission,
    grounds: &Grounds<'_>,
) -> Result<(Envelope, VerifiedPayload), Denial> {
    use DenialReason::{InnerSignature, InvalidSigner, NoArtifacts};
    const NAME: &str = "signature";
    if submission.artifacts.is_empty() || submission.document(INDEX).is_none() {
        let detail =
            "no artifacts and no index.json came along; send every file of the bundle with its size and digest";
        return judged.deny(NAME, NoArtifacts, detail);
    }
    let Some(bytes) = submission.document(ATTESTATION) else {
        let detail = format!("{ATTESTATION} did not come along, so nobody vouches for the files");
        return judged.deny(NAME, InnerSignature, detail);
    };
    let envelope = match Envelope::parse(bytes) {
        Ok(envelope) => envelope,
        Err(error) => return judged.deny(NAME, InnerSignature, error.to_string()),
    };
    let payload = match envelope.verify(grounds.keys) {
        Ok(payload) => payload,
        Err(certus_signing::Error::UnknownSigner(_)) => {
            let detail = "Trust does not know the key that signed; name it in the policy, or put its public key into \
                          Trust's key folder";
            return judged.deny(NAME, InvalidSigner, detail);
        }
        Err(error) => return judged.deny(NAME, InnerSignature, error.to_string()),
    };
    let signature = match envelope.signature() {
        Ok((_, signature)) => BASE64.encode(signature.as_der()),
        Err(error) => return judged.deny(NAME, InnerSignature, error.to_string()),
    };
    if let Some(inner) = &submission.inner_signature
        && (inner.signature != signature || inner.certificate.is_some())
    {
        let detail = "inner_signature is not the signature of the statement that came along";
        return judged.deny(NAME, InnerSignature, detail);
    }
    judged.signer = Some(payload.key_id());
    judged.signature = Some(signature);
    judged.pass(NAME, format!("ECDSA P-256 over the statement, by key {}", payload.key_id()));
    Ok((envelope, payload))
}

/// What the signed statement says, and that it is about this index and this scan.
fn statement(judged: &mut Judged, submission: &Submission, payload: &VerifiedPayload) -> Result<Claim, Denial> {
    use DenialReason::{ArtifactMismatch, InnerSignature, ScanNotSucceeded};
    const NAME: &str = "statement";
    let opened = Statement::<Json>::open(payload, SCAN_TYPE);
    let statement = match opened {
        Ok(statement) => statement,
        Err(error) => return judged.deny(NAME, InnerSignature, error.to_string()),
    };
    let claim: Claim = match serde_json::from_value(statement.predicate().clone()) {
        Ok(claim) => claim,
        Err(_) => return judged.deny(NAME, InnerSignature, "the statement is not one about a scan"),
    };
    if claim.scan.scan_id != submission.scan_id.as_str() {
        let detail = format!("the statement is about {}, not about {}", claim.scan.scan_id, submission.scan_id);
        return judged.deny(NAME, ArtifactMismatch, detail);
    }
    let signed = |path: &str| statement.subjects().iter().find(|subject| subject.name() == path);
    for (path, document) in &submission.documents {
        let apart = path == ATTESTATION || path == LOGGED;
        if !apart && signed(path).map(|subject| subject.sha256()) != Some(Sha256::of(&document.0)) {
            let detail = format!("{path} is not the file that was signed");
            return judged.deny(NAME, ArtifactMismatch, detail);
        }
    }
    if claim.scan.plugins.is_none() {
        let detail = "the scan has failed, so there is no report to publish; scan again";
        return judged.deny(NAME, ScanNotSucceeded, detail);
    }
    judged.signed_at = Some(claim.scan.finished_at.clone());
    judged.pass(NAME, format!("scan {}, {} subjects", claim.scan.scan_id, statement.subjects().len()));
    Ok(claim)
}

/// Whether that key may sign this.
fn signer(
    judged: &mut Judged,
    tier: Tier,
    tenant: &TenantId,
    payload: &VerifiedPayload,
    claim: &Claim,
    grounds: &Grounds<'_>,
) -> Result<(), Denial> {
    use DenialReason::{DevelopmentKey, InvalidSigner, SignerExpired, SignerRevoked};
    const NAME: &str = "signer";
    let key = payload.key_id();
    if let Some(revocation) = revoked(grounds, Revocable::Signer, key) {
        return judged.deny(NAME, SignerRevoked, format!("the key {key} was revoked: {}", revocation.reason));
    }
    if grounds.owners.get(&key).is_some_and(|owner| owner != tenant) {
        let detail = format!("the key {key} is another tenant's own, and signs for nobody else; scan again");
        return judged.deny(NAME, InvalidSigner, detail);
    }
    match grounds.keys.good_at(&key, grounds.now) {
        Ok(()) => {}
        Err(error @ certus_signing::Error::KeyRevoked { .. }) => {
            return judged.deny(NAME, SignerRevoked, error.to_string());
        }
        Err(error) => return judged.deny(NAME, SignerExpired, error.to_string()),
    }
    if (claim.development || payload.by_development_key()) && !grounds.policy.tier(tier).development {
        let detail = format!(
            "a development key signed, which the tier `{tier}` does not accept; make a key with `certus keys generate` \
             and scan again"
        );
        return judged.deny(NAME, DevelopmentKey, detail);
    }
    match grounds.policy.signer(key, tenant, tier) {
        Ok(name) => {
            judged.signer_name = name.map(ToString::to_string);
            let shown = judged.signer_name.clone().unwrap_or_else(|| key.to_string());
            judged.pass(NAME, format!("{shown} may sign for `{tenant}` in the tier `{tier}`"));
            Ok(())
        }
        Err(why) => judged.deny(NAME, InvalidSigner, why),
    }
}

fn plugins(judged: &mut Judged, ran: Vec<PluginRan>, grounds: &Grounds<'_>) -> Result<(), Denial> {
    use DenialReason::{PluginNotAccepted, PluginRevoked};
    const NAME: &str = "plugins";
    judged.plugins.clone_from(&ran);
    for plugin in &ran {
        if let Some(revocation) = revoked(grounds, Revocable::Plugin, plugin.digest) {
            let detail = format!("{} ({}) was revoked: {}", plugin.id, plugin.digest, revocation.reason);
            return judged.deny(NAME, PluginRevoked, detail);
        }
        if !grounds.policy.accepts_plugin(&plugin.id, plugin.digest) {
            let detail = format!("the policy accepts no plugin {} with the digest {}", plugin.id, plugin.digest);
            return judged.deny(NAME, PluginNotAccepted, detail);
        }
    }
    judged.pass(NAME, format!("{} plugins ran, each accepted, none revoked", ran.len()));
    Ok(())
}

/// Whether the signature is in a log that is known.
fn log(judged: &mut Judged, submission: &Submission, envelope: &Envelope, grounds: &Grounds<'_>) -> Result<(), Denial> {
    use DenialReason::{LogEntryMissing, LogProofInvalid};
    const NAME: &str = "log";
    let Some(bytes) = submission.document(LOGGED) else {
        if grounds.policy.tier(submission.tier).log {
            let detail = format!("{LOGGED} did not come along, which the tier `{}` asks for", submission.tier);
            return judged.deny(NAME, LogEntryMissing, detail);
        }
        judged.pass(NAME, "no entry, and none is asked for");
        return Ok(());
    };
    let key = judged.signer.as_ref().and_then(|id| grounds.keys.get(id));
    let proven = key.map(|key| verify_wrapped(bytes, envelope, key, grounds.keys.logs()));
    match proven {
        Some(Ok(proof)) => {
            judged.pass(
                NAME,
                format!("entry {} of {}, proven to its {} entries", proof.index(), proof.origin(), proof.size()),
            );
            judged.logged = Some(proof);
            Ok(())
        }
        Some(Err(error)) => judged.deny(NAME, LogProofInvalid, error.to_string()),
        None => judged.deny(NAME, LogProofInvalid, "the signer's key is not known"),
    }
}

fn revoked<'a>(grounds: &Grounds<'a>, kind: Revocable, digest: Sha256) -> Option<&'a Revocation> {
    grounds.revoked.iter().find(|revocation| revocation.kind == kind && revocation.digest == digest)
}
