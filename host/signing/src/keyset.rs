//! The keys that a verifier accepts.

use std::collections::{BTreeMap, BTreeSet};

use certus_model::Sha256;
use time::OffsetDateTime;

use crate::key::validity::Validity;
use crate::{Error, LogVerifier, PublicKey};

/// Public keys by id: when each of them counts, and which of them are development keys. And the transparency logs
/// that are believed, their witnesses included.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: BTreeMap<Sha256, Known>,
    logs: Vec<LogVerifier>,
    anchors: BTreeSet<Sha256>,
}

#[derive(Clone, Debug)]
struct Known {
    key: PublicKey,
    development: bool,
    validity: Validity,
}

impl KeySet {
    /// Adds a key. What is known of it already stays known.
    pub fn insert(&mut self, key: PublicKey) {
        self.known(key);
    }

    /// Adds a key that is known to have been made without anybody's decision. It stays one, however
    /// often it is added otherwise.
    pub fn insert_development(&mut self, key: PublicKey) {
        self.known(key).development = true;
    }

    /// Adds a key that counts within `validity` alone. It takes the place of what was known of its times.
    pub fn insert_valid(&mut self, key: PublicKey, validity: Validity) {
        self.known(key).validity = validity;
    }

    /// Adds a transparency log, or a witness of one.
    pub fn insert_log(&mut self, log: LogVerifier) {
        self.logs.push(log);
    }

    /// Lets permits and verdicts of this key count, and of no other that is not named so too.
    pub fn insert_anchor(&mut self, key: PublicKey, validity: Validity) {
        self.anchors.insert(key.key_id());
        self.insert_valid(key, validity);
    }

    /// Whether permits and verdicts of the key with that id count: where no anchor is named, those of every known key.
    pub fn is_anchor(&self, id: &Sha256) -> bool {
        if self.anchors.is_empty() { self.keys.contains_key(id) } else { self.anchors.contains(id) }
    }

    /// The transparency logs that are believed, and their witnesses.
    pub fn logs(&self) -> &[LogVerifier] {
        &self.logs
    }

    /// The key with that id.
    pub fn get(&self, id: &Sha256) -> Option<&PublicKey> {
        self.keys.get(id).map(|known| &known.key)
    }

    /// When the key with that id counts.
    pub fn validity(&self, id: &Sha256) -> Option<&Validity> {
        self.keys.get(id).map(|known| &known.validity)
    }

    /// Whether the key with that id is known to be a development key.
    pub fn is_development(&self, id: &Sha256) -> bool {
        self.keys.get(id).is_some_and(|known| known.development)
    }

    /// Whether what the key with that id signed at `time` counts: for callers who know when something was signed
    /// from somebody other than the signer.
    ///
    /// # Errors
    /// An unknown key, or one that was not valid yet, had run out or had been revoked at that time.
    pub fn good_at(&self, id: &Sha256, time: OffsetDateTime) -> Result<(), Error> {
        self.validity(id).ok_or(Error::UnknownSigner(*id))?.check(id, time)
    }

    /// Every key.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.values().map(|known| &known.key)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none, so that nothing can verify.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn known(&mut self, key: PublicKey) -> &mut Known {
        let known = |key| Known { key, development: false, validity: Validity::default() };
        self.keys.entry(key.key_id()).or_insert_with(|| known(key))
    }
}

impl FromIterator<PublicKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        let mut set = Self::default();
        keys.into_iter().for_each(|key| set.insert(key));
        set
    }
}
