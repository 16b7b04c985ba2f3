use std::error::Error as _;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::Allowed;

mod proxy;

/// Answers each lookup with the next of its answers, the last one again and again.
#[derive(Clone, Default)]
struct Scripted {
    answers: Arc<Vec<io::Result<Vec<IpAddr>>>>,
    asked: Arc<AtomicUsize>,
    names: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// `None` is a failure; addresses are parted by spaces.
    fn new(answers: &[Option<&str>]) -> Self {
        let answer = |answer: &Option<&str>| match answer {
            Some(text) => Ok(text.split_whitespace().map(|address| address.parse().unwrap()).collect()),
            None => Err(io::Error::other("no such name")),
        };
        Self { answers: Arc::new(answers.iter().map(answer).collect()), ..Self::default() }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Resolver for Scripted {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.names.lock().unwrap().push(name.to_owned());
        let at = self.asked.fetch_add(1, Ordering::Relaxed).min(self.answers.len() - 1);
        self.answers[at].as_ref().map(Clone::clone).map_err(|error| io::Error::other(error.to_string()))
    }
}

fn policy(allow: &[&str], offline: bool) -> Policy {
    let allow = allow.iter().map(|text| text.parse::<Allowed>().unwrap()).collect();
    Policy { allow, offline, authorities: None, proxy: None }
}

fn url(text: &str) -> RemoteUrl {
    text.parse().unwrap()
}

/// What comes of one address and one answer under a policy: the pinned addresses or the refusal.
fn pinned(policy: Policy, answers: &[Option<&str>], text: &str) -> Result<String, Error> {
    let pinned = Guard::with_resolver(policy, Scripted::new(answers)).pin(&url(text))?;
    Ok(pinned.addresses().iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}

const PUBLIC: &str = "93.184.216.34";

#[test]
fn case_088_every_address_of_a_name_must_be_public() {
    for (row, answer, passes) in [
        ("one public address", Some("93.184.216.34"), true),
        ("two public addresses", Some("93.184.216.34 2606:2800:220:1::1"), true),
        ("one private address", Some("10.0.0.1"), false),
        ("public, then private", Some("93.184.216.34 10.0.0.1"), false),
        ("private, then public", Some("10.0.0.1 93.184.216.34"), false),
        ("public v4, loopback v6", Some("93.184.216.34 ::1"), false),
        ("an alias of an inner name", Some("192.168.1.7"), false),
        ("a metadata service", Some("169.254.169.254"), false),
        ("a mapped address", Some("::ffff:93.184.216.34"), false),
        ("a translated address", Some("64:ff9b::5db8:d822"), false),
        ("no address", Some(""), false),
        ("no answer", None, false),
        (
            "the ninth is private",
            Some("1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8 10.0.0.1"),
            false,
        ),
    ] {
        let result = pinned(policy(&[], false), &[answer], "https://a.example/x");
        match result {
            Ok(addresses) => assert!(passes && Some(addresses.as_str()) == answer, "{row}"),
            Err(error) => assert!(!passes && matches!(error, Error::Refused { .. }), "{row}: {error}"),
        }
    }
}

#[test]
fn case_088_a_name_is_looked_up_once_and_its_failure_is_a_refusal() {
    // A second lookup would get the second answer.
    for (row, answers, expected) in [
        ("public, then private", [Some(PUBLIC), Some("127.0.0.1")], Some(PUBLIC)),
        ("private, then public", [Some("127.0.0.1"), Some(PUBLIC)], None),
        ("no answer, then private", [None, Some("127.0.0.1")], None),
        ("no answer, then public", [None, Some(PUBLIC)], None),
        ("nothing, then private", [Some(""), Some("127.0.0.1")], None),
    ] {
        let resolver = Scripted::new(&answers);
        let guard = Guard::with_resolver(policy(&[], false), resolver.clone());
        let result = guard.pin(&url("https://a.example/x"));
        assert_eq!(resolver.asked(), 1, "{row}");
        assert_eq!(result.ok().map(|pinned| pinned.addresses()[0].to_string()).as_deref(), expected, "{row}");
    }
}

#[test]
fn case_087_addresses_in_place_of_names_are_never_looked_up() {
    for (text, passes) in [
        ("https://93.184.216.34/x", true),
        ("https://[2606:2800:220:1::1]/x", true),
        ("https://127.0.0.1/x", false),
        ("https://0.0.0.0/x", false),
        ("https://169.254.169.254/x", false),
        ("https://[::]/x", false),
        ("https://[::1]/x", false),
        ("https://[::ffff:7f00:1]/x", false),
        ("https://[::7f00:1]/x", false),
        ("https://[64:ff9b::7f00:1]/x", false),
        ("https://[64:ff9b:1::7f00:1]/x", false),
        ("https://[2002:7f00:1::]/x", false),
        ("https://[2001::1]/x", false),
        ("https://[fd00:ec2::254]/x", false),
        ("https://[fe80::1]/x", false),
    ] {
        let resolver = Scripted::new(&[Some(PUBLIC)]);
        let guard = Guard::with_resolver(policy(&[], false), resolver.clone());
        assert_eq!(guard.screen(&url(text)).is_ok(), passes, "{text}: a client is told at once");
        let result = guard.pin(&url(text));
        assert_eq!((result.is_ok(), resolver.asked()), (passes, 0), "{text}");
        if let Ok(pinned) = result {
            assert_eq!((pinned.name(), pinned.port(), pinned.addresses().len()), (None, 443, 1));
        }
    }
}

#[test]
fn the_allow_list_opens_what_it_names_and_no_more() {
    let loopback = Some("127.0.0.1");
    for (row, allow, offline, text, answer, passes) in [
        ("a host at 443", "git.corp", false, "https://git.corp/x", loopback, true),
        ("its name in capitals", "git.corp", false, "https://GIT.corp/x", loopback, true),
        ("at another port", "git.corp", false, "https://git.corp:8443/x", loopback, false),
        ("a host and its port", "git.corp:8443", false, "https://git.corp:8443/x", loopback, true),
        ("without the port", "git.corp:8443", false, "https://git.corp/x", loopback, false),
        ("a name below it", "git.corp", false, "https://a.git.corp/x", loopback, false),
        ("another name there", "git.corp", false, "https://evil.example/x", loopback, false),
        ("an address", "127.0.0.1", false, "https://127.0.0.1/x", None, true),
        ("an address and its port", "127.0.0.1:8443", false, "https://127.0.0.1:8443/x", None, true),
        ("a name that leads to an allowed address", "127.0.0.1", false, "https://evil.example/x", loopback, false),
        ("a network", "127.0.0.0/8", false, "https://a.example/x", loopback, true),
        ("a network, by address", "127.0.0.0/8", false, "https://127.1.2.3/x", None, true),
        ("a network, another port", "127.0.0.0/8", false, "https://a.example:22/x", loopback, false),
        ("another network", "10.0.0.0/8", false, "https://a.example/x", loopback, false),
        ("half in a network", "127.0.0.0/8", false, "https://a.example/x", Some("127.0.0.1 10.0.0.1"), false),
        ("in a network and public", "127.0.0.0/8", false, "https://a.example/x", Some("127.0.0.1 1.1.1.1"), true),
        ("a mapped address of a network", "127.0.0.0/8", false, "https://[::ffff:7f00:1]/x", None, false),
        ("nothing", "git.corp", false, "https://a.example/x", Some(PUBLIC), true),
        ("offline, named", "git.corp", true, "https://git.corp/x", loopback, true),
        ("offline, named and public", "git.corp", true, "https://git.corp/x", Some(PUBLIC), true),
        ("offline, an address of a network", "127.0.0.0/8", true, "https://127.0.0.1/x", None, true),
        ("offline, a stranger", "git.corp", true, "https://a.example/x", Some(PUBLIC), false),
        ("offline, a public address", "git.corp", true, "https://93.184.216.34/x", None, false),
        ("offline, a name in a network", "127.0.0.0/8", true, "https://a.example/x", loopback, false),
        ("a stranger's port", "git.corp", false, "https://a.example:22/x", Some(PUBLIC), false),
        ("a public address, another port", "git.corp", false, "https://93.184.216.34:22/x", None, false),
        ("named, and unknown", "git.corp", false, "https://git.corp/x", None, false),
        ("named, without address", "git.corp", false, "https://git.corp/x", Some(""), false),
    ] {
        let result = pinned(policy(&[allow], offline), &[answer], text);
        assert_eq!(result.is_ok(), passes, "{row}: {result:?}");
    }
}

#[test]
fn offline_asks_no_name_server_for_strangers() {
    let resolver = Scripted::new(&[Some("127.0.0.1")]);
    let guard = Guard::with_resolver(policy(&["git.corp", "127.0.0.0/8"], true), resolver.clone());
    assert!(matches!(guard.pin(&url("https://secret.evil.example/x")), Err(Error::Offline { .. })));
    assert!(matches!(guard.screen(&url("https://secret.evil.example/x")), Err(Error::Offline { .. })));
    assert_eq!(resolver.asked(), 0);
    guard.pin(&url("https://git.corp/x")).unwrap();
    assert_eq!(*resolver.names.lock().unwrap(), ["git.corp"]);
}

#[test]
fn a_client_learns_nothing_of_what_lies_inside() {
    let refusal = |answer| pinned(policy(&[], false), &[answer], "https://intranet/x").unwrap_err();
    let inside = refusal(Some("10.1.2.3"));
    for other in [refusal(None), refusal(Some("")), refusal(Some("127.0.0.1"))] {
        assert_eq!(other.to_string(), inside.to_string());
    }
    // The operator does.
    assert_eq!(inside.source().unwrap().to_string(), "it leads to 10.1.2.3, which is private");
}

#[test]
fn eight_addresses_are_kept() {
    let many: Vec<_> = (1..=20).map(|last| format!("1.1.1.{last}")).collect();
    let kept = pinned(policy(&[], false), &[Some(&many.join(" "))], "https://a.example/x").unwrap();
    assert_eq!(kept, many[..8].join(" "));
}

#[test]
fn the_operators_authorities_are_for_what_the_operator_has_named() {
    let authorities = Authorities::from_pem(crate::testing::Authority::new().pem().as_bytes()).unwrap();
    let policy = Policy { authorities: Some(authorities), ..policy(&["git.corp", "10.0.0.0/8"], false) };
    for (text, answer, private) in [
        ("https://git.corp/x", PUBLIC, true),
        ("https://a.example/x", "10.1.2.3", true),
        ("https://a.example/x", PUBLIC, false),
        ("https://a.example/x", "10.1.2.3 1.1.1.1", false),
    ] {
        let pinned = Guard::with_resolver(policy.clone(), Scripted::new(&[Some(answer)])).pin(&url(text)).unwrap();
        assert_eq!(pinned.authorities().is_some(), private, "{text} {answer}");
    }
}
