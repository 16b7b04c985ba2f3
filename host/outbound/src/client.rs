//! HTTP clients that reach what is pinned and nothing else.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::{Certificate, Client, ClientBuilder};
use url::Host;

use crate::guard::Pinned;

/// A client for the pinned host, over `https`.
pub(crate) fn client(pinned: &Pinned) -> reqwest::Result<Client> {
    builder(pinned)?.https_only(true).build()
}

/// The same for a host that the operator has named, and speaks to without TLS.
pub(crate) fn plain(pinned: &Pinned) -> reqwest::Result<Client> {
    builder(pinned)?.build()
}

fn builder(pinned: &Pinned) -> reqwest::Result<ClientBuilder> {
    let builder = match pinned.authorities() {
        Some(authorities) => trusting(authorities.certificates()),
        None => Client::builder(),
    };
    let builder = match pinned.route() {
        Some(route) => at(builder.proxy(route.proxy().setting()?), route.proxy().host(), route.addresses()),
        None => at(builder.no_proxy(), pinned.host(), pinned.addresses()),
    };
    Ok(builder
        .dns_resolver(Arc::new(Nowhere))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never()))
}

/// Has `host` reached at `addresses`. An address in place of a name is its own pin.
fn at(builder: ClientBuilder, host: &Host<String>, addresses: &[IpAddr]) -> ClientBuilder {
    match host {
        // The port is that of the address asked for, whatever stands here.
        Host::Domain(name) => {
            let addresses: Vec<_> = addresses.iter().map(|address| SocketAddr::new(*address, 0)).collect();
            builder.resolve_to_addrs(name, &addresses)
        }
        Host::Ipv4(_) | Host::Ipv6(_) => builder,
    }
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
