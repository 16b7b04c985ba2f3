//! A certus service, as its users reach it: by their own settings rather than by an operator's policy.
//!
//! Who sits at the terminal may reach what the machine reaches, so nothing is pinned here. Still no redirect is
//! followed, so that the key goes to nobody but the service that it is for.

mod events;
mod identity;
mod problem;
mod url;

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use certus_model::escape::one_line;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Client, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncSeekExt as _;

use crate::error::Error;
use crate::fetch::{body, in_time, silent};
use crate::policy::Policy;

pub use events::Events;
pub use identity::{ApiKey, Identity};
pub use problem::Problem;
pub use url::ServerUrl;

/// Largest answer in JSON that is read, in bytes: a page of a thousand scans with all that they hold.
const ANSWER: usize = 64 << 20;
/// How long an answer in JSON may take.
const WITHIN: Duration = Duration::from_secs(60);
/// How long the other side may say nothing. A stream has a sign of life every 20 seconds.
const SILENCE: Duration = Duration::from_secs(60);
/// How long sending a file may take.
const UPLOAD: Duration = Duration::from_secs(60 * 60);

/// How a service is reached.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where it is.
    pub url: ServerUrl,
    /// What holds for everything that is reached from here: authorities that may vouch for it beside the
    /// machine's, the proxy before it unless `allow` names it, and whether nothing else is reached at all.
    pub policy: Policy,
    /// What shows who asks, where the service wants a certificate.
    pub identity: Option<Identity>,
    /// What shows who asks, where the service wants a key.
    pub key: Option<ApiKey>,
}

/// A certus service. What is asked with `get` or under an idempotency key is asked again, four times at most, when
/// nobody answers or the service cannot now.
#[derive(Clone, Debug)]
pub struct Server {
    url: ServerUrl,
    client: Client,
}

impl Server {
    /// The service that `settings` name. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Offline`] for a service that may not be reached; [`Error::Host`] when no client can be made of them.
    pub fn new(settings: ServerSettings) -> Result<Self, Error> {
        let ServerSettings { url, policy, identity, key } = settings;
        let direct = url.is_loopback() || policy.names(&url.place());
        if policy.offline && !direct {
            return Err(Error::Offline { host: url.to_string() });
        }
        let host = |cause: reqwest::Error| Error::Host { url: url.to_string(), cause: cause.into() };
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            headers.insert(AUTHORIZATION, key.header());
        }
        let mut builder = Client::builder()
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(Duration::from_secs(10))
            .tcp_keepalive(Duration::from_secs(20))
            .https_only(url.is_https());
        if let Some(authorities) = policy.authorities {
            builder = builder.tls_certs_merge(authorities.certificates());
        }
        if let Some(identity) = identity {
            builder = builder.identity(identity.of_client());
        }
        builder = match policy.proxy {
            Some(proxy) if !direct => builder.proxy(proxy.setting().map_err(host)?),
            _ => builder.no_proxy(),
        };
        let client = builder.build().map_err(host)?;
        Ok(Self { url, client })
    }

    /// The service's address, for messages.
    pub const fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// What lies at `path`, which begins with `/`, with these parameters.
    ///
    /// # Errors
    /// [`Error::Problem`] for what the service says no to; [`Error::NoAnswer`], [`Error::TimedOut`],
    /// [`Error::TooLarge`] and [`Error::Foreign`] for what is no answer.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Error> {
        let url = self.url.at(path, query);
        again(|| self.json(&url, self.client.get(&url))).await
    }

    /// Sends `content` as JSON. With an idempotency key it is sent again where that may help.
    ///
    /// # Errors
    /// As [`Server::get`]; [`Error::BadHeader`] for a key that HTTP cannot carry.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        content: &impl Serialize,
        idempotency_key: Option<&str>,
    ) -> Result<T, Error> {
        let url = self.url.at(path, &[]);
        let text =
            serde_json::to_vec(content).map_err(|cause| Error::Host { url: url.clone(), cause: cause.into() })?;
        let request = || self.client.post(&url).header(CONTENT_TYPE, "application/json").body(text.clone());
        let Some(key) = idempotency_key else { return self.json(&url, request()).await };
        let key = HeaderValue::from_str(key).map_err(|_| Error::BadHeader { url: url.clone() })?;
        again(|| self.json(&url, request().header("idempotency-key", key.clone()))).await
    }

    /// Sends the whole of `file` under `name`, piece by piece, as the field `file` of a form.
    ///
    /// # Errors
    /// As [`Server::get`]; [`Error::Local`] when the file cannot be read.
    pub async fn upload<T: DeserializeOwned>(&self, path: &str, file: std::fs::File, name: &str) -> Result<T, Error> {
        let url = self.url.at(path, &[]);
        let local = |cause| Error::Local { what: one_line(name, 300), cause };
        let mut file = tokio::fs::File::from_std(file);
        file.rewind().await.map_err(local)?;
        let length = file.metadata().await.map_err(local)?.len();
        let part = Part::stream_with_length(Body::from(file), length).file_name(name.to_owned());
        let request = self.client.post(&url).multipart(Form::new().part("file", part));
        in_time(&url, UPLOAD, async { read(&url, answer(&url, request).await?).await }).await
    }

    /// Writes what lies at `path` to `writer`, at most `limit` bytes, and returns how many it was. It is not asked
    /// for again: the writer would have half of it twice.
    ///
    /// # Errors
    /// As [`Server::get`]; [`Error::Local`] when it cannot be written.
    pub async fn download(&self, path: &str, writer: &mut impl std::io::Write, limit: u64) -> Result<u64, Error> {
        let url = self.url.at(path, &[]);
        let too_large = || Error::TooLarge { url: url.clone(), limit: usize::try_from(limit).unwrap_or(usize::MAX) };
        let ask = || in_time(&url, WITHIN, answer(&url, self.client.get(&url)));
        let mut response = again(ask).await?;
        let mut size = 0;
        while let Some(piece) =
            in_time(&url, SILENCE, async { response.chunk().await.map_err(|cause| silent(&url, cause)) }).await?
        {
            size += piece.len() as u64;
            if size > limit {
                return Err(too_large());
            }
            writer.write_all(&piece).map_err(|cause| Error::Local { what: url.clone(), cause })?;
        }
        Ok(size)
    }

    /// The events of the stream at `path`, from the one numbered `from` on.
    pub fn events(&self, path: &str, from: u64) -> Events {
        Events::new(self.clone(), path, from)
    }

    async fn json<T: DeserializeOwned>(&self, url: &str, request: RequestBuilder) -> Result<T, Error> {
        in_time(url, WITHIN, async { read(url, answer(url, request).await?).await }).await
    }

    /// Opens a stream that goes on after the event numbered `last`.
    async fn stream(&self, path: &str, last: Option<u64>) -> Result<Response, Error> {
        let url = self.url.at(path, &[]);
        let mut request = self.client.get(&url).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        in_time(&url, WITHIN, answer(&url, request)).await
    }
}

/// Does `work` up to five times, with pauses of a fifth of a second to 5 seconds, or as long as the service asks for.
async fn again<T, F: Future<Output = Result<T, Error>>>(work: impl FnMut() -> F) -> Result<T, Error> {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(4)
        .with_jitter();
    work.retry(pauses)
        .when(Error::is_temporary)
        .adjust(|error, pause| {
            let asked = error.problem().and_then(|problem| problem.retry_after);
            pause.map(|pause| asked.map_or(pause, |asked| pause.max(asked.min(Duration::from_secs(30)))))
        })
        .await
}

/// An answer that is no problem.
async fn answer(url: &str, request: RequestBuilder) -> Result<Response, Error> {
    let response = request.send().await.map_err(|cause| silent(url, cause))?;
    match response.status().as_u16() {
        200..=299 => Ok(response),
        300..=399 => Err(Error::Foreign { url: url.to_owned(), problem: "leads elsewhere" }),
        _ => Err(Problem::read(url, response).await),
    }
}

async fn read<T: DeserializeOwned>(url: &str, response: Response) -> Result<T, Error> {
    let bytes = body(url, response, ANSWER).await?;
    serde_json::from_slice(&bytes)
        .map_err(|_| Error::Foreign { url: url.to_owned(), problem: "answers something else" })
}

#[cfg(test)]
mod tests;
