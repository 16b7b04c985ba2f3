//! The one door to the network: what a client writes as an address, and what name servers answer.

use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use certus_checkout::{Checkout, Error, Git, Scratch, Source, SourcePolicy};
use certus_model::limits::WorkspaceLimits;
use certus_model::outcome::CheckoutReason;
use certus_outbound::{Authorities, Guard, Policy, Resolver};

use crate::support::home::Home;
use crate::support::tls::{Authority, Connection, Request, Server};

/// A name that leads where a test says.
const NAME: &str = "git.invalid";

/// Answers each lookup with the next of its answers, the last one again and again; an empty one is a failure.
#[derive(Clone)]
struct Answers(Arc<(Vec<Vec<IpAddr>>, AtomicUsize)>);

impl Answers {
    fn new(answers: &[&[&str]]) -> Self {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().expect("an address")).collect();
        Self(Arc::new((answers.iter().map(parse).collect(), AtomicUsize::new(0))))
    }

    fn asked(&self) -> usize {
        self.0.1.load(Ordering::Relaxed)
    }
}

impl Resolver for Answers {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let (answers, asked) = &*self.0;
        let answer = &answers[asked.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1)];
        if answer.is_empty() { Err(io::Error::other("no such name")) } else { Ok(answer.clone()) }
    }
}

fn policy(allow: &[String], authority: &Authority) -> Policy {
    let allow = allow.iter().map(|text| text.parse().expect("an entry")).collect();
    let authorities = Authorities::from_pem(authority.pem().as_bytes()).expect("a certificate");
    Policy { allow, authorities: Some(authorities), ..Policy::default() }
}

/// A home with a repository, and the digest of its tree.
struct Forge {
    home: Home,
    authority: Authority,
}

impl Forge {
    fn new() -> Self {
        let home = Home::new();
        home.repository("repository", &[("file", b"content")]);
        Self { home, authority: Authority::new() }
    }

    /// Serves the repository at an address of loopback.
    fn serve(&self, address: impl Into<SocketAddr>) -> Server {
        let repository = self.home.path("repository");
        Server::start(&self.authority, NAME, address, move |request, connection| {
            let repository = repository.to_str().expect("a plain path");
            smart(repository, request, connection)
        })
    }

    /// Checks out what a service is asked for.
    fn checkout(&self, text: &str, policy: SourcePolicy<'_>) -> Result<Checkout, Error> {
        let scratch = Scratch::open(&self.home.path("checkouts")).expect("a folder");
        let source = Source::git(text, policy)?;
        let (limits, never) = (WorkspaceLimits::default(), AtomicBool::new(false));
        certus_checkout::checkout(&source, None, &limits, &scratch, &Git::default(), &never)
    }
}

/// git's own server behind HTTP, as forges have it.
pub(crate) fn smart(repository: &str, request: &Request, connection: &mut Connection) -> io::Result<()> {
    let kind = if request.head.starts_with("GET /repo/info/refs?service=git-upload-pack ") {
        "advertisement"
    } else if request.head.starts_with("POST /repo/git-upload-pack ") {
        "result"
    } else {
        return connection.write_all(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    };
    let mut git = assert_cmd::Command::new("git");
    git.args(["upload-pack", "--stateless-rpc"]).env("GIT_PROTOCOL", "version=2");
    if kind == "advertisement" {
        git.arg("--advertise-refs");
    }
    let output = git.arg(repository).write_stdin(request.body.clone()).output()?;
    write!(
        connection,
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/x-git-upload-pack-{kind}\r\n\r\n"
    )?;
    if kind == "advertisement" {
        connection.write_all(b"001e# service=git-upload-pack\n0000")?;
    }
    connection.write_all(&output.stdout)
}

/// The reason of a refusal.
fn reason(result: Result<Source, Error>) -> Option<CheckoutReason> {
    result.err().and_then(|error| error.reason())
}

#[test]
fn case_087_no_spelling_of_an_address_leads_inside() {
    // Every name leads to a public host, so that what is refused is refused for its spelling.
    let answers = Answers::new(&[&["93.184.216.34"]]);
    let guard = Guard::with_resolver(Policy::default(), answers.clone());
    let service = SourcePolicy::Service { guard: &guard, root: None };
    for (row, url) in [
        ("plain http", "http://example.org/x"),
        ("octal, http", "http://0177.1/x"),
        ("octal", "https://0177.1/x"),
        ("hexadecimal", "https://0x7f.1/x"),
        ("one number", "https://2130706433/x"),
        ("loopback", "https://127.0.0.1/x"),
        ("unspecified", "https://0.0.0.0/x"),
        ("metadata", "https://169.254.169.254/latest/meta-data"),
        ("loopback of version 6", "https://[::1]/x"),
        ("mapped", "https://[::ffff:127.0.0.1]/x"),
        ("mapped, in hexadecimal", "https://[::ffff:7f00:1]/x"),
        ("translated", "https://[64:ff9b::7f00:1]/x"),
        ("6to4", "https://[2002:7f00:1::]/x"),
        ("Teredo", "https://[2001:0:7f00:1::]/x"),
        ("localhost and a dot", "https://localhost./x"),
        ("a login", "https://good@evil.example/x"),
        ("a login that looks like a host", "https://example.org:443@evil.example/x"),
        ("a backslash", "https://example.org\\@evil.example/x"),
        ("an encoded dot", "https://127%2e0.0.1/x"),
        ("a dot of another alphabet", "https://127\u{3002}0.0.1/x"),
        ("digits of another alphabet", "https://\u{2460}27.0.0.1/x"),
        ("no host", "https:///x"),
        ("a helper of git", "https::ext::sh -c id"),
        ("a command", "ext::sh -c id"),
        ("a setting at the end", "https://example.org/x/.proxy=http://evil.example"),
        ("a file", "file:///etc"),
        ("a path", "/etc"),
        ("an option", "--upload-pack=id"),
        ("another port", "https://example.org:22/x"),
        ("ssh", "git@example.org:x"),
    ] {
        assert_eq!(reason(Source::git(url, service)), Some(CheckoutReason::BadUrl), "{row}");
        assert_eq!(reason(Source::parse(url, service)), Some(CheckoutReason::BadUrl), "{row}");
    }
    assert_eq!(answers.asked(), 0, "nothing of this was looked up");
    // Twins: usual spellings, among them those of public addresses.
    for url in [
        "https://example.org/x",
        "https://example.org:443/x.git",
        "https://93.184.216.34/x",
        "https://[2606:4700::1]/x",
    ] {
        Source::git(url, service).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
}

#[test]
fn case_087_a_repository_on_loopback_is_fetched_only_when_the_operator_allows_it() {
    let forge = Forge::new();
    let server = forge.serve(([127, 0, 0, 1], 0));
    let port = server.address.port();
    let url = format!("https://{NAME}:{port}/repo");
    let at = |allow: &[String]| {
        let guard = Guard::with_resolver(policy(allow, &forge.authority), Answers::new(&[&["127.0.0.1"]]));
        forge.checkout(&url, SourcePolicy::Service { guard: &guard, root: None })
    };
    for (row, allow) in [
        ("nothing", vec![]),
        ("the name at another port", vec![NAME.to_owned()]),
        ("another name at the port", vec![format!("other.invalid:{port}")]),
        ("the network, which is for port 443", vec!["127.0.0.0/8".to_owned()]),
    ] {
        let error = at(&allow).expect_err(row);
        assert_eq!(error.reason(), Some(CheckoutReason::BadUrl), "{row}: {error}");
    }
    assert_eq!(server.connections(), 0, "nobody has connected");
    // Twin: the name that no name server knows leads git to the pinned address, over TLS that is checked.
    let fetched = at(&[format!("{NAME}:{port}")]).expect("it is allowed");
    let local = forge.checkout(forge.home.path("repository").to_str().expect("a plain path"), SourcePolicy::Any);
    assert_eq!(fetched.tree_digest, local.expect("the same repository").tree_digest);
    assert!(server.connections() > 0);
}

#[test]
fn case_087_a_server_that_the_authorities_do_not_know_is_not_fetched_from() {
    let forge = Forge::new();
    let server = forge.serve(([127, 0, 0, 1], 0));
    let allow = [format!("{NAME}:{}", server.address.port())];
    for (row, authority, fetched) in [("known", &forge.authority, true), ("unknown", &Authority::new(), false)] {
        let guard = Guard::with_resolver(policy(&allow, authority), Answers::new(&[&["127.0.0.1"]]));
        let service = SourcePolicy::Service { guard: &guard, root: None };
        let result = forge.checkout(&format!("https://{}/repo", allow[0]), service);
        assert_eq!(result.is_ok(), fetched, "{row}: {:?}", result.err());
    }
}

#[test]
fn case_088_what_is_not_public_throughout_is_refused() {
    let public = "93.184.216.34";
    for (row, answers, passes) in [
        ("public", &[&[public][..]][..], true),
        ("two public", &[&[public, "2606:4700::1"]], true),
        ("public, then private: the first is kept", &[&[public], &["127.0.0.1"]], true),
        ("private, then public", &[&["127.0.0.1"], &[public]], false),
        ("no such name, then private", &[&[], &["127.0.0.1"]], false),
        ("no such name, then public", &[&[], &[public]], false),
        ("public and private at once", &[&[public, "10.0.0.1"]], false),
        ("private and public at once", &[&["10.0.0.1", public]], false),
        ("public of version 4, loopback of version 6", &[&[public, "::1"]], false),
        ("an alias of something inside", &[&["192.168.0.10"]], false),
        ("an alias of the metadata service", &[&["169.254.169.254"]], false),
        ("shared by customers", &[&["100.64.0.1"]], false),
        ("mapped", &[&["::ffff:10.0.0.1"]], false),
        ("translated", &[&["64:ff9b::a00:1"]], false),
        ("a private network of version 6", &[&["fd00::1"]], false),
    ] {
        let resolver = Answers::new(answers);
        let guard = Guard::with_resolver(Policy::default(), resolver.clone());
        let service = SourcePolicy::Service { guard: &guard, root: None };
        let source = Source::git("https://evil.example/repo", service);
        assert_eq!(source.is_ok(), passes, "{row}: {source:?}");
        assert_eq!(resolver.asked(), 1, "{row}: one lookup, and no second chance");
        assert!(passes || reason(source) == Some(CheckoutReason::BadUrl), "{row}");
    }
}

#[test]
fn case_088_git_goes_where_the_first_answer_led() {
    let forge = Forge::new();
    let checked = forge.serve(([127, 0, 0, 2], 0));
    let port = checked.address.port();
    // What a rebinding name server would lead to afterwards: the same port, so that nothing else tells.
    let swapped = forge.serve(([127, 0, 0, 3], port));
    let allow = [format!("{NAME}:{port}")];
    for (row, first, second, reached) in [
        ("the first answer", "127.0.0.2", "127.0.0.3", (true, false)),
        ("the other way round", "127.0.0.3", "127.0.0.2", (false, true)),
    ] {
        let before = (checked.connections(), swapped.connections());
        let resolver = Answers::new(&[&[first], &[second]]);
        let guard = Guard::with_resolver(policy(&allow, &forge.authority), resolver.clone());
        let service = SourcePolicy::Service { guard: &guard, root: None };
        forge
            .checkout(&format!("https://{NAME}:{port}/repo"), service)
            .unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!(resolver.asked(), 1, "{row}");
        let after = (checked.connections(), swapped.connections());
        assert_eq!((after.0 > before.0, after.1 > before.1), reached, "{row}");
    }
}

#[test]
fn case_088_a_manifest_comes_from_the_address_that_was_checked() {
    let authority = Authority::new();
    let content = |text: &'static str| {
        move |_: &Request, connection: &mut Connection| {
            write!(connection, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())
        }
    };
    let checked = Server::start(&authority, NAME, ([127, 0, 0, 2], 0), content("checked"));
    let port = checked.address.port();
    let swapped = Server::start(&authority, NAME, ([127, 0, 0, 3], port), content("swapped"));
    let url = format!("https://{NAME}:{port}/manifest.json").parse().expect("an address");
    let resolver = Answers::new(&[&["127.0.0.2"], &["127.0.0.3"]]);
    let guard = Guard::with_resolver(policy(&[format!("{NAME}:{port}")], &authority), resolver.clone());
    assert_eq!(guard.fetch(&url, 1000, Duration::from_secs(60)).expect("it is allowed"), b"checked");
    assert_eq!((resolver.asked(), swapped.connections()), (1, 0));
    // The next fetch is checked anew; to a stranger it is closed.
    assert_eq!(guard.fetch(&url, 1000, Duration::from_secs(60)).expect("it is allowed"), b"swapped");
    let closed = Guard::with_resolver(Policy::default(), Answers::new(&[&["127.0.0.2"]]));
    let plain = format!("https://{NAME}/manifest.json").parse().expect("an address");
    closed.fetch(&plain, 1000, Duration::from_secs(60)).expect_err("nobody has allowed it");
    assert_eq!(checked.connections(), 1);
}
