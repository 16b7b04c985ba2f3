//! The address of a remote repository.

use std::fmt;
use std::str::FromStr;

use certus_model::escape::is_printable;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::credential::Credential;
use crate::error::{Error, shown};

/// An `https` address without credentials, query or fragment, spelt so that every parser reads the
/// same host and path in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteUrl(Url);

/// Longest address that is accepted, in bytes.
const MAX_URL: usize = 2048;

impl RemoteUrl {
    /// Takes the credentials out of `text` and checks the rest.
    pub(crate) fn parse(text: &str) -> Result<(Self, Option<Credential>), Error> {
        let bad = |problem: &str, remedy| {
            Err(Error::BadSource { given: without_secrets(text), problem: problem.to_owned(), remedy })
        };
        if text.len() > MAX_URL {
            return bad("is longer than 2,048 bytes", "write a shorter address");
        }
        if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
            return bad(
                "holds spaces, backslashes or characters beyond ASCII",
                "percent-encode them, `xn--` in the host",
            );
        }
        let (authority, path) = split(text);
        if authority.is_empty() {
            return bad("names no host", "write `https://host/path`");
        }
        if path.contains(['?', '#']) || authority.contains(['?', '#']) {
            return bad("has a query or a fragment", "write the address without `?` and `#`, and give a token apart");
        }
        if path.contains('@') {
            return bad("has an `@` in its path", "percent-encode it: `%40` in a path, `%2F` for a `/` in a password");
        }
        let Ok(mut url) = Url::parse(text) else {
            return bad("is no valid address", "write `https://host/path`");
        };
        let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        if !url.host_str().is_some_and(|parsed| same_host(parsed, host)) {
            return bad("spells its host in an unusual way", "write the host name or the address in its usual form");
        }
        if path.len() < 2 {
            return bad("names no repository", "write `https://host/path`");
        }
        if url.path() != path {
            return bad("holds `.` or `..` or characters that need encoding", "write the path in its plain form");
        }
        let credential = (!login.is_empty()).then(|| {
            let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
            Credential::login(decoded(url.username()), decoded(url.password().unwrap_or_default()))
        });
        // Both fail only for addresses without a host.
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return bad("names no host", "write `https://host/path`");
        }
        Ok((Self(url), credential))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn is_on(&self, host: &RemoteHost) -> bool {
        self.0.host_str() == host.0.0.host_str() && self.0.port_or_known_default() == host.0.0.port_or_known_default()
    }
}

/// A host that speaks `https`: `name`, or `name:port` where it is not 443.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteHost(RemoteUrl);

impl FromStr for RemoteHost {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match RemoteUrl::parse(&format!("https://{text}/-")) {
            Ok((url, None)) if url.0.path() == "/-" => Ok(Self(url)),
            _ => Err(Error::BadSource {
                given: without_secrets(text),
                problem: "is no host".to_owned(),
                remedy: "write `name` or `name:port`, without `https://` and without a path",
            }),
        }
    }
}

impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `text` as it may stand in a message: without login, query and fragment, wherever a slip of the pen
/// has put them, and printable.
pub(crate) fn without_secrets(text: &str) -> String {
    let (before, rest) = match text.find("://") {
        Some(at) => text.split_at(at + 3),
        None => ("", text),
    };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let rest = if before.is_empty() { rest } else { rest.split(['?', '#']).next().unwrap_or_default() };
    let cut = if text.ends_with(rest) && text.len() == before.len() + rest.len() { "" } else { "…" };
    debug_assert!(cut.chars().all(is_printable));
    shown(&format!("{before}{cut}{rest}"))
}

/// Authority and path of an `https://` address, as they are typed.
fn split(text: &str) -> (&str, &str) {
    let rest = text.get("https://".len()..).unwrap_or_default();
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

/// Whether the parser kept the typed host: no octal address, no percent-encoding, no other alphabet.
fn same_host(parsed: &str, typed: &str) -> bool {
    let name = match typed.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !port.is_empty() => name,
        _ => typed,
    };
    parsed.eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_addresses_are_taken_as_they_are() {
        for (typed, kept) in [
            ("https://example.org/a/b.git", "https://example.org/a/b.git"),
            ("HTTPS://Example.org:8443/a", "https://example.org:8443/a"),
            ("https://example.org:443/a", "https://example.org/a"),
            ("https://127.0.0.1/a%20b", "https://127.0.0.1/a%20b"),
            ("https://[::1]:8443/a", "https://[::1]:8443/a"),
        ] {
            let (url, credential) = RemoteUrl::parse(typed).unwrap();
            assert_eq!((url.as_str(), credential), (kept, None), "{typed}");
        }
    }

    #[test]
    fn a_login_is_taken_out() {
        for (typed, user, secret) in [
            ("https://tok@example.org/a", "tok", ""),
            ("https://me:s%2Fcret@example.org/a", "me", "s/cret"),
            ("https://:s@example.org/a", "", "s"),
        ] {
            let (url, credential) = RemoteUrl::parse(typed).unwrap();
            assert_eq!(url.as_str(), "https://example.org/a");
            assert_eq!(credential, Some(Credential::login(user, secret)), "{typed}");
        }
    }

    #[test]
    fn a_host_is_a_name_and_a_port() {
        for (host, address, same) in [
            ("example.org", "https://example.org/a", true),
            ("Example.ORG", "HTTPS://example.org:443/a", true),
            ("example.org:443", "https://example.org/a", true),
            ("example.org", "https://example.org:8443/a", false),
            ("example.org", "https://example.org.evil.test/a", false),
            ("example.org", "https://sub.example.org/a", false),
            ("[::1]:8443", "https://[::1]:8443/a", true),
        ] {
            let (url, _) = RemoteUrl::parse(address).unwrap();
            assert_eq!(url.is_on(&host.parse().unwrap()), same, "{host} {address}");
        }
        for bad in ["", "https://example.org", "example.org/", "me@example.org", "a b", "a?", "a#", "0x7f.1"] {
            assert!(bad.parse::<RemoteHost>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn case_087_addresses_that_parsers_read_differently_are_refused() {
        for bad in [
            "https:///x",
            "https://",
            "https://h",
            "https://h/",
            "https://0177.1/x",
            "https://0x7f.1/x",
            "https://2130706433/x",
            "https://[::ffff:7f00:0001]/x",
            "https://ex\u{3002}org/x",
            "https://ex%2eorg/x",
            "https://h\\@evil/x",
            "https://h/a/../b",
            "https://h/a/%2e%2e/b",
            "https://h/a?token=x",
            "https://h/a#b",
            "https://h/a b",
            "https://h/a\nb",
            "https://h:99999/a",
            "https://user:12/34@h/x",
            "https://u:p/w@h/x",
            "https://b\u{fc}cher.example/x",
        ] {
            let error = RemoteUrl::parse(bad).unwrap_err();
            assert_eq!(error.reason(), Some(certus_model::outcome::CheckoutReason::BadUrl), "{bad:?}");
        }
    }

    #[test]
    fn no_message_shows_a_login() {
        for text in [
            "http://me:hunter2@h/x",
            "https://me:hun/ter2@h/x",
            "https://me:hunter2@h/x?token=hunter2",
            "ssh://hunter2@h",
            "me:hunter2@h:x",
            "https://h/x#hunter2",
        ] {
            let shown = without_secrets(text);
            assert!(!shown.contains("hunter2") && !shown.contains("ter2") && shown.contains('…'), "{shown}");
        }
        assert_eq!(without_secrets("./a dir"), "./a dir");
    }
}
