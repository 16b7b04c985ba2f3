//! Trust itself: decides, signs, keeps the log.

mod notary;
mod standing;

use std::collections::BTreeMap;
use std::sync::Arc;

use certus_model::document::{INDEX, PROOF, SVR, VSA};
use certus_model::{ScanId, Sha256, TenantId, canonical_json};
use certus_signing::permit::{PermitTerms, PermittedFile, rfc3339};
use certus_signing::sigstore::{LoggedEntry, log_entry};
use certus_signing::{Envelope, KeySet, PublicKey, SigningKey, Statement};
use certus_store::{Decided, LogRow, Store};
use serde_json::{Value as Json, json};
use time::OffsetDateTime;

use self::standing::Standing;
use crate::answer::{Answer, StorageConfig};
use crate::documents::Around;
use crate::error::Error;
use crate::judge::{Grounds, Judged, judge};
use crate::log::Log;
use crate::policy::Policy;
use crate::submission::Submission;

pub use notary::{Custody, Provenance, SignAsked, Signed, SignedFile, Verified};

/// Trust. Clones share everything.
#[derive(Clone)]
pub struct Trust {
    store: Store,
    key: Arc<SigningKey>,
    known: Known,
    log: Arc<Log>,
    policy: Arc<Policy>,
    id: String,
}

/// The keys that scans are signed with, as far as the policy does not name them, and the logs that are believed: asked
/// anew for each decision, since keys come and are revoked while Trust runs.
pub type Known = Arc<dyn Fn() -> Result<KeySet, certus_signing::Error> + Send + Sync>;

/// What Trust is made of.
pub struct Parts {
    /// Where decisions are kept.
    pub store: Store,
    /// What signs them.
    pub key: Arc<SigningKey>,
    /// Which keys are known.
    pub known: Known,
    /// The transparency log of this host.
    pub log: Arc<Log>,
    /// What is permitted.
    pub policy: Policy,
    /// Who this is, as a URI.
    pub id: String,
}

/// What an entry of the log is about.
pub struct LogSubject<'a> {
    /// Whose it is.
    pub tenant: &'a TenantId,
    /// The scan, if it is one.
    pub scan: Option<&'a ScanId>,
    /// The assessment that it belongs to.
    pub assessment: Option<&'a str>,
    /// What was signed, by its digest.
    pub artifact: Sha256,
    /// What that is.
    pub kind: &'a str,
}

impl Trust {
    /// Puts Trust together.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, key, known, log, policy, id } = parts;
        Self { store, key, known, log, policy: Arc::new(policy), id }
    }

    /// Every key that is known here now but for tenants' own, Trust's among them, and every log that is believed.
    fn keys(&self) -> Result<KeySet, Error> {
        let mut keys = self.policy.anchors(&(self.known)()?);
        keys.insert(self.key.public().clone());
        Ok(keys)
    }

    /// The key whose signatures are Trust's.
    pub fn public_key(&self) -> &PublicKey {
        self.key.public()
    }

    /// What is permitted.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The transparency log of this host.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Decides, puts the decision on record, and answers. A decision that is not on record nobody is told.
    ///
    /// # Errors
    /// A signer, a log or a database that fails, a key of Trust's that was revoked: then nothing is decided, and nothing
    /// may be published.
    pub async fn decide(&self, submission: &Submission, tenant: &TenantId, actor: &str) -> Result<Answer, Error> {
        let now = OffsetDateTime::now_utc();
        let (keys, owners) = self.known().await?;
        let standing = Standing { keys, revoked: self.store.revocations().await? };
        self.assert_own(&standing)?;
        let index = submission.document(INDEX).map(Sha256::of).unwrap_or_else(|| Sha256::of(b""));
        let owner = self.store.owner_of(&submission.scan_id, &index).await?;
        let (policy, owner) = (&*self.policy, owner.as_ref());
        let grounds = Grounds { policy, keys: &standing.keys, owners: &owners, owner, revoked: &standing.revoked, now };
        let judged = judge(submission, tenant, &grounds);
        let time = rfc3339(now);
        let index_digest = judged.index_digest.unwrap_or_else(|| Sha256::of(b""));
        let around = Around {
            submission,
            judged: &judged,
            policy: &self.policy,
            verifier: &self.id,
            key_id: self.key.public().key_id(),
            time: &time,
            index_digest,
        };
        let id = uuid::Uuid::now_v7().to_string();
        let vsa = self.sign(around.vsa()).await?;
        let answer = match judged.denial.is_none() {
            true => self.permit(&around, tenant, &id, vsa, now).await?,
            false => self.deny(&around, &id, &vsa)?,
        };
        let decided = Decided {
            id,
            tenant: tenant.clone(),
            scan: submission.scan_id.clone(),
            tier: submission.tier,
            permitted: answer.permitted,
            reason: answer.reason.map(|reason| reason.to_string()),
            detail: answer.detail.clone(),
            evidence: answer.evidence.clone(),
            index_digest,
            destination: submission.destination.clone(),
            signer: judged.signer,
            answer: serde_json::to_value(&answer).unwrap_or(Json::Null),
            issued_at: millis(now),
            expires_at: answer.permitted.then(|| millis(now + self.policy.lifetime)),
        };
        let plugins: Vec<_> = judged.plugins.iter().map(|plugin| plugin.digest).collect();
        self.store.keep_decision(&decided, &plugins, actor).await?;
        Ok(answer)
    }

    /// Every key that is known now, and those among them that are one tenant's alone: they come while this runs.
    async fn known(&self) -> Result<(KeySet, BTreeMap<Sha256, TenantId>), Error> {
        let (mut keys, mut owners) = (self.keys()?, BTreeMap::new());
        for own in self.store.tenant_keys().await? {
            let key = PublicKey::from_pem(&own.public_key)?;
            owners.insert(key.key_id(), own.tenant);
            keys.insert(key);
        }
        Ok((keys, owners))
    }

    async fn permit(
        &self,
        around: &Around<'_>,
        tenant: &TenantId,
        id: &str,
        vsa: Envelope,
        now: OffsetDateTime,
    ) -> Result<Answer, Error> {
        let submission = around.submission;
        let svr = self.sign(around.svr()).await?;
        let proof = around.proof();
        if proof.outer_signature_valid {
            let subject = LogSubject {
                tenant,
                scan: Some(&submission.scan_id),
                assessment: None,
                artifact: around.index_digest,
                kind: "verdict",
            };
            self.enter(&vsa, &self.key, &subject).await?;
        }
        let (vsa_bytes, svr_bytes, proof_bytes) = (vsa.to_bytes()?, svr.to_bytes()?, proof.to_bytes());
        let mut files = around.judged.files.clone();
        for (path, bytes) in [(VSA, &vsa_bytes), (SVR, &svr_bytes), (PROOF, &proof_bytes)] {
            let file = PermittedFile { path: path.to_owned(), sha256: Sha256::of(bytes), size: bytes.len() as u64 };
            files.push(file);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let terms = PermitTerms {
            permit_id: id.to_owned(),
            tenant_id: tenant.clone(),
            scan_id: submission.scan_id.clone(),
            tier: submission.tier,
            index_digest: around.index_digest,
            files,
            destination: submission.destination.clone(),
            issued_at: around.time.to_owned(),
            expires_at: rfc3339(now + self.policy.lifetime),
        };
        let expires_at = terms.expires_at.clone();
        let permit = self.blocking(move |key| Ok(terms.sign(key)?)).await?;
        Ok(Answer {
            upload_permission_id: id.to_owned(),
            scan_id: submission.scan_id.clone(),
            tier: submission.tier,
            permitted: true,
            reason: None,
            detail: None,
            evidence: evidence(around.judged, &self.policy),
            verification_proof: Some(proof),
            storage_config: Some(StorageConfig {
                destination: submission.destination.clone(),
                upload_to_s3: submission.storage_destinations.raw_s3,
                upload_to_oci: submission.storage_destinations.oci_registry,
            }),
            permit: Some(as_json(&permit.to_bytes()?)),
            vsa: as_json(&vsa_bytes),
            svr: Some(as_json(&svr_bytes)),
            expires_at: Some(expires_at),
        })
    }

    fn deny(&self, around: &Around<'_>, id: &str, vsa: &Envelope) -> Result<Answer, Error> {
        let denial = around.judged.denial.as_ref();
        Ok(Answer {
            upload_permission_id: id.to_owned(),
            scan_id: around.submission.scan_id.clone(),
            tier: around.submission.tier,
            permitted: false,
            reason: denial.map(|denial| denial.reason),
            detail: denial.map(|denial| denial.detail.clone()),
            evidence: evidence(around.judged, &self.policy),
            verification_proof: None,
            storage_config: None,
            permit: None,
            vsa: as_json(&vsa.to_bytes()?),
            svr: None,
            expires_at: None,
        })
    }

    /// Puts an envelope into the log, and on record what it is about.
    ///
    /// # Errors
    /// A log or a database that fails.
    pub async fn enter(
        &self,
        envelope: &Envelope,
        key: &SigningKey,
        subject: &LogSubject<'_>,
    ) -> Result<(LoggedEntry, LogRow), Error> {
        enter(&self.log, &self.store, envelope, key.public(), subject).await
    }

    async fn sign(&self, statement: Statement<Json>) -> Result<Envelope, Error> {
        self.blocking(move |key| Ok(statement.sign(key)?)).await
    }

    /// A key may lie in a device or a service that takes its time.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&SigningKey) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let key = self.key.clone();
        tokio::task::spawn_blocking(move || work(&key)).await.map_err(|_| Error::Died)?
    }
}

/// Puts an envelope into a log, and on record what it is about.
///
/// # Errors
/// A log or a database that fails.
pub async fn enter(
    log: &Log,
    store: &Store,
    envelope: &Envelope,
    key: &PublicKey,
    subject: &LogSubject<'_>,
) -> Result<(LoggedEntry, LogRow), Error> {
    let mut entries = log.append(&[log_entry(envelope, key)?]).await?;
    let entry = entries.pop().ok_or(crate::log::Error::NoCheckpoint)?;
    let (_, signature) = envelope.signature()?;
    let row = LogRow {
        id: uuid::Uuid::now_v7().to_string(),
        index: entry.index,
        tenant: subject.tenant.clone(),
        scan: subject.scan.cloned(),
        assessment: subject.assessment.map(ToOwned::to_owned),
        signer: key.key_id(),
        artifact: subject.artifact,
        kind: subject.kind.to_owned(),
        signature: notary::base64(signature),
        envelope: String::from_utf8_lossy(&envelope.to_bytes()?).into_owned(),
        at: millis(OffsetDateTime::now_utc()),
    };
    store.keep_log_row(&row).await?;
    Ok((entry, row))
}

/// Everything that was looked at, for whoever asks why.
fn evidence(judged: &Judged, policy: &Policy) -> Json {
    json!({
        "checks": judged.checks,
        "policy": policy.digest(),
        "signer": judged.signer,
        "plugins": judged.plugins,
        "waived": judged.waived,
        "index_digest": judged.index_digest,
    })
}

/// A document that was just written.
fn as_json(bytes: &[u8]) -> Json {
    serde_json::from_slice(bytes).unwrap_or(Json::Null)
}

/// The canonical bytes of a document that came as a part of another one.
pub(crate) fn as_bytes(document: &Json) -> Vec<u8> {
    canonical_json(document).unwrap_or_default()
}

pub(crate) fn millis(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
