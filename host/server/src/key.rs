//! API keys: `certus_ID_SECRET`. The id may be shown; of the secret only the digest is kept.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use certus_model::{Scope, Sha256};
use certus_store::NewKey;
use subtle::ConstantTimeEq as _;

use crate::entropy;
use crate::error::Error;
use crate::time::now;

/// A key as a client sends it. It prints without its secret; [`Key::reveal`] is the one way to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    id: String,
    secret: String,
}

/// What a key is to be.
#[derive(Clone, Debug)]
pub struct KeyRequest {
    /// Who sends it: a user's id.
    pub user: String,
    /// For people.
    pub name: String,
    /// What it may be used for.
    pub scope: Scope,
    /// How long it opens anything.
    pub lifetime: Duration,
}

/// The text is no key. It is not repeated, for it may hold a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is no API key; it is `certus_`, 12 hex digits, `_` and 64 hex digits")]
pub struct BadKey;

const PREFIX: &str = "certus_";
const ID_LEN: usize = 12;
const SECRET_LEN: usize = 64;

/// Draws a key: what is shown once, and what is kept.
///
/// # Errors
/// A system without random numbers.
pub fn new_key(request: KeyRequest) -> Result<(Key, NewKey), Error> {
    let key = Key { id: hex::encode(entropy::bytes::<6>()?), secret: hex::encode(entropy::bytes::<32>()?) };
    let lifetime = i64::try_from(request.lifetime.as_millis()).unwrap_or(i64::MAX / 2);
    let new = NewKey {
        id: key.id.clone(),
        user: request.user,
        name: request.name,
        scope: request.scope,
        secret: key.digest(),
        expires_at: now().saturating_add(lifetime),
    };
    Ok((key, new))
}

impl Key {
    /// The part of it that may be shown.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// All of it, to be shown once.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, self.secret)
    }

    /// SHA-256 of the secret. The secret has 256 random bits, so that no slower function is needed.
    pub fn digest(&self) -> Sha256 {
        Sha256::of(self.secret.as_bytes())
    }

    /// Whether its secret is the one with this digest; it takes the same time whatever the answer.
    pub(crate) fn opens(&self, digest: &Sha256) -> bool {
        self.digest().as_bytes().ct_eq(digest.as_bytes()).into()
    }
}

impl FromStr for Key {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let (id, secret) = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(BadKey)?;
        let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if id.len() != ID_LEN || secret.len() != SECRET_LEN || !is_hex(id) || !is_hex(secret) {
            return Err(BadKey);
        }
        Ok(Self { id: id.to_owned(), secret: secret.to_owned() })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_…", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_print_without_their_secret() {
        let request =
            KeyRequest { user: "u".into(), name: "ci".into(), scope: Scope::Read, lifetime: Duration::from_secs(60) };
        let (key, kept) = new_key(request).unwrap();
        let again: Key = key.reveal().parse().unwrap();
        assert_eq!(again, key);
        assert!(again.opens(&kept.secret) && !again.opens(&Sha256::of(b"")));
        assert!(!format!("{key:?}").contains(&key.secret));
        for bad in ["", "certus_", "certus_1_2", &key.reveal().to_uppercase(), &format!("{}0", key.reveal())] {
            assert_eq!(bad.parse::<Key>(), Err(BadKey), "{bad}");
        }
    }
}
