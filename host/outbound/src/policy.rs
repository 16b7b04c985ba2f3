//! What the operator has said about the network.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::Certificate;

use crate::client::trusting;
use crate::error::{Error, shown};
use crate::proxy::Proxy;
use crate::url::{RemoteHost, RemoteUrl};

/// What may be reached beside public hosts at port 443. The default allows nothing more.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Hosts and networks that are reached although they are not public.
    pub allow: Vec<Allowed>,
    /// Whether nothing else is reached at all. Then only names that `allow` holds are looked up.
    pub offline: bool,
    /// Who signs the certificates of what `allow` names; the machine's authorities when there is none.
    pub authorities: Option<Authorities>,
    /// What stands between this machine and everything that `allow` does not name.
    pub proxy: Option<Proxy>,
}

impl Policy {
    /// Whether `address`, of whatever scheme, lies on this machine or on what the operator allows, so that a service
    /// which is offline may reach it. `port` is the scheme's own, where the address names none.
    pub fn holds_address(&self, address: &str, port: u16) -> bool {
        let Ok(url) = url::Url::parse(address) else { return false };
        // A socket of this machine has no host.
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else { return true };
        let port = url.port_or_known_default().unwrap_or(port);
        // Addresses in brackets are hosts as they are written.
        let Ok(place) = format!("https://{host}:{port}/-").parse::<RemoteUrl>() else { return false };
        let literal = match place.host() {
            url::Host::Domain(name) => return name == "localhost" || self.names(&place),
            url::Host::Ipv4(address) => IpAddr::from(address),
            url::Host::Ipv6(address) => IpAddr::from(address),
        };
        literal.is_loopback() || self.names(&place) || self.holds(literal)
    }

    /// Whether the operator has named the host of `url`, its port included.
    pub(crate) fn names(&self, url: &RemoteUrl) -> bool {
        self.allow.iter().any(|allowed| matches!(&allowed.0, Entry::Host(host) if url.is_on(host)))
    }

    /// Whether the operator has named a network that `address` lies in.
    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|allowed| matches!(&allowed.0, Entry::Network(network) if network.contains(&address)))
    }
}

/// An entry of the operator's allow-list.
///
/// - `name`, `name:port`, `10.1.2.3`, `[fd00::1]:8443`: addresses with this very host, at this port or at
///   443, wherever the name leads.
/// - `10.1.0.0/16`, `fd00::/8`: every name that leads there, at port 443.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed(Entry);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Host(RemoteHost),
    Network(IpNet),
}

impl Allowed {
    /// The very host of `url`, its port included.
    pub(crate) fn host_of(url: &RemoteUrl) -> Self {
        Self(Entry::Host(RemoteHost::of(url)))
    }
}

impl FromStr for Allowed {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadAllowed { given: shown(text) };
        if text.contains('/') {
            let network: IpNet = text.parse().map_err(|_| bad())?;
            // `10.1.2.3/8` may mean the host or the network.
            if network != network.trunc() {
                return Err(bad());
            }
            return Ok(Self(Entry::Network(network)));
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(bad());
        }
        Ok(Self(Entry::Host(text.parse().map_err(|_| bad())?)))
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Entry::Host(host) => host.fmt(f),
            Entry::Network(network) => network.fmt(f),
        }
    }
}

/// Certificates of authorities, as PEM: at least one, and all of them readable.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorities(Arc<[u8]>);

impl Authorities {
    /// Reads `pem`.
    ///
    /// # Errors
    /// [`Error::BadAuthorities`] when one of them is no certificate, or there is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let found = Certificate::from_pem_bundle(pem).map_err(|cause| Error::BadAuthorities { cause: cause.into() })?;
        if found.is_empty() {
            return Err(Error::BadAuthorities { cause: "there is no certificate".into() });
        }
        // Only a client looks into them.
        trusting(found).build().map_err(|cause| Error::BadAuthorities { cause: cause.into() })?;
        Ok(Self(pem.into()))
    }

    /// The certificates as they were given.
    pub fn pem(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn certificates(&self) -> Vec<Certificate> {
        Certificate::from_pem_bundle(&self.0).expect("they have been read before")
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_host_or_a_network() {
        for (text, shown) in [
            ("git.corp", "git.corp"),
            ("GIT.corp:8443", "git.corp:8443"),
            ("10.1.2.3", "10.1.2.3"),
            ("127.0.0.1:8443", "127.0.0.1:8443"),
            ("[fd00::1]", "[fd00::1]"),
            ("10.1.0.0/16", "10.1.0.0/16"),
            ("fd00::/8", "fd00::/8"),
            ("10.1.2.3/32", "10.1.2.3/32"),
        ] {
            assert_eq!(text.parse::<Allowed>().unwrap().to_string(), shown);
        }
        for bad in [
            "",
            "*",
            "*.corp",
            ".corp",
            "git.corp.",
            "https://git.corp",
            "10.1.2.3/8",
            "10.0/8",
            "fd00::1",
            "a/b",
            "10.1",
        ] {
            let message = bad.parse::<Allowed>().unwrap_err().to_string();
            assert!(message.contains(&format!("`{bad}`")), "{message}");
        }
    }

    #[test]
    fn what_an_offline_service_may_reach() {
        let allow = ["db.corp:5432", "s3.corp", "10.1.0.0/16"].map(|entry| entry.parse().unwrap()).to_vec();
        let policy = Policy { allow, offline: true, ..Policy::default() };
        for inside in [
            "postgres://certus@db.corp/certus",
            "https://s3.corp/",
            "http://10.1.2.3:9000",
            "http://127.0.0.1:4318",
            "http://localhost:4318/v1/traces",
            "http://[::1]:9000",
            "postgres:///certus?host=/run/postgresql",
        ] {
            assert!(policy.holds_address(inside, 5432), "{inside}");
        }
        for outside in [
            "postgres://db.corp:5433/x",
            "https://s3.corp:9000",
            "https://s3.example.com",
            "http://10.2.0.1",
            "nonsense",
        ] {
            assert!(!policy.holds_address(outside, 5432), "{outside}");
        }
    }

    #[test]
    fn authorities_are_certificates() {
        let pem = crate::testing::Authority::new().pem();
        Authorities::from_pem(pem.as_bytes()).unwrap();
        for bad in ["", "no pem", &pem[..pem.len() / 2], &pem.replace("MII", "xxx")] {
            assert!(matches!(Authorities::from_pem(bad.as_bytes()), Err(Error::BadAuthorities { .. })), "{bad}");
        }
    }
}
