use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};

use super::{Message, WebhookSecret, sign};
use crate::client::client;
use crate::error::Error;
use crate::fetch::{in_time, silent};
use crate::guard::{Guard, Pinned};
use crate::url::RemoteUrl;

/// Longest time that a receiver can ask for.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What a receiver has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It has taken the message.
    Accepted,
    /// It wants no more messages at all (410): its address is to be turned off.
    Gone,
    /// It cannot now (429, 5xx): to be tried again.
    Later {
        /// The status.
        status: u16,
        /// How long it asks to be left alone; at most a day.
        after: Option<Duration>,
    },
    /// It does not want it, or leads elsewhere: every other status, redirects included.
    Failed {
        /// The status.
        status: u16,
    },
}

impl Guard {
    /// Posts `message` to `url`, pinned, signed with every one of `secrets`, within `within` of the lookup's
    /// end. No redirect is followed, and what the receiver writes is not read.
    ///
    /// # Errors
    /// As [`Guard::pin`]; [`Error::NoAnswer`] and [`Error::TimedOut`] by what the other side does.
    pub async fn deliver(
        &self,
        url: &RemoteUrl,
        message: &Message<'_>,
        secrets: &[WebhookSecret],
        within: Duration,
    ) -> Result<Delivered, Error> {
        let pinned = self.pin_async(url).await?;
        in_time(url.as_str(), within, post(url, &pinned, message, secrets)).await
    }
}

async fn post(
    url: &RemoteUrl,
    pinned: &Pinned,
    message: &Message<'_>,
    secrets: &[WebhookSecret],
) -> Result<Delivered, Error> {
    let client = client(pinned).map_err(|cause| Error::Host { url: url.to_string(), cause: cause.into() })?;
    let mut request = client.post(url.as_str()).header(CONTENT_TYPE, "application/json");
    for (name, value) in sign(message, secrets) {
        request = request.header(name, value);
    }
    let response = request.body(message.body.to_vec()).send().await.map_err(|cause| silent(url.as_str(), cause))?;
    Ok(match response.status().as_u16() {
        200..=299 => Delivered::Accepted,
        410 => Delivered::Gone,
        status @ (429 | 500..=599) => {
            Delivered::Later { status, after: retry_after(response.headers(), SystemTime::now()) }
        }
        status => Delivered::Failed { status },
    })
}

/// How long the other side asks to be left alone, in seconds or until a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = rfc2822::parse(text).ok()?.timestamp();
            let now = Timestamp::try_from(now).ok()?;
            Duration::try_from(date.duration_since(now)).unwrap_or_default()
        }
    };
    Some(asked.min(LONGEST))
}
