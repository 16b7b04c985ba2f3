//! Secrets that the database keeps: sealed with the operator's master key, each bound to what it is for.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certus_model::Sha256;

use crate::error::Error;

/// The master key: base64 of 32 bytes. While it is changed, the old ones stand after the new one, with spaces
/// between them: the first seals, all of them open. It cannot be printed.
#[derive(Clone)]
pub struct MasterKey(Vec<(String, [u8; 32])>);

/// How sealed texts begin.
const VERSION: &str = "v1";

/// Names a key without telling it.
fn id(key: &[u8; 32]) -> String {
    Sha256::of(&[b"certus master key".as_slice(), key].concat()).to_string()[..8].to_owned()
}

impl FromStr for MasterKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let one = |word: &str| {
            let key: [u8; 32] = STANDARD.decode(word).ok()?.try_into().ok()?;
            Some((id(&key), key))
        };
        let keys = text.split_ascii_whitespace().map(one).collect::<Option<Vec<_>>>();
        keys.filter(|keys| !keys.is_empty()).map(Self).ok_or(Error::MasterKey)
    }
}

impl MasterKey {
    /// Seals `secret` for `purpose`, which has to be the same when it is opened.
    ///
    /// # Errors
    /// A system without random numbers.
    pub fn seal(&self, purpose: &str, secret: &[u8]) -> Result<String, Error> {
        let (id, key) = self.0.first().ok_or(Error::MasterKey)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| Error::Sealed)?;
        let mut sealed = secret.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(purpose), &mut sealed).map_err(|_| Error::Sealed)?;
        let text = STANDARD.encode([nonce.as_ref().as_slice(), &sealed].concat());
        Ok(format!("{VERSION}.{id}.{text}"))
    }

    /// Opens what was sealed for `purpose`.
    ///
    /// # Errors
    /// [`Error::Sealed`] for what another key sealed, for another purpose, or what was changed.
    pub fn open(&self, purpose: &str, sealed: &str) -> Result<Vec<u8>, Error> {
        let open = || {
            let (id, text) = sealed.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')?;
            let (_, key) = self.0.iter().find(|(known, _)| known == id)?;
            let bytes = STANDARD.decode(text).ok()?;
            let (nonce, content) = bytes.split_at_checked(NONCE_LEN)?;
            let key = RandomizedNonceKey::new(&AES_256_GCM, key).ok()?;
            let mut content = content.to_vec();
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            Some(key.open_in_place(nonce, Aad::from(purpose), &mut content).ok()?.to_vec())
        };
        open().ok_or(Error::Sealed)
    }

    /// Whether `sealed` was sealed with an old key, and should be sealed anew.
    pub fn is_stale(&self, sealed: &str) -> bool {
        let newest = self.0.first().map(|(id, _)| format!("{VERSION}.{id}."));
        !newest.is_some_and(|prefix| sealed.starts_with(&prefix))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> String {
        STANDARD.encode([byte; 32])
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_alone() {
        let one: MasterKey = key(1).parse().unwrap();
        let sealed = one.seal("git acme ci", b"s3cret").unwrap();
        assert_eq!(one.open("git acme ci", &sealed).unwrap(), b"s3cret");
        assert_ne!(one.seal("git acme ci", b"s3cret").unwrap(), sealed, "no nonce is used twice");
        for (purpose, sealed) in [
            ("git other ci", sealed.clone()),
            ("git acme ci", sealed.replace("v1.", "v2.")),
            ("git acme ci", format!("{}A", &sealed[..sealed.len() - 1])),
            ("git acme ci", sealed[..20].to_owned()),
            ("git acme ci", String::new()),
        ] {
            assert!(matches!(one.open(purpose, &sealed), Err(Error::Sealed)), "{purpose} {sealed}");
        }
    }

    #[test]
    fn old_keys_open_and_the_new_one_seals() {
        let old: MasterKey = key(1).parse().unwrap();
        let sealed = old.seal("x", b"s").unwrap();
        let both: MasterKey = format!("{} {}", key(2), key(1)).parse().unwrap();
        assert_eq!(both.open("x", &sealed).unwrap(), b"s");
        assert!(both.is_stale(&sealed) && !both.is_stale(&both.seal("x", b"s").unwrap()));
        let new: MasterKey = key(2).parse().unwrap();
        assert!(new.open("x", &sealed).is_err());
    }

    #[test]
    fn a_key_has_32_bytes_and_is_never_shown() {
        for bad in ["", "   ", "c2hvcnQ=", "not base64!", &format!("{} x", key(1))] {
            let error = bad.parse::<MasterKey>().unwrap_err().to_string();
            assert!(error.contains("32 bytes") && !error.contains("c2hvcnQ"), "{error}");
        }
        assert_eq!(format!("{:?}", key(1).parse::<MasterKey>().unwrap()), "MasterKey(redacted)");
    }
}
