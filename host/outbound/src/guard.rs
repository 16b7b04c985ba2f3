//! Who may be reached, and at which addresses.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use url::Host;

use crate::address::special;
use crate::error::{Error, Refusal};
use crate::policy::{Authorities, Policy};
use crate::proxy::{Proxy, Route};
use crate::resolver::{Resolver, SystemResolver};
use crate::url::{HTTPS, RemoteUrl};

/// How many addresses of a host are kept. All of them are checked.
const KEPT: usize = 8;

/// The one who opens the door. Without its [`Pinned`] nothing remote is reached. Clones share everything.
#[derive(Clone)]
pub struct Guard {
    policy: Arc<Policy>,
    resolver: Arc<dyn Resolver>,
}

impl Guard {
    /// A guard that looks names up as the machine does.
    pub fn new(policy: Policy) -> Self {
        Self::with_resolver(policy, SystemResolver)
    }

    /// A guard that looks names up with `resolver`.
    pub fn with_resolver(policy: Policy, resolver: impl Resolver + 'static) -> Self {
        Self { policy: Arc::new(policy), resolver: Arc::new(resolver) }
    }

    /// Refuses what can be refused without a lookup, so that a client is told at once. What passes is not
    /// yet allowed.
    ///
    /// # Errors
    /// As [`Guard::pin`].
    pub fn screen(&self, url: &RemoteUrl) -> Result<(), Error> {
        let host = || url.host().to_string();
        if self.policy.names(url) {
            return Ok(());
        }
        if url.port() != HTTPS {
            return Err(Error::Port { host: host(), port: url.port() });
        }
        match literal(url) {
            Some(address) if self.policy.holds(address) => Ok(()),
            _ if self.policy.offline => Err(Error::Offline { host: host() }),
            Some(address) => self.admit(url, address),
            None => Ok(()),
        }
    }

    /// Looks the host of `url` up, once, and checks every address. It blocks while the name is looked up.
    ///
    /// Where a proxy is set, a host that this machine cannot look up is left to the proxy; one that it can is
    /// held to the same rule as without.
    ///
    /// # Errors
    /// A refusal: the port, an address that is not public, no address, no answer, or being offline;
    /// [`Error::NoProxy`] when the proxy itself cannot be looked up.
    pub fn pin(&self, url: &RemoteUrl) -> Result<Pinned, Error> {
        self.screen(url)?;
        let refused = |cause| Error::Refused { host: url.host().to_string(), cause };
        let named = self.policy.names(url);
        let found = match (literal(url), url.host()) {
            (Some(address), _) => Ok(vec![address]),
            (None, host) => self.resolver.resolve(&host.to_string()),
        };
        let mut addresses = match found {
            Ok(addresses) if !addresses.is_empty() => addresses,
            // Behind a proxy a machine often knows names of its own network alone.
            _ if !named && self.policy.proxy.is_some() => Vec::new(),
            Ok(_) => return Err(refused(Refusal::NoAddress)),
            Err(cause) => return Err(refused(Refusal::Lookup(cause))),
        };
        if !named {
            addresses.iter().try_for_each(|address| self.admit(url, *address))?;
        }
        let held = !addresses.is_empty() && addresses.iter().all(|address| self.policy.holds(*address));
        let inside = named || held;
        addresses.truncate(KEPT);
        Ok(Pinned {
            host: url.host().to_owned(),
            port: url.port(),
            addresses,
            authorities: self.policy.authorities.clone().filter(|_| inside),
            route: match &self.policy.proxy {
                Some(proxy) if !inside => Some(Box::new(proxy.route(&*self.resolver)?)),
                _ => None,
            },
        })
    }

    /// [`Guard::pin`] from a task, which waits without blocking its thread.
    ///
    /// # Errors
    /// As [`Guard::pin`].
    pub async fn pin_async(&self, url: &RemoteUrl) -> Result<Pinned, Error> {
        let (guard, asked) = (self.clone(), url.clone());
        let pinned = tokio::task::spawn_blocking(move || guard.pin(&asked)).await;
        pinned.unwrap_or_else(|cause| Err(Error::Host { url: url.to_string(), cause: cause.into() }))
    }

    /// Lets an address through that is public or within an allowed network.
    fn admit(&self, url: &RemoteUrl, address: IpAddr) -> Result<(), Error> {
        match special(address) {
            Some(kind) if !self.policy.holds(address) => {
                Err(Error::Refused { host: url.host().to_string(), cause: Refusal::NotPublic { address, kind } })
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// A host with the addresses at which it may be reached, and no others. Only a [`Guard`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    host: Host<String>,
    port: u16,
    addresses: Vec<IpAddr>,
    authorities: Option<Authorities>,
    /// Boxed, for it is large and mostly absent.
    route: Option<Box<Route>>,
}

impl Pinned {
    /// The host name; none where the address was written in its place, and there is nothing to look up.
    pub fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Domain(name) => Some(name),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The addresses: at least one, but where a proxy looks the name up.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Who signs the certificate of this host, in place of the machine's authorities.
    pub const fn authorities(&self) -> Option<&Authorities> {
        self.authorities.as_ref()
    }

    /// The proxy through which this host is reached. Then the addresses are what this machine knows of the
    /// name, and the proxy connects to what it finds itself.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.route().map(Route::proxy)
    }

    pub(crate) fn route(&self) -> Option<&Route> {
        self.route.as_deref()
    }

    pub(crate) const fn host(&self) -> &Host<String> {
        &self.host
    }
}

/// The address that stands in place of a host name.
pub(crate) fn literal(url: &RemoteUrl) -> Option<IpAddr> {
    match url.host() {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
    }
}

#[cfg(test)]
mod tests;
