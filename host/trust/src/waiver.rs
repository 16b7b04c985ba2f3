//! Signed records of reviewers who accept a finding, for a time and for a reason.

use std::path::Path;

use certus_model::ids::Name;
use certus_model::{Sha256, canonical_json};
use certus_signing::{Envelope, KeySet, PublicKey, SigningKey, Statement, Subject};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::Error;

/// The predicate's type.
pub const PREDICATE_TYPE: &str = "https://certus.dev/attestation/waiver/v1";
/// How files of waivers end.
pub const ENDING: &str = ".waiver.dsse.json";

/// What a reviewer has signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaiverTerms {
    /// Who accepts it, by the policy's name.
    pub reviewer: Name,
    /// Why.
    pub reason: String,
    /// The finding's fingerprint.
    pub fingerprint: String,
    /// What the finding says: [`content`].
    pub content: Sha256,
    /// When it was signed: RFC 3339, in UTC.
    pub signed_at: String,
    /// From when on it no longer counts.
    pub expires_at: String,
    /// Where the rule is written by which it is accepted, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// A waiver whose signature is that of the reviewer whom it names.
#[derive(Clone, Debug)]
pub struct Waiver {
    terms: WaiverTerms,
    digest: Sha256,
    expires_at: OffsetDateTime,
}

impl WaiverTerms {
    /// Signs them.
    ///
    /// # Errors
    /// A signer that fails.
    pub fn sign(&self, key: &SigningKey) -> Result<Envelope, Error> {
        let subject = Subject::new(&self.fingerprint, self.content);
        Ok(Statement::new(vec![subject], PREDICATE_TYPE, self.clone()).sign(key)?)
    }
}

impl Waiver {
    /// Opens a waiver: it has to carry the signature of the reviewer whom it names.
    ///
    /// # Errors
    /// Why it does not count, in one sentence.
    pub fn open(bytes: &[u8], reviewers: &[(Name, PublicKey)]) -> Result<Self, String> {
        let keys = KeySet::from_iter(reviewers.iter().map(|(_, key)| key.clone()));
        let payload = Envelope::parse(bytes).and_then(|envelope| envelope.verify(&keys));
        let payload = payload.map_err(|error| error.to_string())?;
        let statement = Statement::<WaiverTerms>::open(&payload, PREDICATE_TYPE).map_err(|error| error.to_string())?;
        let terms = statement.predicate().clone();
        let [subject] = statement.subjects() else { return Err("it is not about one finding".to_owned()) };
        if subject.name() != terms.fingerprint || subject.sha256() != terms.content {
            return Err("it says something else than its statement is about".to_owned());
        }
        let signer = reviewers.iter().find(|(_, key)| key.key_id() == payload.key_id());
        if signer.is_none_or(|(name, _)| *name != terms.reviewer) {
            return Err(format!("it is not signed with the key of `{}`, whom it names", terms.reviewer));
        }
        if terms.reason.trim().is_empty() {
            return Err("it gives no reason".to_owned());
        }
        let expires_at = OffsetDateTime::parse(&terms.expires_at, &Rfc3339)
            .map_err(|_| "its expires_at is no time such as 2027-01-31T00:00:00Z".to_owned())?;
        Ok(Self { terms, digest: Sha256::of(bytes), expires_at })
    }

    /// What it says.
    pub fn terms(&self) -> &WaiverTerms {
        &self.terms
    }

    /// SHA-256 of the file.
    pub fn digest(&self) -> Sha256 {
        self.digest
    }

    /// Whether it accepts this finding now.
    pub fn accepts(&self, fingerprint: &str, content: Sha256, now: OffsetDateTime) -> bool {
        self.terms.fingerprint == fingerprint && self.terms.content == content && now < self.expires_at
    }
}

/// What a finding of `findings.json` says, whichever lines it stands at: SHA-256 over plugin, rule, severity, message
/// and paths. The fingerprint holds the matched bytes; both together are what a reviewer has seen.
pub fn content(finding: &Json) -> Sha256 {
    let paths = finding["places"].as_array().into_iter().flatten().map(|place| place["path"].clone());
    let said = serde_json::json!({
        "plugin": finding["plugin"], "rule": finding["rule"], "severity": finding["severity"],
        "message": finding["message"], "paths": paths.collect::<Vec<_>>(),
    });
    Sha256::of(&canonical_json(&said).unwrap_or_default())
}

/// Every waiver of a folder. One that does not count is an error: a reviewer believes that it does.
pub(crate) fn read_all(folder: &Path, reviewers: &[(Name, PublicKey)]) -> Result<Vec<Waiver>, Error> {
    let mut waivers = Vec::new();
    for path in crate::files::list(folder, ENDING)? {
        let text = crate::files::read(&path)?;
        let opened = Waiver::open(text.as_bytes(), reviewers);
        waivers.push(opened.map_err(|why| Error::Policy { path: path.display().to_string(), why })?);
    }
    Ok(waivers)
}
