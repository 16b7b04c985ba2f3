//! The keys that a verifier accepts.

use std::collections::BTreeMap;

use certus_model::Sha256;

use crate::PublicKey;

/// Public keys by id, and which of them are development keys.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: BTreeMap<Sha256, (PublicKey, bool)>,
}

impl KeySet {
    /// Adds a key.
    pub fn insert(&mut self, key: PublicKey) {
        self.keys.entry(key.key_id()).or_insert((key, false));
    }

    /// Adds a key that is known to have been made without anybody's decision. It stays one, however
    /// often it is added otherwise.
    pub fn insert_development(&mut self, key: PublicKey) {
        self.keys.insert(key.key_id(), (key, true));
    }

    /// The key with that id.
    pub fn get(&self, id: &Sha256) -> Option<&PublicKey> {
        self.keys.get(id).map(|(key, _)| key)
    }

    /// Whether the key with that id is known to be a development key.
    pub fn is_development(&self, id: &Sha256) -> bool {
        self.keys.get(id).is_some_and(|(_, development)| *development)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none, so that nothing can verify.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl FromIterator<PublicKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        let mut set = Self::default();
        keys.into_iter().for_each(|key| set.insert(key));
        set
    }
}
