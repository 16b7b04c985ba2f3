//! Whose signatures still count.

use certus_model::Sha256;
use certus_signing::KeySet;
use certus_store::{Revocable, Revocation};
use time::OffsetDateTime;

use super::Trust;
use crate::error::Error;

/// The keys that are known, and what is no longer trusted.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) keys: KeySet,
    pub(super) revoked: Vec<Revocation>,
}

impl Standing {
    /// Why what a key signed at `time` does not count any more, in one sentence; none where it does. A revocation that
    /// Trust was told of takes everything that the key ever signed, one of the key folder what it signed since.
    pub(super) fn revoked(&self, key: Sha256, time: OffsetDateTime) -> Option<String> {
        let told = |revocation: &&Revocation| revocation.kind == Revocable::Signer && revocation.digest == key;
        if let Some(revocation) = self.revoked.iter().find(told) {
            return Some(format!("the key {key} was revoked: {}", revocation.reason));
        }
        match self.keys.good_at(&key, time) {
            Err(error @ certus_signing::Error::KeyRevoked { .. }) => Some(error.to_string()),
            _ => None,
        }
    }
}

impl Trust {
    /// That Trust's own key was not revoked: nobody rests on what it would sign.
    ///
    /// # Errors
    /// [`Error::OwnKeyRevoked`], or a database that fails.
    pub async fn assert_own_key(&self) -> Result<(), Error> {
        self.assert_own(&Standing { keys: self.keys()?, revoked: self.store.revocations().await? })
    }

    pub(super) fn assert_own(&self, standing: &Standing) -> Result<(), Error> {
        match standing.revoked(self.key.public().key_id(), OffsetDateTime::now_utc()) {
            None => Ok(()),
            Some(why) => Err(Error::OwnKeyRevoked(why)),
        }
    }
}
