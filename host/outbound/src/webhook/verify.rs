use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac as _;

use super::{VERSION, WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP, WebhookId, WebhookSecret, mac};
use crate::error::Error;

/// How many signatures a message may carry. Each costs a pass over its body for each secret.
const MOST: usize = 8;

/// What a receiver does: believes `body` if one of its signatures is of one of `secrets`, and its time is no
/// further from `now` (seconds since 1970) than `tolerance`; five minutes are usual. Names of headers are
/// compared without case.
///
/// The id that comes of it is genuine. A message that is sent again is too, so a receiver keeps the ids of the
/// last `tolerance`, and drops what it has had.
///
/// # Errors
/// [`Error::NotGenuine`], without a word on which secret or signature it was.
pub fn verify<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    body: &[u8],
    secrets: &[WebhookSecret],
    now: i64,
    tolerance: Duration,
) -> Result<WebhookId, Error> {
    let refused = |problem| Error::NotGenuine { problem };
    let (mut id, mut timestamp, mut signatures) = (None, None, None);
    for (name, value) in headers {
        let slot = match () {
            () if name.eq_ignore_ascii_case(WEBHOOK_ID) => &mut id,
            () if name.eq_ignore_ascii_case(WEBHOOK_TIMESTAMP) => &mut timestamp,
            () if name.eq_ignore_ascii_case(WEBHOOK_SIGNATURE) => &mut signatures,
            () => continue,
        };
        if slot.replace(value).is_some() {
            return Err(refused("has one of its headers twice"));
        }
    }
    let (Some(id), Some(timestamp), Some(signatures)) = (id, timestamp, signatures) else {
        return Err(refused("lacks one of its headers"));
    };
    let id: WebhookId = id.parse().map_err(|_| refused("has no proper id"))?;
    let timestamp: i64 = timestamp.parse().map_err(|_| refused("has no proper time"))?;
    if now.abs_diff(timestamp) > tolerance.as_secs() {
        return Err(refused("is too old, or of a clock that is ahead"));
    }
    let given = signatures.split(' ').filter_map(|signature| signature.strip_prefix(VERSION)).take(MOST);
    for signature in given.filter_map(|encoded| STANDARD.decode(encoded).ok()) {
        // The comparison takes the same time wherever the two differ.
        if secrets.iter().any(|secret| mac(secret, id.as_str(), timestamp, body).verify_slice(&signature).is_ok()) {
            return Ok(id);
        }
    }
    Err(refused("is not signed with a secret that is known here"))
}
