use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::*;
use crate::testing::{Authority, Connection, Request, Server};
use crate::{Authorities, Policy, Resolver};

const NAME: &str = "registry.invalid";
const LONG: Duration = Duration::from_secs(60);

struct Loopback;

impl Resolver for Loopback {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![[127, 0, 0, 1].into()])
    }
}

/// What a registry does, and not only what the specification has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Keeps no list of what refers to something.
    Plain,
    /// Keeps one.
    Referrers,
    /// Names its upload as if nobody spoke TLS to it.
    BehindProxy,
    /// Wants content sent elsewhere.
    Elsewhere,
    /// Names no place for content.
    Nowhere,
    /// Keeps other documents than it is given.
    Lying,
    /// Refuses every document.
    Full,
    /// Answers a document with a status of its own.
    Odd,
    /// Wants a login.
    Closed,
}

/// What a registry holds: paths below `/v2/team/bundles/` with their bytes.
type Held = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

struct Fake {
    authority: Authority,
    server: Server,
    held: Held,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn start(kind: Kind) -> Self {
        let (authority, held, heads) = (Authority::new(), Held::default(), Arc::<Mutex<Vec<String>>>::default());
        let (objects, seen) = (Arc::clone(&held), Arc::clone(&heads));
        let answer = move |request: &Request, connection: &mut Connection| {
            seen.lock().unwrap().push(request.head.clone());
            let (head, body) = reply(kind, request, &mut objects.lock().unwrap());
            write!(connection, "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len())?;
            match request.head.starts_with("HEAD") {
                true => Ok(()),
                false => connection.write_all(&body),
            }
        };
        let server = Server::start(&authority, NAME, ([127, 0, 0, 1], 0), answer);
        Self { authority, server, held, heads }
    }

    fn push(&self, which: &str, login: Option<&Credential>) -> Result<(), Error> {
        push(&self.authority, self.server.address.port(), which, login, &artifact())
    }

    fn held(&self) -> BTreeMap<String, Vec<u8>> {
        self.held.lock().unwrap().clone()
    }

    fn count(&self, method: &str) -> usize {
        self.heads.lock().unwrap().iter().filter(|head| head.starts_with(method)).count()
    }
}

fn reply(kind: Kind, request: &Request, held: &mut BTreeMap<String, Vec<u8>>) -> (String, Vec<u8>) {
    let mut words = request.head.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let host = request.head.lines().find_map(|line| line.to_lowercase().strip_prefix("host: ").map(ToOwned::to_owned));
    let host = host.unwrap();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = path.strip_prefix("/v2/team/bundles/").unwrap();
    let text = |head: &str| (head.to_owned(), Vec::new());
    if kind == Kind::Closed && !request.head.contains("Basic bWU6aHVudGVyMg==") {
        return text("401 X\r\nWWW-Authenticate: Basic realm=\"x\"");
    }
    match (method, path) {
        ("POST", "blobs/uploads/") => match kind {
            Kind::Elsewhere => text("202 X\r\nLocation: https://storage.invalid/v2/upload"),
            Kind::Nowhere => text("202 X"),
            Kind::BehindProxy => {
                (format!("202 X\r\nLocation: http://{host}/v2/team/bundles/blobs/uploads/1?state=a%2B"), Vec::new())
            }
            _ => text("202 X\r\nLocation: /v2/team/bundles/blobs/uploads/1"),
        },
        ("PUT", "blobs/uploads/1") => {
            let wanted = query.rsplit_once("digest=sha256%3A").unwrap().1;
            assert!(kind != Kind::BehindProxy || query.starts_with("state=a%2B&"), "{query}");
            match Sha256::of(&request.body).to_string() == wanted {
                true => {
                    held.insert(format!("blobs/sha256:{wanted}"), request.body.clone());
                    text("201 X")
                }
                false => text("400 X"),
            }
        }
        ("PUT", _) if kind == Kind::Full => text("507 X"),
        ("PUT", _) if kind == Kind::Odd => text("202 X"),
        ("PUT", _) => {
            let bytes = if kind == Kind::Lying { b"{}".to_vec() } else { request.body.clone() };
            held.insert(format!("manifests/sha256:{}", Sha256::of(&request.body)), bytes.clone());
            held.insert(path.to_owned(), bytes);
            let document: Json = serde_json::from_slice(&request.body).unwrap();
            match kind == Kind::Referrers && document["subject"].is_object() {
                true => text("201 X\r\nOCI-Subject: sha256:x"),
                false => text("201 X"),
            }
        }
        _ => match held.get(path) {
            Some(bytes) => ("200 X".to_owned(), bytes.clone()),
            None => text("404 X"),
        },
    }
}

fn push(
    authority: &Authority,
    port: u16,
    which: &str,
    login: Option<&Credential>,
    artifact: &OciPush<'_>,
) -> Result<(), Error> {
    let host = format!("{NAME}:{port}");
    let reference: OciReference = format!("oci://{host}/team/bundles{which}").parse().unwrap();
    let authorities = Some(Authorities::from_pem(authority.pem().as_bytes()).unwrap());
    let policy = Policy { allow: vec![host.parse().unwrap()], authorities, ..Policy::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Guard::with_resolver(policy, Loopback).push(&reference, login, artifact, LONG))
}

const SARIF: &[u8] = br#"{"runs":[]}"#;
const EMPTY: &[u8] = b"{}";

fn document(kind: &str, subject: Option<&OciDocument>) -> OciDocument {
    let blob = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": format!("sha256:{}", Sha256::of(bytes)), "size": bytes.len()});
    let mut document = json!({
        "schemaVersion": 2, "mediaType": DOCUMENT_TYPE, "artifactType": kind,
        "config": blob("application/vnd.oci.empty.v1+json", EMPTY), "layers": [blob("application/sarif+json", SARIF)],
    });
    if let Some(subject) = subject {
        document["subject"] = subject.descriptor();
    }
    OciDocument { bytes: document.to_string().into_bytes(), artifact_type: kind.to_owned() }
}

fn artifact() -> OciPush<'static> {
    let blob = |bytes: &'static [u8]| OciBlob {
        digest: Sha256::of(bytes),
        size: bytes.len() as u64,
        content: OciContent::Bytes(bytes),
    };
    let artifact = document("application/vnd.certus.bundle.v1+json", None);
    let referrers = vec![document("application/sarif+json", Some(&artifact))];
    OciPush { blobs: vec![blob(EMPTY), blob(SARIF)], artifact, referrers }
}

/// The tag under which what refers to the artifact is listed.
fn fallback() -> String {
    format!("manifests/sha256-{}", artifact().artifact.digest())
}

#[test]
fn an_artifact_is_pushed_once_and_found_by_tag_digest_and_subject() {
    for kind in [Kind::Plain, Kind::Referrers, Kind::BehindProxy] {
        let fake = Fake::start(kind);
        fake.push(":test_1", None).unwrap();
        let (held, pushed) = (fake.held(), artifact());
        assert_eq!(held["manifests/test_1"], pushed.artifact.bytes, "{kind:?}");
        assert_eq!(held[&format!("blobs/sha256:{}", Sha256::of(SARIF))], SARIF);
        let referrer = &pushed.referrers[0];
        assert_eq!(held[&format!("manifests/sha256:{}", referrer.digest())], referrer.bytes);
        let listed = held.get(&fallback()).map(|bytes| serde_json::from_slice::<Json>(bytes).unwrap());
        match kind {
            Kind::Referrers => assert_eq!(listed, None, "the registry lists it itself"),
            _ => assert_eq!(listed.unwrap()["manifests"], json!([referrer.descriptor()]), "{kind:?}"),
        }
        let (uploads, puts) = (fake.count("POST"), fake.count("PUT"));
        fake.push(":test_1", None).unwrap();
        assert_eq!((fake.count("POST"), fake.held()), (uploads, held), "{kind:?}: content is not sent twice");
        assert_eq!(fake.count("PUT"), puts + 2, "{kind:?}: documents are");
    }
}

#[test]
fn what_others_have_listed_stays_listed() {
    let fake = Fake::start(Kind::Plain);
    let other = json!({"mediaType": DOCUMENT_TYPE, "digest": "sha256:00", "size": 2});
    let index = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [other]}).to_string().into_bytes();
    fake.held.lock().unwrap().insert(fallback(), index);
    fake.push(":test_1", None).unwrap();
    let listed: Json = serde_json::from_slice(&fake.held()[&fallback()]).unwrap();
    assert_eq!(listed["manifests"], json!([other, artifact().referrers[0].descriptor()]));
}

#[test]
fn content_goes_to_the_registry_alone_and_is_kept_as_it_is_or_the_push_fails() {
    let login = Credential::login("me", "hunter2");
    for (row, kind, login, which, passes) in [
        ("as it should be", Kind::Plain, None, ":v1", true),
        ("another host for content", Kind::Elsewhere, None, ":v1", false),
        ("no place for content", Kind::Nowhere, None, ":v1", false),
        ("other documents than were given", Kind::Lying, None, ":v1", false),
        ("a full disk", Kind::Full, None, ":v1", false),
        ("a status that is none", Kind::Odd, None, ":v1", false),
        ("a login that is wanted", Kind::Closed, Some(&login), ":v1", true),
        ("no login", Kind::Closed, None, ":v1", false),
        ("no tag", Kind::Plain, None, &format!("@sha256:{}", Sha256::of(SARIF)), false),
    ] {
        let fake = Fake::start(kind);
        let result = fake.push(which, login);
        assert_eq!(result.is_ok(), passes, "{row}: {result:?}");
        assert!(passes || kind == Kind::Lying || !fake.held().contains_key("manifests/v1"), "{row}");
        assert!(!format!("{result:?}").contains("hunter2"), "{row}");
    }
}

#[test]
fn a_blob_that_is_not_what_its_digest_says_is_refused_by_the_registry() {
    let fake = Fake::start(Kind::Plain);
    let mut artifact = artifact();
    artifact.blobs[1].content = OciContent::Bytes(br#"{"runs":[] "#);
    let error = push(&fake.authority, fake.server.address.port(), ":v1", None, &artifact).unwrap_err();
    assert!(matches!(error, Error::Status { status: 400, .. }), "{error:?}");
    assert!(!fake.held().contains_key("manifests/v1"));
}

/// Debian's registry, and TLS before it.
struct Debian {
    child: Child,
    port: u16,
}

impl Debian {
    /// None where it is not installed.
    fn start(folder: &std::path::Path) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\n",
            folder.join("images").display()
        );
        std::fs::write(folder.join("registry.yml"), config).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(folder.join("registry.yml"));
        let Ok(child) = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
            println!("skipped: no docker-registry here; `cargo xtask setup` installs it where it can");
            return None;
        };
        let mut registry = Self { child, port };
        let patience = Instant::now() + LONG;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience && registry.child.try_wait().unwrap().is_none());
        }
        Some(registry)
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        // It has ended already, or nobody needs it any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request without TLS, and all of its answer.
fn exchange(port: u16, request: &Request) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(format!("{}\r\nConnection: close\r\n\r\n", request.head.trim_end()).as_bytes())?;
    stream.write_all(&request.body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_real_registry_takes_an_artifact_with_what_refers_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some(registry) = Debian::start(folder.path()) else { return };
    let (authority, port) = (Authority::new(), registry.port);
    let answer = move |request: &Request, connection: &mut Connection| connection.write_all(&exchange(port, request)?);
    let server = Server::start(&authority, NAME, ([127, 0, 0, 1], 0), answer);
    let pushed = artifact();
    // Twice: the second one finds everything there.
    for _ in 0..2 {
        push(&authority, server.address.port(), ":test_1", None, &pushed).unwrap();
    }
    let get = |which: &str, kind: &str| {
        let head = format!("GET /v2/team/bundles/{which} HTTP/1.1\r\nHost: {NAME}\r\nAccept: {kind}");
        let answer = exchange(port, &Request { head, body: Vec::new() }).unwrap();
        let at = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        (String::from_utf8_lossy(&answer[..at]).into_owned(), answer[at..].to_vec())
    };
    assert_eq!(get("manifests/test_1", DOCUMENT_TYPE).1, pushed.artifact.bytes);
    assert_eq!(get(&format!("blobs/sha256:{}", Sha256::of(SARIF)), "*/*").1, SARIF);
    let (head, listed) = get(&fallback(), INDEX_TYPE);
    assert!(head.contains(INDEX_TYPE), "{head}");
    let listed: Json = serde_json::from_slice(&listed).unwrap();
    assert_eq!(listed["manifests"], json!([pushed.referrers[0].descriptor()]));
}
