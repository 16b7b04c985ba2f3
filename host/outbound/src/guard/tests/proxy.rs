//! What is reached through the operator's proxy, and what is not.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::client::client;
use crate::testing::{Authority, Server};
use crate::testing_plain::Plain;

/// Knows the names of this list, and fails for every other.
struct Known(&'static [(&'static str, &'static str)]);

impl Resolver for Known {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let known = self.0.iter().find(|(known, _)| *known == name);
        let (_, addresses) = known.ok_or_else(|| io::Error::other("no such name"))?;
        Ok(addresses.split_whitespace().map(|address| address.parse().unwrap()).collect())
    }
}

const NAMES: &[(&str, &str)] = &[
    ("proxy.corp", "10.0.0.9"),
    ("git.corp", "10.1.2.3"),
    ("other.corp", "10.9.9.9"),
    ("public.example", PUBLIC),
    ("half.example", "93.184.216.34 10.1.2.3"),
    ("empty.example", ""),
];

fn behind(proxy: &str, allow: &[&str], offline: bool) -> Policy {
    Policy { proxy: Some(proxy.parse().unwrap()), ..policy(allow, offline) }
}

#[test]
fn case_088_a_proxy_stands_before_public_hosts_and_opens_nothing_else() {
    // How a host is reached: through the proxy, directly, or not at all.
    for (row, allow, offline, text, way) in [
        ("a public host", "git.corp", false, "https://public.example/x", "proxy"),
        ("a name that this machine does not know", "git.corp", false, "https://far.example/x", "proxy"),
        ("a name without addresses here", "git.corp", false, "https://empty.example/x", "proxy"),
        ("a public address", "git.corp", false, "https://93.184.216.34/x", "proxy"),
        ("an inner name", "git.corp", false, "https://other.corp/x", "no"),
        ("half inside", "git.corp", false, "https://half.example/x", "no"),
        ("an inner address", "git.corp", false, "https://10.9.9.9/x", "no"),
        ("a metadata service", "git.corp", false, "https://169.254.169.254/x", "no"),
        ("loopback", "git.corp", false, "https://127.0.0.1/x", "no"),
        ("another port", "git.corp", false, "https://public.example:8443/x", "no"),
        ("an allowed host", "git.corp", false, "https://git.corp/x", "directly"),
        ("an allowed network", "10.1.0.0/16", false, "https://git.corp/x", "directly"),
        ("half in an allowed network", "10.1.0.0/16", false, "https://half.example/x", "proxy"),
        ("an allowed host that nobody knows", "gone.corp", false, "https://gone.corp/x", "no"),
        ("offline", "git.corp", true, "https://public.example/x", "no"),
        ("offline, allowed", "git.corp", true, "https://git.corp/x", "directly"),
    ] {
        let guard = Guard::with_resolver(behind("http://proxy.corp:3128", &[allow], offline), Known(NAMES));
        let found = match guard.pin(&url(text)) {
            Ok(pinned) if pinned.proxy().is_some() => "proxy",
            Ok(pinned) => {
                assert!(!pinned.addresses().is_empty(), "{row}");
                "directly"
            }
            Err(_) => "no",
        };
        assert_eq!(found, way, "{row}");
    }
    let guard = Guard::with_resolver(behind("http://gone.corp:3128", &["git.corp"], false), Known(NAMES));
    assert!(matches!(guard.pin(&url("https://public.example/x")), Err(Error::NoProxy { .. })));
    guard.pin(&url("https://git.corp/x")).unwrap();
}

/// The content behind `proxy`, which is called `proxy.corp`, from a host that `authority` vouches for.
fn fetched(proxy: &Plain, login: &str, authority: &Authority) -> Result<Vec<u8>, String> {
    struct Here;
    impl Resolver for Here {
        fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
            if name == "proxy.corp" { Ok(vec![[127, 0, 0, 1].into()]) } else { Err(io::Error::other("no such name")) }
        }
    }
    let proxy = format!("http://{login}proxy.corp:{}", proxy.address.port());
    let mut pinned = Guard::with_resolver(behind(&proxy, &[], false), Here).pin(&url("https://far.example/x")).unwrap();
    // Hosts outside are vouched for by the machine's authorities, which no test can add to.
    pinned.authorities = Some(Authorities::from_pem(authority.pem().as_bytes()).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let request = client(&pinned).unwrap().get("https://far.example/x").timeout(Duration::from_secs(60));
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        response.bytes().await.map(|bytes| bytes.to_vec()).map_err(|error| format!("{error:?}"))
    })
}

#[test]
fn a_tunnel_leads_to_the_host_that_was_asked_for_and_ends_there() {
    let authority = Authority::new();
    let answer = |request: &crate::testing::Request, connection: &mut crate::testing::Connection| {
        assert!(!request.head.to_lowercase().contains("proxy-"), "{}", request.head);
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour")
    };
    let here: SocketAddr = ([127, 0, 0, 1], 0).into();
    let server = Server::start(&authority, "far.example", here, answer);
    // `me:s/cret`, encoded.
    let login = "Basic bWU6cy9jcmV0";
    for (row, wanted, given, passes) in [
        ("without a login", None, "", true),
        ("with the login", Some(login), "me:s%2Fcret@", true),
        ("without the login", Some(login), "", false),
        ("with another", Some(login), "me:other@", false),
    ] {
        let proxy = Plain::proxy(server.address, wanted);
        let result = fetched(&proxy, given, &authority);
        assert_eq!(result.is_ok(), passes, "{row}: {result:?}");
        assert!(proxy.heads()[0].starts_with("CONNECT far.example:443 HTTP/1.1"), "{row}: {:?}", proxy.heads());
    }
    // A proxy that leads elsewhere is found out.
    let elsewhere = Server::start(&authority, "evil.example", here, answer);
    let proxy = Plain::proxy(elsewhere.address, None);
    assert!(fetched(&proxy, "", &authority).is_err());
}
