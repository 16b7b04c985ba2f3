//! What Trust does beside permits: signs what people bring, and says what it knows of signatures.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_model::{ScanId, Sha256, TenantId};
use certus_signing::permit::rfc3339;
use certus_signing::sigstore::{LoggedEntry, log_entry};
use certus_signing::{Envelope, Signature, Statement, Subject, merkle};
use certus_store::{LogRow, Reach};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use time::OffsetDateTime;

use super::standing::Standing;
use super::{LogSubject, Trust};
use crate::error::Error;

/// The type of statements about what people bring.
const ARTIFACT_TYPE: &str = "https://certus.dev/attestation/artifact/v1";
/// The type of statements about an assessment.
const ASSESSMENT_TYPE: &str = "https://certus.dev/attestation/assessment/v1";

/// Something to be signed.
#[derive(Clone, Debug)]
pub struct SignAsked {
    /// Its digest.
    pub artifact: Sha256,
    /// What it is: `image`, `sbom`, `report` or `assessment`.
    pub artifact_type: String,
    /// What it is called.
    pub subject: String,
    /// What else is to be signed about it.
    pub predicates: Json,
}

/// Something that was signed and logged.
#[derive(Clone, Debug)]
pub struct Signed {
    /// How it is known to the log.
    pub row: LogRow,
    /// Its entry.
    pub entry: LoggedEntry,
}

/// What is known of a signature.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Whether it is good, by a known key that was not revoked, and in the log.
    pub valid: bool,
    /// Why not, in one sentence.
    pub why: Option<String>,
    /// Whose it is.
    pub signer: Option<Sha256>,
    /// Where it is in the log.
    pub index: Option<u64>,
}

/// A file that a client has signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SignedFile {
    /// What it is called.
    pub path: String,
    /// Its digest, `sha256:` and 64 hex digits: what the signature is over, as 32 bytes.
    #[serde(default)]
    pub digest: Option<String>,
    /// The signature, base64 of DER.
    pub signature: String,
}

/// What was found of files that a client has signed.
#[derive(Clone, Debug)]
pub struct Custody {
    /// The files, and whether the signature of each is good.
    pub files: BTreeMap<String, bool>,
    /// Of those whose signature is not: why, in one sentence.
    pub refused: BTreeMap<String, String>,
    /// Whether all are, and there is one.
    pub inner_verified: bool,
}

/// What is known of a scan from one end to the other.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The scan's entry in the log, and that of the verdict about it.
    pub entries: Vec<LogRow>,
    /// What Trust has decided, the newest first.
    pub decisions: Vec<certus_store::Decided>,
    /// Whether each entry verifies.
    pub verified: bool,
}

pub(super) fn base64(signature: &Signature) -> String {
    BASE64.encode(signature.as_der())
}

impl Trust {
    /// Signs a statement about what somebody brings, and logs it.
    ///
    /// # Errors
    /// A signer, a log or a database that fails, and a key of Trust's that was revoked.
    pub async fn sign_artifact(&self, asked: &SignAsked, tenant: &TenantId) -> Result<Signed, Error> {
        let predicate = json!({
            "artifact_type": asked.artifact_type, "predicates": asked.predicates, "tenant": tenant,
            "signed_at": rfc3339(OffsetDateTime::now_utc()),
        });
        let statement = Statement::new(vec![Subject::new(&asked.subject, asked.artifact)], ARTIFACT_TYPE, predicate);
        self.sign_and_log(statement, tenant, None, asked.artifact, &asked.artifact_type).await
    }

    /// Signs that Trust has seen an assessment's files, what it found of their signatures included, and logs it.
    ///
    /// # Errors
    /// As [`Trust::sign_artifact`].
    pub async fn sign_assessment(&self, assessment: &str, found: &Json, tenant: &TenantId) -> Result<Signed, Error> {
        let digest = Sha256::of(&super::as_bytes(found));
        let statement = Statement::new(vec![Subject::new(assessment, digest)], ASSESSMENT_TYPE, found.clone());
        self.sign_and_log(statement, tenant, Some(assessment), digest, "assessment").await
    }

    async fn sign_and_log(
        &self,
        statement: Statement<Json>,
        tenant: &TenantId,
        assessment: Option<&str>,
        artifact: Sha256,
        kind: &str,
    ) -> Result<Signed, Error> {
        self.assert_own_key().await?;
        let envelope = self.sign(statement).await?;
        let subject = LogSubject { tenant, scan: None, assessment, artifact, kind };
        let (entry, row) = self.enter(&envelope, &self.key, &subject).await?;
        Ok(Signed { row, entry })
    }

    /// What is known of a signature over an artifact: it has to be one that is in the log.
    ///
    /// # Errors
    /// A log or a database that fails.
    pub async fn verify_signature(
        &self,
        reach: Reach<'_>,
        artifact: Sha256,
        signature: &str,
        identity: Option<&str>,
    ) -> Result<Verified, Error> {
        let refused = |why: &str| Verified { valid: false, why: Some(why.to_owned()), signer: None, index: None };
        let (artifact, signature) = (Some(artifact), Some(signature.to_owned()));
        let filter = certus_store::LogFilter { artifact, signature, limit: 1, ..Default::default() };
        let Some(row) = self.store.log_rows(reach, &filter).await?.pop() else {
            return Ok(refused("no such signature over this artifact is in the log"));
        };
        let (signer, index) = (Some(row.signer), Some(row.index));
        if identity.is_some_and(|identity| identity != row.signer.to_string()) {
            return Ok(Verified { signer, index, ..refused("another key has signed") });
        }
        match self.verify_row(&row).await? {
            Ok(()) => Ok(Verified { valid: true, why: None, signer, index }),
            Err(why) => Ok(Verified { signer, index, ..refused(&why) }),
        }
    }

    /// Whether an entry is what its record says: signed by a known key that was not revoked, and in the log at its
    /// place.
    ///
    /// # Errors
    /// A log or a database that fails.
    pub async fn verify_row(&self, row: &LogRow) -> Result<Result<(), String>, Error> {
        self.verify_by(row, &self.standing().await?).await
    }

    /// Every key that is known now, and everything that is revoked.
    async fn standing(&self) -> Result<Standing, Error> {
        Ok(Standing { keys: self.known().await?.0, revoked: self.store.revocations().await? })
    }

    async fn verify_by(&self, row: &LogRow, standing: &Standing) -> Result<Result<(), String>, Error> {
        let envelope = match Envelope::parse(row.envelope.as_bytes()) {
            Ok(envelope) => envelope,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let payload = match envelope.verify(&standing.keys) {
            Ok(payload) => payload,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let logged_at = OffsetDateTime::UNIX_EPOCH.checked_add(time::Duration::milliseconds(row.at));
        let logged_at = logged_at.unwrap_or_else(OffsetDateTime::now_utc);
        if let Some(why) = standing.revoked(payload.key_id(), logged_at) {
            return Ok(Err(why));
        }
        let Some(key) = standing.keys.get(&row.signer) else { return Ok(Err("the signer is not known".to_owned())) };
        let body = match log_entry(&envelope, key) {
            Ok(body) => body,
            Err(error) => return Ok(Err(error.to_string())),
        };
        match self.log.entry(row.index).await {
            Ok(logged) if logged == body => Ok(Ok(())),
            Ok(_) => Ok(Err("the log holds something else at its place".to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    /// The proof that the log holds an entry now: its size, the hashes, its root.
    ///
    /// # Errors
    /// A log that fails.
    pub async fn prove(&self, row: &LogRow) -> Result<(u64, Vec<Sha256>, Sha256), Error> {
        let latest = self.log.latest().await?.ok_or(crate::log::Error::NoCheckpoint)?;
        let checkpoint = latest.unverified().clone();
        let hashes = self.log.inclusion(row.index, checkpoint.size).await?;
        let body = self.log.entry(row.index).await?;
        merkle::verify_inclusion(&merkle::leaf_hash(&body), row.index, checkpoint.size, &hashes, &checkpoint.root)?;
        Ok((checkpoint.size, hashes, checkpoint.root))
    }

    /// Which of these files carry a good signature by a known key that was not revoked. Nobody but the signer says when
    /// they were signed, so a key that is revoked now vouches for none. A path that comes twice has to be good twice.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn custody(&self, files: &[SignedFile]) -> Result<Custody, Error> {
        let standing = Standing { keys: self.keys()?, revoked: self.store.revocations().await? };
        let (signed, now) = (files.to_vec(), OffsetDateTime::now_utc());
        // Each file is tried with every key.
        let tried = move || signed.into_iter().map(|file| (vouched(&file, &standing, now), file.path)).collect();
        let tried: Vec<_> = tokio::task::spawn_blocking(tried).await.map_err(|_| Error::Died)?;
        let mut custody = Custody { files: BTreeMap::new(), refused: BTreeMap::new(), inner_verified: false };
        for (vouched, path) in tried {
            *custody.files.entry(path.clone()).or_insert(true) &= vouched.is_ok();
            if let Err(why) = vouched {
                custody.refused.insert(path, why);
            }
        }
        custody.inner_verified = !custody.files.is_empty() && custody.refused.is_empty();
        Ok(custody)
    }

    /// Whether a signature over an assessment was made over these locations and these files.
    pub fn is_over(row: &LogRow, locations: &Json, files: &[SignedFile]) -> bool {
        let Ok(envelope) = Envelope::parse(row.envelope.as_bytes()) else { return false };
        let Ok(statement) = serde_json::from_slice::<Json>(envelope.payload()) else { return false };
        let seen = &statement["predicate"];
        let signed = serde_json::from_value::<Vec<SignedFile>>(seen["inner_signatures"]["files"].clone());
        seen["artifact_locations"] == *locations && signed.is_ok_and(|signed| signed == files)
    }

    /// What is known of a scan from one end to the other.
    ///
    /// # Errors
    /// A log or a database that fails.
    pub async fn provenance(&self, reach: Reach<'_>, scan: &ScanId) -> Result<Provenance, Error> {
        let entries = self.store.log_rows_of(reach, scan).await?;
        let decisions = self.store.decisions(reach, scan).await?;
        let (mut verified, standing) = (!entries.is_empty(), self.standing().await?);
        for row in &entries {
            verified &= self.verify_by(row, &standing).await?.is_ok();
        }
        Ok(Provenance { entries, decisions, verified })
    }
}

/// That a known key which counts at `time` has signed a file; else why not, in one sentence.
fn vouched(file: &SignedFile, standing: &Standing, time: OffsetDateTime) -> Result<(), String> {
    let digest = file.digest.as_deref().and_then(|text| text.strip_prefix("sha256:"));
    let digest: Sha256 =
        digest.and_then(|text| text.parse().ok()).ok_or("`digest` is not `sha256:` and 64 hex digits")?;
    let signature = Signature::from_base64(file.signature.as_bytes()).map_err(|error| error.to_string())?;
    let signer = standing.keys.iter().find(|key| key.verify(digest.as_bytes(), &signature).is_ok());
    let signer = signer.ok_or("no known key has signed this digest")?;
    standing.revoked(signer.key_id(), time).map_or(Ok(()), Err)
}
