//! Small things from the network: manifests and their signatures.

use std::time::Duration;

use reqwest::{Response, StatusCode};

use crate::client::client;
use crate::error::Error;
use crate::guard::{Guard, Pinned};
use crate::url::RemoteUrl;

impl Guard {
    /// Pins the host of `url` and fetches what lies there: at most `limit` bytes, within `within` of the
    /// lookup's end, from the pinned addresses or through the operator's proxy, over `https`, without
    /// redirects or cookies.
    ///
    /// It blocks, so it belongs on a thread where that is no harm, never in a task.
    ///
    /// # Errors
    /// As [`Guard::pin`]; [`Error::NoAnswer`], [`Error::Status`], [`Error::TooLarge`] and
    /// [`Error::TimedOut`] by what the other side does.
    pub fn fetch(&self, url: &RemoteUrl, limit: usize, within: Duration) -> Result<Vec<u8>, Error> {
        let pinned = self.pin(url)?;
        blocking(url.as_str(), async { in_time(url.as_str(), within, get(url, &pinned, limit)).await })
    }

    /// [`Guard::fetch`] from a task.
    ///
    /// # Errors
    /// As [`Guard::fetch`].
    pub async fn fetch_async(&self, url: &RemoteUrl, limit: usize, within: Duration) -> Result<Vec<u8>, Error> {
        let pinned = self.pin_async(url).await?;
        in_time(url.as_str(), within, get(url, &pinned, limit)).await
    }
}

/// Runs `work` to its end on this thread.
pub(crate) fn blocking<T>(url: &str, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|cause| Error::Host { url: url.to_owned(), cause: cause.into() })?.block_on(work)
}

/// Gives `work` up after `within`.
pub(crate) async fn in_time<T>(
    url: &str,
    within: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let done = tokio::time::timeout(within, work).await;
    done.unwrap_or_else(|_| Err(Error::TimedOut { url: url.to_owned(), seconds: within.as_secs() }))
}

async fn get(url: &RemoteUrl, pinned: &Pinned, limit: usize) -> Result<Vec<u8>, Error> {
    let client = client(pinned).map_err(|cause| Error::Host { url: url.to_string(), cause: cause.into() })?;
    let response = client.get(url.as_str()).send().await.map_err(|cause| silent(url.as_str(), cause))?;
    if response.status() != StatusCode::OK {
        return Err(Error::Status { url: url.to_string(), status: response.status().as_u16() });
    }
    body(url.as_str(), response, limit).await
}

/// The whole body of `response`, which is refused when it is larger than `limit`.
pub(crate) async fn body(url: &str, mut response: Response, limit: usize) -> Result<Vec<u8>, Error> {
    let too_large = || Error::TooLarge { url: url.to_owned(), limit };
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut content = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|cause| silent(url, cause))? {
        if piece.len() > limit - content.len() {
            return Err(too_large());
        }
        content.extend_from_slice(&piece);
    }
    Ok(content)
}

/// No answer, or one that broke off.
pub(crate) fn silent(url: &str, cause: reqwest::Error) -> Error {
    Error::NoAnswer { url: url.to_owned(), cause: cause.without_url().into() }
}

#[cfg(test)]
mod tests;
