//! The address of something remote. It is parsed here and nowhere else.

use std::fmt;
use std::str::FromStr;

use certus_model::escape::is_printable;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::credential::Credential;
use crate::error::{Error, shown};

/// An `https` address without credentials, query or fragment, spelt so that every parser reads the
/// same host and path in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteUrl(Url);

/// Longest address that is accepted, in bytes.
const MAX_URL: usize = 2048;

/// The only scheme.
const SCHEME: &str = "https://";

impl RemoteUrl {
    /// Takes the credentials out of `text` and checks the rest.
    ///
    /// # Errors
    /// [`Error::BadUrl`] for everything but `https://` addresses in their usual form.
    pub fn parse(text: &str) -> Result<(Self, Option<Credential>), Error> {
        let bad = |problem, remedy| Err(Error::BadUrl { given: without_secrets(text), problem, remedy });
        if text.len() > MAX_URL {
            return bad("is longer than 2,048 bytes", "write a shorter address");
        }
        if !text.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME)) {
            return bad("has another scheme than `https`", "write `https://host/path`");
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
        if let Some(Host::Domain(name)) = url.host()
            && !is_plain(name)
        {
            return bad("has a host with other characters than names have", "write letters, digits, `-` and `.`");
        }
        if path.len() < 2 {
            return bad("names nothing on its host", "write `https://host/path`");
        }
        if path.contains(['=']) || path.contains("//") {
            // `/.proxy=http://…` becomes a setting where somebody makes an option of an address.
            return bad("has a `=` or an empty part in its path", "write `%3D`, and single slashes");
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

    /// The address as it is written everywhere.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it lies on `host`, the port included.
    pub fn is_on(&self, host: &RemoteHost) -> bool {
        self.0.host_str() == host.0.0.host_str() && self.port() == host.0.port()
    }

    /// The host: a name in lower case, or an address.
    pub(crate) fn host(&self) -> Host<&str> {
        self.0.host().expect("the parser refuses addresses without a host")
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port().unwrap_or(HTTPS)
    }
}

/// The port of `https`.
pub(crate) const HTTPS: u16 = 443;

impl FromStr for RemoteUrl {
    type Err = Error;

    /// An address that holds no login, as services take it.
    fn from_str(text: &str) -> Result<Self, Error> {
        match Self::parse(text)? {
            (url, None) => Ok(url),
            (_, Some(_)) => Err(Error::BadUrl {
                given: without_secrets(text),
                problem: "has a login in it",
                remedy: "give the token apart from the address",
            }),
        }
    }
}

/// A host that speaks `https`: `name`, or `name:port` where it is not 443.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteHost(RemoteUrl);

impl RemoteHost {
    /// The host of `url`, its port included.
    pub(crate) fn of(url: &RemoteUrl) -> Self {
        Self(url.clone())
    }
}

impl FromStr for RemoteHost {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match RemoteUrl::parse(&format!("https://{text}/-")) {
            Ok((url, None)) if url.0.path() == "/-" => Ok(Self(url)),
            _ => Err(Error::BadUrl {
                given: without_secrets(text),
                problem: "is no host",
                remedy: "write `name` or `name:port`, without `https://` and without a path",
            }),
        }
    }
}

impl fmt::Display for RemoteHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.port() {
            HTTPS => self.0.host().fmt(f),
            port => write!(f, "{}:{port}", self.0.host()),
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
pub fn without_secrets(text: &str) -> String {
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
    let rest = text.get(SCHEME.len()..).unwrap_or_default();
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

/// Whether a host name is made of nothing but what host names are made of, so that it means one host
/// wherever it is written: no wildcard, no sign that a resolver's list gives a meaning to, and no dot at
/// the end, which some readers drop and others keep.
fn is_plain(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    name.len() <= 253 && name.split('.').all(label)
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
            ("https://my_host/a%3Db/", "https://my_host/a%3Db/"),
            ("https://xn--bcher-kva.example/a", "https://xn--bcher-kva.example/a"),
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
        for (host, shown) in [("A.example:443", "a.example"), ("a:8443", "a:8443"), ("[::1]:8443", "[::1]:8443")] {
            assert_eq!(host.parse::<RemoteHost>().unwrap().to_string(), shown);
        }
        for bad in ["", "https://example.org", "example.org/", "me@example.org", "a b", "a?", "a#", "0x7f.1"] {
            assert!(bad.parse::<RemoteHost>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn case_087_addresses_that_parsers_read_differently_are_refused() {
        for (spelling, bad) in [
            ("no host", "https:///x"),
            ("nothing", "https://"),
            ("no path", "https://h"),
            ("an empty path", "https://h/"),
            ("plain http", "http://h/x"),
            ("an octal address", "https://0177.1/x"),
            ("a hexadecimal address", "https://0x7f.1/x"),
            ("a short address", "https://127.1/x"),
            ("one number", "https://2130706433/x"),
            ("leading zeros", "https://127.000.000.001/x"),
            ("a mapped address", "https://[::ffff:127.0.0.1]/x"),
            ("a mapped address in long form", "https://[::ffff:7f00:0001]/x"),
            ("an address in long form", "https://[0:0:0:0:0:0:0:1]/x"),
            ("a zone", "https://[fe80::1%25eth0]/x"),
            ("a dot of another alphabet", "https://ex\u{3002}org/x"),
            ("digits of another alphabet", "https://\u{ff11}27.0.0.1/x"),
            ("a name beyond ASCII", "https://b\u{fc}cher.example/x"),
            ("an encoded dot in the host", "https://ex%2eorg/x"),
            ("a dot at the end", "https://localhost./x"),
            ("a dot at the end of an address", "https://127.0.0.1./x"),
            ("two dots", "https://a..b/x"),
            ("a name that begins like an option", "https://-h/x"),
            ("a wildcard", "https://*/x"),
            ("a sign of resolver lists", "https://+h/x"),
            ("two hosts", "https://h,evil/x"),
            ("a backslash", "https://h\\@evil/x"),
            ("a parent", "https://h/a/../b"),
            ("an encoded parent", "https://h/a/%2e%2e/b"),
            ("a query", "https://h/a?token=x"),
            ("a fragment", "https://h/a#b"),
            ("a space", "https://h/a b"),
            ("a line feed", "https://h/a\nb"),
            ("a tab", "https://h/a\tb"),
            ("a port beyond all", "https://h:99999/a"),
            ("a port that is none", "https://h:x/a"),
            ("an empty port", "https://h:/a"),
            ("a slash in a password", "https://user:12/34@h/x"),
            ("a slash in a token", "https://u:p/w@h/x"),
            ("a setting", "https://h/a/.proxy=http://evil"),
            ("a setting without an address", "https://h/a/.proxy=evil"),
            ("an address in an address", "https://h/http://evil/x"),
        ] {
            assert!(matches!(RemoteUrl::parse(bad), Err(Error::BadUrl { .. })), "{spelling}: {bad:?}");
            assert!(bad.parse::<RemoteUrl>().is_err(), "{spelling}: {bad:?}");
        }
    }

    #[test]
    fn case_087_a_login_is_refused_where_a_service_reads() {
        for text in ["https://good@evil.example/x", "https://good.example:x@evil.example/x"] {
            let message = text.parse::<RemoteUrl>().unwrap_err().to_string();
            assert!(message.contains("has a login in it") && !message.contains("good"), "{message}");
        }
        "https://evil.example/x".parse::<RemoteUrl>().unwrap();
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
