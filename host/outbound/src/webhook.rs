//! Messages to receivers that clients name, signed by the specification Standard Webhooks 1.0
//! (github.com/standard-webhooks/standard-webhooks, `spec/standard-webhooks.md`).

mod deliver;
mod secret;
mod verify;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::error::{Error, shown};

pub use deliver::Delivered;
pub(crate) use deliver::retry_after;
pub use secret::WebhookSecret;
pub use verify::verify;

/// Name of the header with the message's id.
pub const WEBHOOK_ID: &str = "webhook-id";
/// Name of the header with the time of the attempt, in seconds since 1970.
pub const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";
/// Name of the header with the signatures.
pub const WEBHOOK_SIGNATURE: &str = "webhook-signature";

/// What says which signatures these are: HMAC-SHA256.
const VERSION: &str = "v1,";

/// The id of a message: the same in every attempt, so that a receiver takes it once. Letters, digits, `_` and
/// `-`, at most 64; a dot would blur where the id ends in what is signed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookId(String);

impl WebhookId {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WebhookId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if text.is_empty() || text.len() > 64 || !plain {
            return Err(Error::BadWebhookId { given: shown(text) });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One attempt to tell a receiver something.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Which message it is.
    pub id: &'a WebhookId,
    /// When this attempt is made, in seconds since 1970.
    pub timestamp: i64,
    /// What is told, as JSON.
    pub body: &'a [u8],
}

/// The three headers of `message`, names and values. Each secret adds a signature, so that a receiver that
/// knows only the old or only the new one of a rotation believes it.
pub fn sign(message: &Message<'_>, secrets: &[WebhookSecret]) -> [(&'static str, String); 3] {
    let signatures: Vec<_> = secrets
        .iter()
        .map(|secret| {
            let made = mac(secret, message.id.as_str(), message.timestamp, message.body).finalize();
            format!("{VERSION}{}", STANDARD.encode(made.into_bytes()))
        })
        .collect();
    [
        (WEBHOOK_ID, message.id.to_string()),
        (WEBHOOK_TIMESTAMP, message.timestamp.to_string()),
        (WEBHOOK_SIGNATURE, signatures.join(" ")),
    ]
}

/// The code over `id.timestamp.body`.
fn mac(secret: &WebhookSecret, id: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("HMAC takes keys of every length");
    mac.update(id.as_bytes());
    mac.update(format!(".{timestamp}.").as_bytes());
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests;
