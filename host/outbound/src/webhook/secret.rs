use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;

/// How a secret begins where it is written.
const PREFIX: &str = "whsec_";

/// The secret that sender and receiver share: 24 to 64 bytes, written `whsec_` and Base64. It cannot be
/// printed.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    /// A secret of these bytes, which the caller has drawn at random.
    ///
    /// # Errors
    /// [`Error::BadWebhookSecret`] for fewer than 24 or more than 64.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        if !(24..=64).contains(&bytes.len()) {
            return Err(Error::BadWebhookSecret);
        }
        Ok(Self(bytes.to_vec()))
    }

    /// As it is written: for the one who is to receive, and for storage that is sealed.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for WebhookSecret {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let encoded = text.strip_prefix(PREFIX).ok_or(Error::BadWebhookSecret)?;
        Self::from_bytes(&STANDARD.decode(encoded).map_err(|_| Error::BadWebhookSecret)?)
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(redacted)")
    }
}
