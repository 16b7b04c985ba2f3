//! How git is held to the addresses that were checked.

use std::io;
use std::net::IpAddr;

use certus_outbound::Pinned;

use super::child::Ended;
use super::{LIST_MEMORY, Session};
use crate::error::{Error, shown};

/// The first version of git that knows the setting. Older ones pass over it, and look the name up.
const KNOWN_SINCE: (u32, u32) = (2, 37);

/// Has git connect to the pinned addresses, and look nothing up. An address in place of a name is its own
/// pin, and what is reached through a proxy is looked up there. The parser lets no name through that would mean
/// something in this setting.
pub(super) fn setting(pinned: &Pinned) -> String {
    let Some(name) = looked_up(pinned) else { return String::new() };
    let spelt = |address: &IpAddr| match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let addresses: Vec<_> = pinned.addresses().iter().map(spelt).collect();
    format!("[http]\n\tcurloptResolve = \"{name}:{}:{}\"\n", pinned.port(), addresses.join(","))
}

/// The name that git would look up.
fn looked_up(pinned: &Pinned) -> Option<&str> {
    pinned.name().filter(|_| pinned.proxy().is_none())
}

impl Session<'_> {
    /// Refuses a git that would pass over the pinned addresses and look the name up itself.
    pub(super) fn holds_pins(&self) -> Result<(), Error> {
        if self.origin.pinned.and_then(looked_up).is_none() {
            return Ok(());
        }
        let mut said = String::new();
        match self.run(&["version"], LIST_MEMORY, |line| said.push_str(&String::from_utf8_lossy(line)))? {
            Ended::Well if version(&said) >= Some(KNOWN_SINCE) => Ok(()),
            Ended::Cancelled => Err(Error::Cancelled),
            Ended::TimedOut => Err(self.timeout()),
            Ended::Well | Ended::Badly(_) => Err(Error::Host {
                doing: "hold git to the addresses that were checked".to_owned(),
                cause: io::Error::new(io::ErrorKind::Unsupported, format!("it says `{}`", shown(&said))),
                remedy: "install git 2.37 or newer",
            }),
        }
    }
}

/// The version in `git version 2.39.5 (…)`.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.strip_prefix("git version ")?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}
