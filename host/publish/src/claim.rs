//! `claim.json`: who publishes a scan. Two permits for one scan bring different documents, which must not mix.

use std::io::Read as _;

use certus_model::{Sha256, canonical_json};
use certus_signing::PermitTerms;
use certus_store::{Content, Meta, Objects, Over};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::destination::Destination;
use crate::error::Error;

/// Largest claim that is read, in bytes.
const CLAIM: u64 = 4096;

/// The permit by which a scan is published. While it is valid no other is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claim {
    permit_id: String,
    expires_at: String,
}

impl Claim {
    pub(crate) fn of(terms: &PermitTerms) -> Self {
        Self { permit_id: terms.permit_id.clone(), expires_at: terms.expires_at.clone() }
    }

    /// Takes the scan, from a permit that has run out too.
    ///
    /// # Errors
    /// [`Error::Busy`] while another permit has it, a store that fails.
    pub(crate) async fn take(&self, terms: &PermitTerms, to: &Destination, now: OffsetDateTime) -> Result<(), Error> {
        let key = Destination::claim_key(&terms.scan_id);
        let over = match to.raw.open(&key).await {
            Err(certus_store::Error::Gone { .. }) => Over::Nothing,
            opened => match Self::read(opened?) {
                Some(other) if other.permit_id != self.permit_id && other.is_valid(now) => {
                    return Err(Error::Busy { scan: terms.scan_id.clone(), until: other.expires_at });
                }
                _ => Over::Anything,
            },
        };
        self.keep(terms, &*to.raw, over).await.map_err(|error| match error {
            Error::Store(certus_store::Error::Taken { .. }) => {
                Error::Busy { scan: terms.scan_id.clone(), until: self.expires_at.clone() }
            }
            error => error,
        })
    }

    /// Sees that nobody else has taken the scan meanwhile.
    ///
    /// # Errors
    /// [`Error::Overtaken`] if somebody has, a store that fails.
    pub(crate) async fn hold(&self, terms: &PermitTerms, to: &Destination) -> Result<(), Error> {
        self.keep(terms, &*to.raw, Over::Nothing).await.map_err(|error| match error {
            Error::Store(certus_store::Error::Taken { .. }) => Error::Overtaken { scan: terms.scan_id.clone() },
            error => error,
        })
    }

    /// Leaves the scan to whoever comes next, if nobody has it yet. What stays behind ends by itself.
    pub(crate) async fn give_up(&self, terms: &PermitTerms, to: &Destination) {
        let key = Destination::claim_key(&terms.scan_id);
        let is_ours = match to.raw.open(&key).await {
            Ok(file) => Self::read(file).as_ref() == Some(self),
            Err(_) => false,
        };
        if is_ours && let Err(error) = to.raw.remove(&key).await {
            tracing::warn!(scan_id = %terms.scan_id, %error, "a claim could not be given up; it ends with its permit");
        }
    }

    async fn keep(&self, terms: &PermitTerms, raw: &dyn Objects, over: Over) -> Result<(), Error> {
        let bytes = canonical_json(self)?;
        let meta = Meta::new(Sha256::of(&bytes), bytes.len() as u64, "application/json", &terms.issued_at);
        let meta = meta.field("test_id", terms.scan_id.as_str());
        Ok(raw.keep(&Destination::claim_key(&terms.scan_id), Content::Bytes(&bytes), &meta, over).await?)
    }

    /// None for what was cut on its way: nobody holds by that.
    fn read(file: std::fs::File) -> Option<Self> {
        let mut bytes = Vec::new();
        file.take(CLAIM).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn is_valid(&self, now: OffsetDateTime) -> bool {
        OffsetDateTime::parse(&self.expires_at, &Rfc3339).is_ok_and(|expires_at| now < expires_at)
    }
}
