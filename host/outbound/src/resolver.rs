//! From a name to addresses.

use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};

/// Looks names up. The guard asks once for each address that it pins.
pub trait Resolver: Send + Sync {
    /// All addresses of `name`, aliases followed.
    ///
    /// # Errors
    /// Whatever keeps it from an answer; the guard refuses then.
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The machine's own way: its files and name servers. It blocks for as long as the machine is
/// configured to wait.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        // The port has no part in it.
        Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
    }
}
