use std::net::{IpAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration as Span, Instant};

use certus_outbound::{Authorities, Guard, Policy, Resolver};
use serde_json::Value as Json;

use super::tls::{Authority, Connection, Request, Server};
use super::*;
use crate::{ARTIFACT_TYPE, Artifact, Mirror, Registry, RegistryRecord, RemoteRegistry};

const LONG: Span = Span::from_secs(60);

fn mirrored() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.files.0.insert("manifest.json".to_owned(), b"{\"name\":\"strict\"}".to_vec());
    let mirror =
        Mirror::open(&fixture.folder.path().join("mirror"), "registry.example.com", "certus-assurance").unwrap();
    fixture.to.registry = Some(Arc::new(mirror));
    fixture
}

#[test]
fn a_mirror_holds_a_layout_that_can_be_carried_to_a_registry() {
    let fixture = mirrored();
    let published = fixture.publish().unwrap();
    let place = fixture.folder.path().join("mirror").join(SCAN);
    let read = |path: &str| std::fs::read(place.join(path)).unwrap_or_else(|_| panic!("no {path}"));
    let json = |path: &str| -> Json { serde_json::from_slice(&read(path)).unwrap() };
    let blob = |descriptor: &Json| {
        let hex = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned();
        let bytes = read(&format!("blobs/sha256/{hex}"));
        assert_eq!((Sha256::of(&bytes).to_string(), bytes.len() as u64), (hex, descriptor["size"].as_u64().unwrap()));
        bytes
    };
    assert_eq!(json("oci-layout")["imageLayoutVersion"], "1.0.0");
    let index = json("index.json");
    let listed = index["manifests"].as_array().unwrap();
    assert_eq!(listed[0]["annotations"]["org.opencontainers.image.ref.name"], SCAN);
    assert_eq!(listed[0]["artifactType"], ARTIFACT_TYPE);
    let main: Json = serde_json::from_slice(&blob(&listed[0])).unwrap();
    let layers = main["layers"].as_array().unwrap();
    let titles: Vec<_> =
        layers.iter().map(|layer| layer["annotations"]["org.opencontainers.image.title"].as_str().unwrap()).collect();
    assert_eq!(titles, published.remote_artifacts.golden.keys().collect::<Vec<_>>());
    assert_eq!(blob(&main["config"]), b"{}");
    assert!(layers.iter().any(|layer| blob(layer) == fixture.files.0["manifest.json"]));
    let mut kinds = Vec::new();
    for referrer in &listed[1..] {
        let document: Json = serde_json::from_slice(&blob(referrer)).unwrap();
        assert_eq!(document["subject"]["digest"], listed[0]["digest"]);
        assert_eq!(document["artifactType"], referrer["artifactType"]);
        kinds.push(format!(
            "{} {}",
            referrer["artifactType"], document["layers"][0]["annotations"]["org.opencontainers.image.title"]
        ));
    }
    assert_eq!(
        kinds.iter().map(|kind| kind.replace('"', "")).collect::<Vec<_>>(),
        [
            "application/vnd.dsse.envelope.v1+json attestation.dsse.json",
            "application/vnd.dsse.envelope.v1+json permit.dsse.json",
            "application/sarif+json reports/sast/findings.sarif.json",
        ]
    );
    assert_eq!(read("image.txt"), b"registry.example.com/certus-assurance:test_0123456789ab");
    assert_eq!(read("image.digest"), listed[0]["digest"].as_str().unwrap().as_bytes());
    assert_eq!(read("policy/manifest.json"), fixture.files.0["manifest.json"]);
    assert_eq!(read("reports/signing/attestation.dsse.json"), fixture.files.0["attestation.dsse.json"]);
    let shown = serde_json::to_value(&published).unwrap();
    assert_eq!(shown["registry"]["image_reference"], "registry.example.com/certus-assurance:test_0123456789ab");
    assert_eq!(shown["registry"]["mirror_path"], place.to_str().unwrap());
    assert_eq!(shown["registry"]["manifest"]["path"], place.join("policy/manifest.json").to_str().unwrap());
    let found = run(find(fixture.scan(), fixture.terms().index_digest, &fixture.to)).unwrap();
    assert_eq!(found, Some(published), "the marker tells the registry too");
}

#[test]
fn a_mirror_that_is_written_again_is_replaced_whole() {
    let fixture = mirrored();
    let published = fixture.publish().unwrap();
    let place = fixture.folder.path().join("mirror");
    std::fs::write(place.join(SCAN).join("left-over.txt"), b"x").unwrap();
    run(fixture.to.golden.remove(&format!("{SCAN}/complete.json"))).unwrap();
    let again = fixture.publish().unwrap();
    assert_eq!(again.marker, published.marker);
    // A newer permit has another signature.
    let digest = std::fs::read_to_string(place.join(SCAN).join("image.digest")).unwrap();
    assert_eq!(again.registry.unwrap().digest, digest);
    assert!(!place.join(SCAN).join("left-over.txt").exists());
    assert_eq!(std::fs::read_dir(place.join(".new")).unwrap().count(), 0);
}

/// Fails until it is told not to.
#[derive(Debug, Default)]
struct Fickle {
    is_up: AtomicBool,
    asked: AtomicBool,
}

impl Registry for Fickle {
    fn place(&self) -> String {
        "fickle".to_owned()
    }

    fn keep<'a>(&'a self, artifact: &'a Artifact) -> BoxFuture<'a, Result<RegistryRecord, Error>> {
        self.asked.store(true, Ordering::Relaxed);
        let kept = match self.is_up.load(Ordering::Relaxed) {
            true => Ok(RegistryRecord {
                image_reference: artifact.scan.to_string(),
                digest: "sha256:x".to_owned(),
                registry: None,
                mirror_path: None,
                manifest: None,
            }),
            false => Err(Error::Mirror { what: "x".to_owned(), cause: std::io::Error::other("full") }),
        };
        Box::pin(async move { kept })
    }
}

#[test]
fn a_registry_is_asked_with_a_valid_permit_and_before_the_marker() {
    let mut fixture = Fixture::new();
    let registry = Arc::new(Fickle::default());
    fixture.to.registry = Some(Arc::clone(&registry) as Arc<dyn Registry>);
    let error = fixture.publish().unwrap_err();
    assert!(error.is_transient() && !fixture.is_complete(), "{error}");
    registry.is_up.store(true, Ordering::Relaxed);
    registry.asked.store(false, Ordering::Relaxed);
    let clock = std::sync::atomic::AtomicI64::new(0);
    let error = fixture.publish_by(&fixture.terms(), &|| at(clock.fetch_add(60, Ordering::Relaxed))).unwrap_err();
    assert!(matches!(error, Error::Expired { .. }), "{error}");
    assert!(!registry.asked.load(Ordering::Relaxed));
    assert!(fixture.publish().unwrap().registry.is_some() && fixture.is_complete());
}

struct Loopback;

impl Resolver for Loopback {
    fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![[127, 0, 0, 1].into()])
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, or nobody needs it any more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One request without TLS, and all of its answer.
fn exchange(port: u16, request: &Request) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(format!("{}\r\nConnection: close\r\n\r\n", request.head.trim_end()).as_bytes())?;
    stream.write_all(&request.body)?;
    let mut answer = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut answer)?;
    Ok(answer)
}

#[test]
fn a_real_registry_takes_a_published_scan() {
    let mut fixture = Fixture::new();
    let folder = fixture.folder.path();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let root = folder.join("images");
    let config = format!(
        "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\n",
        root.display()
    );
    std::fs::write(folder.join("registry.yml"), config).unwrap();
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(folder.join("registry.yml"));
    let Ok(child) = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
        println!("skipped: no docker-registry here; `cargo xtask setup` installs it where it can");
        return;
    };
    let _running = Running(child);
    let patience = Instant::now() + LONG;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < patience, "the registry does not answer");
    }
    let authority = Authority::new();
    let answer = move |request: &Request, connection: &mut Connection| connection.write_all(&exchange(port, request)?);
    let server = Server::start(&authority, "registry.invalid", ([127, 0, 0, 1], 0), answer);
    let host = format!("registry.invalid:{}", server.address.port());
    let guard = |allow| {
        let authorities = Some(Authorities::from_pem(authority.pem().as_bytes()).unwrap());
        Guard::with_resolver(Policy { allow, authorities, ..Policy::default() }, Loopback)
    };
    let remote = |guard| {
        Some(Arc::new(RemoteRegistry::new(guard, &host, "team/bundles", None, LONG).unwrap()) as Arc<dyn Registry>)
    };
    fixture.to.registry = remote(guard(Vec::new()));
    let error = fixture.publish().unwrap_err();
    assert!(
        matches!(error, Error::Registry(_)) && !fixture.is_complete(),
        "a registry that may not be reached: {error}"
    );

    fixture.to.registry = remote(guard(vec![host.parse().unwrap()]));
    let record = fixture.publish().unwrap().registry.unwrap();
    assert_eq!(record.image_reference, format!("{host}/team/bundles:{SCAN}"));
    assert_eq!(record.registry, Some(host));
    let get = |path: String, kind: &str| {
        let head = format!("GET /v2/team/bundles/{path} HTTP/1.1\r\nHost: x\r\nAccept: {kind}");
        let answer = exchange(port, &Request { head, body: Vec::new() }).unwrap();
        let at = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        answer[at..].to_vec()
    };
    let main = get(format!("manifests/{SCAN}"), certus_outbound::DOCUMENT_TYPE);
    assert_eq!(format!("sha256:{}", Sha256::of(&main)), record.digest);
    let main: Json = serde_json::from_slice(&main).unwrap();
    for layer in main["layers"].as_array().unwrap() {
        let digest = layer["digest"].as_str().unwrap();
        assert_eq!(format!("sha256:{}", Sha256::of(&get(format!("blobs/{digest}"), "*/*"))), digest);
    }
    let listed =
        get(format!("manifests/{}", record.digest.replace(':', "-")), "application/vnd.oci.image.index.v1+json");
    let listed: Json = serde_json::from_slice(&listed).unwrap();
    assert_eq!(listed["manifests"].as_array().unwrap().len(), 3);
}

#[test]
fn what_is_no_registry_is_refused_when_it_is_set_up() {
    let guard = || Guard::with_resolver(Policy::default(), Loopback);
    let folder = tempfile::tempdir().unwrap();
    for (registry, repository, passes) in [
        ("registry.corp:5000", "team/bundles", true),
        ("registry.corp", "Team", false),
        ("registry.corp", "a/../b", false),
        ("me:hunter2@registry.corp", "a", false),
        ("", "a", false),
        ("registry.corp", "", false),
        ("registry.corp", "a:b", false),
    ] {
        let remote = RemoteRegistry::new(guard(), registry, repository, None, LONG);
        let mirror = Mirror::open(folder.path(), registry, repository);
        assert_eq!((remote.is_ok(), mirror.is_ok()), (passes, passes), "{registry} {repository}");
        assert!(!format!("{remote:?}").contains("hunter2"));
    }
}
