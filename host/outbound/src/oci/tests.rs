use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::testing::{Authority, Connection, Request, Server};
use crate::{Authorities, Policy, Resolver};

/// Long enough never to be what ends a test that passes.
const LONG: Duration = Duration::from_secs(60);
const LIMIT: usize = 1000;

struct Loopback;

impl Resolver for Loopback {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![[127, 0, 0, 1].into()])
    }
}

fn sha(bytes: &[u8]) -> String {
    format!("sha256:{}", Sha256::of(bytes))
}

fn descriptor(kind: &str, bytes: &[u8]) -> serde_json::Value {
    json!({"mediaType": kind, "digest": sha(bytes), "size": bytes.len()})
}

/// The document of an artifact with these layers.
fn document(layers: &[(&str, &[u8])]) -> Vec<u8> {
    let layers: Vec<_> = layers.iter().map(|(kind, bytes)| descriptor(kind, bytes)).collect();
    let config = descriptor("application/vnd.oci.empty.v1+json", b"{}");
    json!({"schemaVersion": 2, "mediaType": document::DOCUMENT_TYPE, "config": config, "layers": layers})
        .to_string()
        .into_bytes()
}

/// What a host answers: by path, the head after the status' number, and the body.
type Answers = BTreeMap<String, (String, Vec<u8>)>;

/// Hosts on loopback, each with its name and port.
struct Net {
    authority: Authority,
    servers: Vec<(&'static str, Server)>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Net {
    fn new() -> Self {
        Self { authority: Authority::new(), servers: Vec::new(), heads: Arc::default() }
    }

    /// Adds a host that answers by path, once `wants` stands in the request; before with 401 and `challenge`.
    fn host(&mut self, name: &'static str, wants: &str, challenge: &str, answers: Answers) -> String {
        let (heads, wants, challenge) = (Arc::clone(&self.heads), wants.to_owned(), challenge.to_owned());
        let answer = move |request: &Request, connection: &mut Connection| {
            heads.lock().unwrap().push(format!("{name} {}", request.head));
            let path = request.head.split(' ').nth(1).unwrap_or_default();
            let (head, body) = match answers.get(path) {
                _ if !request.head.contains(&wants) => {
                    (format!("401 X\r\nWWW-Authenticate: {challenge}"), b"{}".as_slice())
                }
                Some((head, body)) => (head.clone(), body.as_slice()),
                None => ("404 X".to_owned(), b"{}".as_slice()),
            };
            write!(connection, "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len())?;
            connection.write_all(body)
        };
        let server = Server::start(&self.authority, name, ([127, 0, 0, 1], 0), answer);
        let host = format!("{name}:{}", server.address.port());
        self.servers.push((name, server));
        host
    }

    fn guard(&self, but: &str) -> Guard {
        let named = self.servers.iter().filter(|(name, _)| *name != but);
        let allow = named.map(|(name, server)| format!("{name}:{}", server.address.port()).parse().unwrap()).collect();
        let authorities = Some(Authorities::from_pem(self.authority.pem().as_bytes()).unwrap());
        Guard::with_resolver(Policy { allow, authorities, ..Policy::default() }, Loopback)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn ok(body: &[u8]) -> (String, Vec<u8>) {
    ("200 OK".to_owned(), body.to_vec())
}

/// A registry with this document under the tag `v1` and these blobs.
fn registry(document: &[u8], blobs: &[&[u8]]) -> Answers {
    let path = |which: &str| format!("/v2/team/policy/{which}");
    let mut answers = Answers::from([
        (path("manifests/v1"), ok(document)),
        (path(&format!("manifests/{}", sha(document))), ok(document)),
    ]);
    answers.extend(blobs.iter().map(|blob| (path(&format!("blobs/{}", sha(blob))), ok(blob))));
    answers
}

const MANIFEST: &[u8] = br#"{"name":"strict"}"#;
const SIGNATURE: &[u8] = b"signature";

fn pulled(answers: Answers, which: &str) -> Result<Artifact, Error> {
    let mut net = Net::new();
    let host = net.host("registry.invalid", "", "", answers);
    let reference: OciReference = format!("oci://{host}/team/policy{which}").parse().unwrap();
    net.guard("").pull(&reference, None, LIMIT, LONG)
}

#[test]
fn a_reference_names_one_artifact() {
    let digest = sha(b"x");
    for (text, host) in [
        ("oci://registry.corp/team/policy:v1".to_owned(), "registry.corp"),
        (format!("oci://registry.corp:5000/policy@{digest}"), "registry.corp:5000"),
        ("oci://[fd00::1]:5000/a/b__c/d---e.f:_x".to_owned(), "[fd00::1]:5000"),
    ] {
        let reference: OciReference = text.parse().unwrap();
        assert_eq!((reference.to_string(), reference.registry().to_string()), (text.clone(), host.to_owned()));
    }
    for (row, bad) in [
        ("another scheme", "https://registry.corp/policy:v1".to_owned()),
        ("neither tag nor digest", "oci://registry.corp/policy".to_owned()),
        ("tag and digest", format!("oci://registry.corp/policy:v1@{digest}")),
        ("no repository", "oci://registry.corp/:v1".to_owned()),
        ("no registry", "oci:///policy:v1".to_owned()),
        ("a login", "oci://me:hunter2@registry.corp/policy:v1".to_owned()),
        ("capitals", "oci://registry.corp/Policy:v1".to_owned()),
        ("a way up", "oci://registry.corp/a/../b:v1".to_owned()),
        ("an empty part", "oci://registry.corp/a//b:v1".to_owned()),
        ("a mark at the end", "oci://registry.corp/a-:v1".to_owned()),
        ("three underlines", "oci://registry.corp/a___b:v1".to_owned()),
        ("a tag with a slash", "oci://registry.corp/a:v1/x".to_owned()),
        ("another digest", format!("oci://registry.corp/a@sha512:{}", "0".repeat(128))),
        ("a short digest", "oci://registry.corp/a@sha256:00".to_owned()),
        ("an octal address", "oci://0177.1/a:v1".to_owned()),
    ] {
        let error = bad.parse::<OciReference>().unwrap_err();
        assert!(
            matches!(error, Error::BadReference { .. }) && !error.to_string().contains("hunter2"),
            "{row}: {error}"
        );
    }
}

#[test]
fn a_manifest_comes_with_its_signature_by_tag_and_by_digest() {
    let document = document(&[(MANIFEST_TYPE, MANIFEST), (SIGNATURE_TYPE, SIGNATURE)]);
    for which in [":v1".to_owned(), format!("@{}", sha(&document))] {
        let artifact = pulled(registry(&document, &[MANIFEST, SIGNATURE]), &which).unwrap();
        assert_eq!(artifact.digest, Sha256::of(&document));
        assert_eq!(
            (artifact.manifest.as_slice(), artifact.signature.as_deref()),
            (MANIFEST, Some(SIGNATURE)),
            "{which}"
        );
    }
    let alone = self::document(&[(MANIFEST_TYPE, MANIFEST)]);
    assert_eq!(pulled(registry(&alone, &[MANIFEST]), ":v1").unwrap().signature, None);
    let config = json!({"schemaVersion": 2, "config": descriptor(MANIFEST_TYPE, MANIFEST)}).to_string();
    assert_eq!(pulled(registry(config.as_bytes(), &[MANIFEST]), ":v1").unwrap().manifest, MANIFEST);
}

#[test]
fn what_is_not_as_its_digest_says_is_not_believed() {
    let document = document(&[(MANIFEST_TYPE, MANIFEST)]);
    let whole = || registry(&document, &[MANIFEST]);
    let with = |path: String, body: &[u8]| Answers::from_iter(whole().into_iter().chain([(path, ok(body))]));
    let blob = format!("/v2/team/policy/blobs/{}", sha(MANIFEST));
    let by_digest = format!("/v2/team/policy/manifests/{}", sha(&document));
    let other = self::document(&[(MANIFEST_TYPE, SIGNATURE)]);
    let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json"}).to_string();
    let sized = |size: u64| {
        let layer = json!({"mediaType": MANIFEST_TYPE, "digest": sha(MANIFEST), "size": size});
        registry(json!({"schemaVersion": 2, "layers": [layer]}).to_string().as_bytes(), &[MANIFEST])
    };
    let elsewhere = json!({"mediaType": MANIFEST_TYPE, "digest": "sha512:00", "size": 1});
    let elsewhere = json!({"schemaVersion": 2, "layers": [elsewhere]}).to_string();
    let twice = self::document(&[(MANIFEST_TYPE, MANIFEST), (MANIFEST_TYPE, SIGNATURE)]);
    let (tag, digest) = (":v1".to_owned(), format!("@{}", sha(&document)));
    for (row, answers, which, passes) in [
        ("as it was pushed", whole(), &digest, true),
        ("another document under the digest", with(by_digest, &other), &digest, false),
        ("another manifest under the digest", with(blob.clone(), b"{}"), &tag, false),
        ("a manifest that is cut", with(blob, &MANIFEST[..5]), &tag, false),
        ("an index", registry(index.as_bytes(), &[]), &tag, false),
        ("no JSON", registry(b"<html>", &[]), &tag, false),
        ("no scan manifest", registry(&self::document(&[(SIGNATURE_TYPE, SIGNATURE)]), &[SIGNATURE]), &tag, false),
        ("two scan manifests", registry(&twice, &[MANIFEST, SIGNATURE]), &tag, false),
        ("another kind of digest", registry(elsewhere.as_bytes(), &[]), &tag, false),
        ("a size that is a lie, small", sized(1), &tag, true),
        ("a size beyond the limit", sized(1001), &tag, false),
        ("a document beyond all", registry(&vec![b' '; 70_000], &[]), &tag, false),
        ("nothing there", Answers::new(), &tag, false),
    ] {
        let result = pulled(answers, which);
        assert_eq!(result.is_ok(), passes, "{row}: {result:?}");
    }
}

/// A registry that wants a token of another host.
fn with_tokens(net: &mut Net, token: &[u8]) -> OciReference {
    let answers =
        Answers::from([("/token?scope=repository%3Ateam%2Fpolicy%3Apull&service=reg%20istry".to_owned(), ok(token))]);
    let tokens = net.host("tokens.invalid", "Basic bWU6aHVudGVyMg==", "Basic", answers);
    let challenge = format!(r#"Bearer realm="https://{tokens}/token",service="reg istry",scope="anything""#);
    let document = document(&[(MANIFEST_TYPE, MANIFEST)]);
    let host = net.host("registry.invalid", "Bearer t0ken", &challenge, registry(&document, &[MANIFEST]));
    format!("oci://{host}/team/policy:v1").parse().unwrap()
}

#[test]
fn a_token_is_fetched_from_where_the_registry_says_and_only_if_that_may_be_reached() {
    let login = Credential::login("me", "hunter2");
    for (row, token, but, login, passes) in [
        ("a token", r#"{"token":"t0ken"}"#, "", Some(&login), true),
        ("by its other name", r#"{"access_token":"t0ken"}"#, "", Some(&login), true),
        ("by both", r#"{"token":"t0ken","access_token":"t0ken"}"#, "", Some(&login), true),
        ("a wrong one", r#"{"token":"other"}"#, "", Some(&login), false),
        ("none", r"{}", "", Some(&login), false),
        ("one that ends the line", r#"{"token":"t0ken\r\nX: y"}"#, "", Some(&login), false),
        ("no login", r#"{"token":"t0ken"}"#, "", None, false),
        ("tokens that lie inside", r#"{"token":"t0ken"}"#, "tokens.invalid", Some(&login), false),
    ] {
        let mut net = Net::new();
        let reference = with_tokens(&mut net, token.as_bytes());
        let result = net.guard(but).pull(&reference, login, LIMIT, LONG);
        assert_eq!(result.is_ok(), passes, "{row}: {result:?}");
        let heads = net.heads();
        assert!(!heads.iter().any(|head| head.starts_with("registry") && head.contains("Basic ")), "{row}: {heads:?}");
        if but == "tokens.invalid" {
            assert!(!heads.iter().any(|head| head.starts_with("tokens")), "{row}");
        }
        assert!(!format!("{result:?}").contains("hunter2"), "{row}");
    }
}

#[test]
fn a_login_is_shown_to_a_registry_that_asks_for_it() {
    let document = document(&[(MANIFEST_TYPE, MANIFEST)]);
    for (secret, passes) in [("hunter2", true), ("other", false)] {
        let mut net = Net::new();
        let answers = registry(&document, &[MANIFEST]);
        let host = net.host("registry.invalid", "Basic bWU6aHVudGVyMg==", r#"Basic realm="x""#, answers);
        let reference: OciReference = format!("oci://{host}/team/policy:v1").parse().unwrap();
        let result = net.guard("").pull(&reference, Some(&Credential::login("me", secret)), LIMIT, LONG);
        assert_eq!(result.is_ok(), passes, "{secret}: {result:?}");
        assert!(!net.heads()[0].to_lowercase().contains("authorization"), "it is not offered unasked");
    }
}

#[test]
fn content_may_lie_elsewhere_one_step_away_and_not_inside() {
    let document = document(&[(MANIFEST_TYPE, MANIFEST)]);
    for (row, location, but, passes) in [
        ("a signed address", "https://STORAGE/data?signature=x%2By&a=b", "", true),
        ("an address that may not be reached", "https://STORAGE/data?signature=x%2By&a=b", "storage.invalid", false),
        ("a second step", "https://STORAGE/again", "", false),
        ("without TLS", "http://STORAGE/data?signature=x%2By&a=b", "", false),
        ("a metadata service", "https://169.254.169.254/latest/meta-data", "", false),
        ("the same host", "/v2/elsewhere", "", true),
        ("nowhere", "", "", false),
    ] {
        let mut net = Net::new();
        let storage = Answers::from([
            ("/data?signature=x%2By&a=b".to_owned(), ok(MANIFEST)),
            ("/again".to_owned(), ("307 X\r\nLocation: /data?signature=x%2By&a=b".to_owned(), Vec::new())),
        ]);
        let storage = net.host("storage.invalid", "", "", storage);
        let mut answers = registry(&document, &[]);
        let moved = format!("307 X\r\nLocation: {}", location.replace("STORAGE", &storage));
        answers.insert(format!("/v2/team/policy/blobs/{}", sha(MANIFEST)), (moved, Vec::new()));
        answers.insert("/v2/elsewhere".to_owned(), ok(MANIFEST));
        let login = Credential::login("me", "hunter2");
        let host = net.host("registry.invalid", "Basic", "Basic", answers);
        // The same host is asked without the login, as every other is.
        let passes = passes && row != "the same host";
        let reference: OciReference = format!("oci://{host}/team/policy:v1").parse().unwrap();
        let result = net.guard(but).pull(&reference, Some(&login), LIMIT, LONG);
        assert_eq!(result.is_ok(), passes, "{row}: {result:?}");
        let heads = net.heads();
        let to_storage: Vec<_> = heads.iter().filter(|head| head.starts_with("storage")).collect();
        assert!(to_storage.iter().all(|head| !head.to_lowercase().contains("authorization")), "{row}: {to_storage:?}");
        assert!(but.is_empty() || to_storage.is_empty(), "{row}");
    }
}
