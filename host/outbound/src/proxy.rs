//! What stands between this machine and public hosts.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::Host;

use crate::credential::Credential;
use crate::error::Error;
use crate::guard::literal;
use crate::resolver::Resolver;
use crate::url::{RemoteUrl, without_secrets};

/// An HTTP proxy that tunnels (`CONNECT`): `http://host:port` or `https://host:port`, with or without a login.
/// It is the operator's own, so it may lie anywhere, and it looks up by itself what it is asked for.
///
/// The login cannot be printed: `Display` and `Debug` leave it out.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    scheme: &'static str,
    /// Host and port.
    place: RemoteUrl,
    host: Host<String>,
    login: Option<Credential>,
}

impl Proxy {
    /// The login, for the environment of a child.
    pub const fn login(&self) -> Option<&Credential> {
        self.login.as_ref()
    }

    /// The address with the login, percent-encoded: a secret, for git's environment alone.
    pub fn with_login(&self) -> String {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let login = self.login.as_ref().map(|login| format!("{}:{}@", encoded(login.user()), encoded(login.secret())));
        format!("{}://{}{}:{}", self.scheme, login.unwrap_or_default(), self.host, self.place.port())
    }

    pub(crate) const fn host(&self) -> &Host<String> {
        &self.host
    }

    /// As the client takes it.
    pub(crate) fn setting(&self) -> reqwest::Result<reqwest::Proxy> {
        let proxy = reqwest::Proxy::all(self.to_string())?;
        Ok(match &self.login {
            Some(login) => proxy.basic_auth(login.user(), login.secret()),
            None => proxy,
        })
    }

    /// Looks the proxy up. Wherever it lies, the operator has put it there.
    pub(crate) fn route(&self, resolver: &dyn Resolver) -> Result<Route, Error> {
        let addresses = match literal(&self.place) {
            Some(address) => Ok(vec![address]),
            None => resolver.resolve(&self.host.to_string()),
        };
        let addresses = addresses.map_err(|cause| Error::NoProxy { proxy: self.to_string(), cause })?;
        Ok(Route { proxy: self.clone(), addresses })
    }
}

impl FromStr for Proxy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadProxy { given: without_secrets(text) };
        let (scheme, rest) = match text.split_once("://").ok_or_else(bad)? {
            (scheme, rest) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
            (scheme, rest) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
            _ => return Err(bad()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // Which port is meant where none is written differs between programs.
        let port = rest.rsplit_once(':').map(|(_, port)| port).ok_or_else(bad)?;
        if rest.contains('/') || port.parse::<u16>().map_or(true, |port| port == 0) {
            return Err(bad());
        }
        let (place, login) = RemoteUrl::parse(&format!("https://{rest}/-")).map_err(|_| bad())?;
        Ok(Self { scheme, host: place.host().to_owned(), place, login })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.place.port())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self}{})", if self.login.is_some() { ", login redacted" } else { "" })
    }
}

/// A proxy with the addresses at which it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    proxy: Proxy,
    addresses: Vec<IpAddr>,
}

impl Route {
    pub(crate) const fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    pub(crate) fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }
}

#[cfg(test)]
mod tests;
