//! The operator's collector of telemetry.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Mutex;
use std::time::Duration;

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use url::Host;

use crate::client::{client, plain};
use crate::error::Error;
use crate::fetch::{body, in_time, silent};
use crate::guard::{Guard, Pinned};
use crate::policy::{Allowed, Policy};
use crate::resolver::{Resolver, SystemResolver};
use crate::url::{HTTPS, RemoteUrl, without_secrets};

/// Longest answer that is read, in bytes: a refusal in words.
const ANSWER: usize = 64 << 10;

/// How long one post may take after the lookup.
const WITHIN: Duration = Duration::from_secs(30);

/// Where telemetry is posted to. It is looked up and pinned before each post, as everything is; being the
/// operator's own, it may lie on this machine, and there it may speak without TLS.
pub struct Collector {
    guard: Guard,
    place: Place,
    /// The client of the last post, for as long as its host is pinned to the same addresses.
    client: Mutex<Option<(Pinned, Client)>>,
}

impl Collector {
    /// The collector at `url`: `https://host/path` as for everything else, or `http://host:port/path` where the
    /// host is an address of loopback, `localhost`, or written with this very port in `policy.allow`.
    ///
    /// # Errors
    /// [`Error::BadCollector`] for every other address.
    pub fn new(url: &str, policy: Policy) -> Result<Self, Error> {
        Self::with_resolver(url, policy, SystemResolver)
    }

    /// One that looks names up with `resolver`.
    ///
    /// # Errors
    /// As [`Collector::new`].
    pub fn with_resolver(url: &str, mut policy: Policy, resolver: impl Resolver + 'static) -> Result<Self, Error> {
        let place: Place = url.parse()?;
        let local = is_loopback(&place.url);
        if place.plain && !local && !policy.names(&place.url) {
            return Err(Error::BadCollector { given: without_secrets(url) });
        }
        if local {
            // The operator has named it by naming it here.
            policy.allow.push(Allowed::host_of(&place.url));
        }
        Ok(Self { guard: Guard::with_resolver(policy, resolver), place, client: Mutex::default() })
    }

    /// Posts `content` and returns the status with the start of the answer, whatever they are. Headers may hold
    /// secrets, and are shown nowhere.
    ///
    /// # Errors
    /// As [`Guard::pin`]; [`Error::BadHeader`]; [`Error::NoAnswer`], [`Error::TooLarge`] and
    /// [`Error::TimedOut`] by what the other side does.
    pub async fn post(
        &self,
        content_type: &str,
        headers: &[(&str, &str)],
        content: Vec<u8>,
    ) -> Result<(u16, Vec<u8>), Error> {
        let pinned = self.guard.pin_async(&self.place.url).await?;
        let url = self.place.to_string();
        let mut request = self.client(pinned)?.post(&url).header(CONTENT_TYPE, content_type);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(content);
        in_time(&url, WITHIN, async {
            let response = request.send().await.map_err(|cause| {
                if cause.is_builder() { Error::BadHeader { url: url.clone() } } else { silent(&url, cause) }
            })?;
            let status = response.status().as_u16();
            Ok((status, body(&url, response, ANSWER).await?))
        })
        .await
    }

    fn client(&self, pinned: Pinned) -> Result<Client, Error> {
        let mut kept = self.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, client)) = kept.as_ref().filter(|(before, _)| *before == pinned) {
            return Ok(client.clone());
        }
        let made = if self.place.plain { plain(&pinned) } else { client(&pinned) };
        let made = made.map_err(|cause| Error::Host { url: self.place.to_string(), cause: cause.into() })?;
        *kept = Some((pinned, made.clone()));
        Ok(made)
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collector({})", self.place)
    }
}

/// An address with or without TLS.
struct Place {
    plain: bool,
    url: RemoteUrl,
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadCollector { given: without_secrets(text) };
        let plain = text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
        if !plain {
            return Ok(Self { plain, url: text.parse()? });
        }
        let url: RemoteUrl = format!("https://{}", &text[7..]).parse().map_err(|_| bad())?;
        // The parser drops the port of `https`, and nobody speaks without TLS there.
        if url.port() == HTTPS { Err(bad()) } else { Ok(Self { plain, url }) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = self.url.as_str().strip_prefix("https://").unwrap_or_default();
        write!(f, "{}://{rest}", if self.plain { "http" } else { "https" })
    }
}

/// Whether `url` is on this machine, whatever name servers say.
pub(crate) fn is_loopback(url: &RemoteUrl) -> bool {
    match url.host() {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => IpAddr::from(address).is_loopback(),
        Host::Ipv6(address) => IpAddr::from(address).is_loopback(),
    }
}

#[cfg(test)]
mod tests;
