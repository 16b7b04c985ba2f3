//! Trust's permission to publish exactly these bytes at exactly that place.

use certus_model::ids::{ScanId, TenantId};
use certus_model::{Sha256, Tier};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{Envelope, Error, KeySet, SigningKey, Statement, Subject};

/// The predicate's type.
pub const PREDICATE_TYPE: &str = "https://certus.dev/attestation/permit/v1";
/// How far the clocks of Trust and of whoever publishes may differ. It makes a permit good earlier, and never later.
const LEEWAY: time::Duration = time::Duration::seconds(30);

/// What is permitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermitTerms {
    /// Names this permission, and no other that ever was: a UUID. It is used once.
    pub permit_id: String,
    /// Whose scan it is.
    pub tenant_id: TenantId,
    /// Which scan.
    pub scan_id: ScanId,
    /// How much what is published may be trusted with.
    pub tier: Tier,
    /// SHA-256 of `index.json`.
    pub index_digest: Sha256,
    /// Every file that may be published, sorted by path; the index is one of them.
    pub files: Vec<PermittedFile>,
    /// Where: what [`Permit::open`]'s caller calls its destination, compared as text.
    pub destination: String,
    /// When it was given: RFC 3339, in UTC, whole seconds.
    pub issued_at: String,
    /// From when on it is void.
    pub expires_at: String,
}

/// A file that may be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermittedFile {
    /// Its path inside the bundle.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size: u64,
}

/// A permission that somebody known has signed and that has not run out. It comes from [`Permit::open`] alone and
/// cannot be copied: whoever publishes needs one, and takes it away.
#[derive(Debug)]
pub struct Permit {
    terms: PermitTerms,
    envelope: Envelope,
    key_id: Sha256,
    expires_at: OffsetDateTime,
}

impl PermitTerms {
    /// Signs them.
    ///
    /// # Errors
    /// A signer that fails.
    pub fn sign(&self, key: &SigningKey) -> Result<Envelope, Error> {
        let subjects = self.files.iter().map(|file| Subject::new(&file.path, file.sha256)).collect();
        Statement::new(subjects, PREDICATE_TYPE, self.clone()).sign(key)
    }
}

impl Permit {
    /// Opens a permission: checks who signed it, that it says one thing throughout, and that `now` lies within its
    /// time.
    ///
    /// # Errors
    /// A signer that is not in `anchor`, another form, a permission that has run out or is not valid yet.
    pub fn open(envelope: Envelope, anchor: &KeySet, now: OffsetDateTime) -> Result<Self, Error> {
        let payload = envelope.verify(anchor)?;
        let statement = Statement::<PermitTerms>::open(&payload, PREDICATE_TYPE)?;
        let terms = statement.predicate().clone();
        let malformed = |why: &str| Error::MalformedPermit(why.to_owned());
        let files = terms.files.iter().map(|file| (&*file.path, file.sha256));
        if !files.eq(statement.subjects().iter().map(|subject| (subject.name(), subject.sha256()))) {
            return Err(malformed("names other files than its statement is about"));
        }
        let time =
            |text: &str| OffsetDateTime::parse(text, &Rfc3339).map_err(|_| malformed("holds a time that is none"));
        let (issued_at, expires_at) = (time(&terms.issued_at)?, time(&terms.expires_at)?);
        if now + LEEWAY < issued_at {
            return Err(Error::PermitNotYet { issued_at: terms.issued_at });
        }
        if now >= expires_at {
            return Err(Error::PermitExpired { expires_at: terms.expires_at });
        }
        Ok(Self { terms, envelope, key_id: payload.key_id(), expires_at })
    }

    /// What is permitted.
    pub fn terms(&self) -> &PermitTerms {
        &self.terms
    }

    /// The signed form, as it is published.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Whose signature it carries.
    pub fn key_id(&self) -> Sha256 {
        self.key_id
    }

    /// From when on it is void.
    pub fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

/// A time as permits write it, in whole seconds.
pub fn rfc3339(time: OffsetDateTime) -> String {
    let whole = time.to_offset(time::UtcOffset::UTC).replace_nanosecond(0).unwrap_or(time);
    // It fails for years beyond 9999 alone.
    whole.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use certus_model::canonical_json;

    const NOW: i64 = 1_800_000_000;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    fn terms() -> PermitTerms {
        let file = |path: &str| PermittedFile { path: path.to_owned(), sha256: Sha256::of(path.as_bytes()), size: 3 };
        PermitTerms {
            permit_id: "0190d2f1-0000-7000-8000-000000000000".to_owned(),
            tenant_id: "default".parse().unwrap(),
            scan_id: "test_0123456789ab".parse().unwrap(),
            tier: Tier::Verified,
            index_digest: Sha256::of(b"index.json"),
            files: vec![file("index.json"), file("scan.json")],
            destination: "folder".to_owned(),
            issued_at: rfc3339(at(NOW)),
            expires_at: rfc3339(at(NOW + 600)),
        }
    }

    #[test]
    fn case_130_a_permit_is_good_for_its_time_alone() {
        let key = SigningKey::generate().unwrap();
        let anchor = KeySet::from_iter([key.public().clone()]);
        let open = |now| Permit::open(terms().sign(&key).unwrap(), &anchor, at(now));
        assert_eq!(open(NOW + 599).unwrap().terms(), &terms());
        let late = open(NOW + 600).unwrap_err();
        assert!(matches!(&late, Error::PermitExpired { expires_at } if *expires_at == terms().expires_at), "{late}");
        assert!(open(NOW - 30).is_ok(), "clocks of two machines differ");
        assert!(matches!(open(NOW - 31).unwrap_err(), Error::PermitNotYet { .. }), "a clock that was set back");
    }

    #[test]
    fn only_a_known_signer_permits_and_only_what_the_statement_is_about() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let anchor = KeySet::from_iter([key.public().clone()]);
        let error = Permit::open(terms().sign(&other).unwrap(), &anchor, at(NOW)).unwrap_err();
        assert!(matches!(error, Error::UnknownSigner(_)), "{error}");
        let fewer =
            Statement::new(vec![Subject::new("index.json", Sha256::of(b"index.json"))], PREDICATE_TYPE, terms());
        let error = Permit::open(fewer.sign(&key).unwrap(), &anchor, at(NOW)).unwrap_err();
        assert!(matches!(error, Error::MalformedPermit(_)), "{error}");
        let scan = Statement::new(Vec::new(), "https://certus.dev/attestation/scan/v1", terms());
        assert!(Permit::open(scan.sign(&key).unwrap(), &anchor, at(NOW)).is_err(), "another kind of statement");
        assert!(!canonical_json(&terms()).unwrap().is_empty());
    }
}
