use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::collector::is_loopback;
use crate::error::Error;
use crate::url::{HTTPS, RemoteUrl, without_secrets};

/// Where a service is: `https://host`, with a port or a path before the service's own where it has one, or
/// `http://` with an address of loopback, or `localhost`, and a port. No login stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl(String);

/// What stays as it is in a parameter.
const PARAMETER: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl ServerUrl {
    pub(super) fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Whether it is on this machine, whatever name servers say.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.place())
    }

    /// Its host and port.
    pub(super) fn place(&self) -> RemoteUrl {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        format!("https://{rest}/-").parse().expect("it was checked when it was made")
    }

    /// The address of `path`, which begins with `/`.
    pub(super) fn at(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut url = format!("{}{path}", self.0);
        for (at, (name, value)) in query.iter().enumerate() {
            let encoded = utf8_percent_encode(value, PARAMETER);
            url.push_str(&format!("{}{name}={encoded}", if at == 0 { '?' } else { '&' }));
        }
        url
    }
}

impl FromStr for ServerUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadServer { given: without_secrets(text) };
        let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // The one parser wants a path.
        let url: RemoteUrl = format!("https://{rest}/-").parse().map_err(|_| bad())?;
        let plain = match scheme.to_ascii_lowercase().as_str() {
            "https" => false,
            // Without TLS, whoever is on the way would have the key.
            "http" if is_loopback(&url) && url.port() != HTTPS => true,
            _ => return Err(bad()),
        };
        let kept = url.as_str().trim_end_matches("/-");
        Ok(Self(if plain { kept.replacen("https://", "http://", 1) } else { kept.to_owned() }))
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
