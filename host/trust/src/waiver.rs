//! Signed records of reviewers who accept a finding, for a time and for a reason.

use std::path::Path;

use certus_model::ids::Name;
use certus_model::{Sha256, canonical_json};
use certus_signing::{Envelope, KeySet, PublicKey, SigningKey, Statement, Subject};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::error::Error;

/// The predicate's type.
pub const PREDICATE_TYPE: &str = "https://certus.dev/attestation/waiver/v1";
/// How far the clocks of reviewers and of Trust may be apart.
const CLOCKS: Duration = Duration::minutes(5);
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
    signer: Sha256,
    digest: Sha256,
    expires_at: OffsetDateTime,
}

impl WaiverTerms {
    /// Whether it is good for `days` at most, from a signing that is not still to come.
    ///
    /// # Errors
    /// Why not, in one sentence.
    pub(crate) fn assert_length(&self, days: u16, now: OffsetDateTime) -> Result<(), String> {
        let (from, until) = (time("signed_at", &self.signed_at)?, time("expires_at", &self.expires_at)?);
        if from > now + CLOCKS {
            return Err(format!("it was signed at {}, which is still to come", self.signed_at));
        }
        match until - from <= Duration::days(days.into()) {
            true => Ok(()),
            false => Err(format!("it is good until {}, longer than the {days} days of the policy", self.expires_at)),
        }
    }

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
        let (waiver, signer) = Self::signed_by(bytes, reviewers.iter().map(|(_, key)| key))?;
        let reviewer = reviewers.iter().find(|(_, key)| key.key_id() == signer);
        match reviewer.is_some_and(|(name, _)| *name == waiver.terms.reviewer) {
            true => Ok(waiver),
            false => Err(format!("it is not signed with the key of `{}`, whom it names", waiver.terms.reviewer)),
        }
    }

    /// Opens a waiver that one of `keys` has signed, whomever it names; with the id of that key.
    ///
    /// # Errors
    /// Why it does not count, in one sentence.
    pub fn signed_by<'a>(
        bytes: &[u8],
        keys: impl IntoIterator<Item = &'a PublicKey>,
    ) -> Result<(Self, Sha256), String> {
        let keys = KeySet::from_iter(keys.into_iter().cloned());
        let payload = Envelope::parse(bytes).and_then(|envelope| envelope.verify(&keys));
        let payload = payload.map_err(|error| error.to_string())?;
        let statement = Statement::<WaiverTerms>::open(&payload, PREDICATE_TYPE).map_err(|error| error.to_string())?;
        let terms = statement.predicate().clone();
        let [subject] = statement.subjects() else { return Err("it is not about one finding".to_owned()) };
        if subject.name() != terms.fingerprint || subject.sha256() != terms.content {
            return Err("it says something else than its statement is about".to_owned());
        }
        if terms.reason.trim().is_empty() {
            return Err("it gives no reason".to_owned());
        }
        let expires_at = time("expires_at", &terms.expires_at)?;
        let signer = payload.key_id();
        Ok((Self { terms, signer, digest: Sha256::of(bytes), expires_at }, signer))
    }

    /// The key that signed it.
    pub fn signer(&self) -> Sha256 {
        self.signer
    }

    /// Whether it still counts.
    pub fn counts(&self, now: OffsetDateTime) -> bool {
        now < self.expires_at
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
        self.terms.fingerprint == fingerprint && self.terms.content == content && self.counts(now)
    }
}

fn time(name: &str, text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| format!("its {name} is no time such as 2027-01-31T00:00:00Z"))
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

/// Every waiver of a folder, each good for `days` at most. One that does not count is an error: a reviewer believes that
/// it does.
pub(crate) fn read_all(
    folder: &Path,
    reviewers: &[(Name, PublicKey)],
    days: Option<u16>,
) -> Result<Vec<Waiver>, Error> {
    let now = OffsetDateTime::now_utc();
    let mut waivers = Vec::new();
    for path in crate::files::list(folder, ENDING)? {
        let text = crate::files::read(&path)?;
        let opened = Waiver::open(text.as_bytes(), reviewers).and_then(|waiver| {
            days.map_or(Ok(()), |days| waiver.terms.assert_length(days, now))?;
            Ok(waiver)
        });
        waivers.push(opened.map_err(|why| Error::Policy { path: path.display().to_string(), why })?);
    }
    Ok(waivers)
}
