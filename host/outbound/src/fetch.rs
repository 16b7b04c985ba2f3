//! Small things from the network: manifests and their signatures.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::{Certificate, Client, ClientBuilder, StatusCode};

use crate::error::Error;
use crate::guard::{Guard, Pinned};
use crate::url::RemoteUrl;

impl Guard {
    /// Pins the host of `url` and fetches what lies there: at most `limit` bytes, within `within` of the
    /// lookup's end, from the pinned addresses, over `https`, without redirects, proxies or cookies.
    ///
    /// It blocks, so it belongs on a thread where that is no harm, never in a task.
    ///
    /// # Errors
    /// As [`Guard::pin`]; [`Error::NoAnswer`], [`Error::Status`], [`Error::TooLarge`] and
    /// [`Error::TimedOut`] by what the other side does.
    pub fn fetch(&self, url: &RemoteUrl, limit: usize, within: Duration) -> Result<Vec<u8>, Error> {
        let pinned = self.pin(url)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|cause| Error::Host { url: url.to_string(), cause: cause.into() })?;
        let content = runtime.block_on(async { tokio::time::timeout(within, get(url, &pinned, limit)).await });
        content.unwrap_or_else(|_| Err(Error::TimedOut { url: url.to_string(), seconds: within.as_secs() }))
    }
}

async fn get(url: &RemoteUrl, pinned: &Pinned, limit: usize) -> Result<Vec<u8>, Error> {
    let silent = |cause: reqwest::Error| Error::NoAnswer { url: url.to_string(), cause: cause.without_url().into() };
    let too_large = || Error::TooLarge { url: url.to_string(), limit };
    let client = client(pinned).map_err(|cause| Error::Host { url: url.to_string(), cause: cause.into() })?;
    let mut response = client.get(url.as_str()).send().await.map_err(silent)?;
    if response.status() != StatusCode::OK {
        return Err(Error::Status { url: url.to_string(), status: response.status().as_u16() });
    }
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut content = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(silent)? {
        if piece.len() > limit - content.len() {
            return Err(too_large());
        }
        content.extend_from_slice(&piece);
    }
    Ok(content)
}

fn client(pinned: &Pinned) -> reqwest::Result<Client> {
    let builder = match pinned.authorities() {
        Some(authorities) => trusting(authorities.certificates()),
        None => Client::builder(),
    };
    let builder = match pinned.name() {
        Some(name) => {
            let addresses: Vec<_> = pinned.addresses().iter().map(|ip| SocketAddr::new(*ip, pinned.port())).collect();
            builder.resolve_to_addrs(name, &addresses)
        }
        None => builder,
    };
    builder
        .dns_resolver(Arc::new(Nowhere))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .https_only(true)
        .referer(false)
        .retry(reqwest::retry::never())
        .build()
}

/// A client that trusts these authorities alone.
pub(crate) fn trusting(authorities: Vec<Certificate>) -> ClientBuilder {
    Client::builder().tls_certs_only(authorities)
}

/// What a client asks for names that are not pinned: there is no such name.
struct Nowhere;

impl Resolve for Nowhere {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Err(io::Error::other("only pinned hosts are reached").into()) })
    }
}

#[cfg(test)]
mod tests;
