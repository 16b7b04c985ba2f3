//! The same over real S3 stores, and over wires to them that misbehave.

use std::any::Any;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration as Span, Instant};

use certus_store::{Bucket, S3Config, S3Login};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;

use super::s3::{Fault, LOGIN, Unreliable};
use super::seaweed::Seaweed;
use super::*;

/// Two buckets of a store that listens at `port`.
pub(super) struct Store {
    pub(super) name: &'static str,
    pub(super) port: u16,
    raw: String,
    golden: String,
    /// What it keeps its objects in, and what runs it.
    _runs: Box<dyn Any>,
}

/// Where a scan is published in a store: a part of both buckets, apart from that of every other scan.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) port: u16,
    pub(super) raw: String,
    pub(super) golden: String,
    pub(super) prefix: String,
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, or nobody needs it any more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Every store that can be had here.
fn stores() -> Vec<Store> {
    [Some(s3s()), moto(), seaweed(), rclone()].into_iter().flatten().collect()
}

/// Those that keep what objects carry, by which a publication goes on after a crash.
pub(super) fn faithful() -> Vec<Store> {
    [Some(s3s()), moto(), seaweed()].into_iter().flatten().collect()
}

/// s3s-fs, in this process.
pub(super) fn s3s() -> Store {
    let folder = tempfile::tempdir().unwrap();
    for bucket in ["raw", "golden"] {
        std::fs::create_dir(folder.path().join(bucket)).unwrap();
    }
    let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
    builder.set_auth(SimpleAuth::from_single(LOGIN.0, LOGIN.1));
    let service = builder.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let http = hyper::server::conn::http1::Builder::new();
            while let Ok((stream, _)) = listener.accept().await {
                // A client that goes away is what these tests are about.
                tokio::spawn(http.serve_connection(TokioIo::new(stream), service.clone()));
            }
        });
    });
    Store { name: "s3s-fs", port, raw: "raw".to_owned(), golden: "golden".to_owned(), _runs: Box::new(folder) }
}

/// moto, which AWS's own tests know.
fn moto() -> Option<Store> {
    let tools = std::env::var_os("CERTUS_TEST_VALIDATORS").map(std::path::PathBuf::from);
    let Some(program) = tools.map(|tools| tools.join("bin/moto_server")).filter(|program| program.is_file()) else {
        println!("skipped: no moto here; `cargo xtask setup` installs it");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(program);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).current_dir(folder.path()).env("HOME", folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = Running(command.spawn().unwrap());
    let patience = Instant::now() + Span::from_secs(120);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < patience, "moto does not answer");
        std::thread::sleep(Span::from_millis(20));
    }
    for bucket in ["raw", "golden"] {
        assert!(ask(port, "PUT", &format!("/{bucket}")).starts_with("HTTP/1.1 200"));
    }
    let (raw, golden) = ("raw".to_owned(), "golden".to_owned());
    Some(Store { name: "moto", port, raw, golden, _runs: Box::new((folder, child)) })
}

/// rclone, which forgets what objects carry.
fn rclone() -> Option<Store> {
    let server = super::s3::server()?;
    let (raw, golden) = (server.bucket(), server.bucket());
    Some(Store { name: "rclone", port: server.port(), raw, golden, _runs: Box::new(()) })
}

/// SeaweedFS, the store of the compose file.
fn seaweed() -> Option<Store> {
    let folder = tempfile::tempdir().unwrap();
    let logins = folder.path().join("s3.json");
    let credentials = format!(r#"[{{"accessKey": "{}", "secretKey": "{}"}}]"#, LOGIN.0, LOGIN.1);
    let of =
        |bucket: &str| ["Read", "Write", "List", "Tagging"].map(|action| format!("\"{action}:{bucket}\"")).join(", ");
    let actions = [of("raw"), of("golden")].join(", ");
    let identity = format!(r#"{{"name": "certus", "credentials": {credentials}, "actions": [{actions}]}}"#);
    std::fs::write(&logins, format!(r#"{{"identities": [{identity}]}}"#)).unwrap();
    let config = format!("-s3.config={}", logins.display());
    // Volumes are set aside whole, and the disk may be nearly full.
    let quiet = ["-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=0"];
    let words = ["weed", "-logtostderr=true", "server", "-s3", "-master.volumeSizeLimitMB=64", &config];
    let server = Seaweed::start(&[&words[..], &quiet[..]].concat().into_iter().map(str::to_owned).collect::<Vec<_>>())?;
    for bucket in ["raw", "golden"] {
        let shell = format!("echo 's3.bucket.create -name {bucket}' | weed shell -master={}", server.master);
        let made = server.run(&["sh".to_owned(), "-c".to_owned(), shell]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let (raw, golden) = ("raw".to_owned(), "golden".to_owned());
    Some(Store { name: "SeaweedFS", port: server.port(), raw, golden, _runs: Box::new((folder, server)) })
}

/// One request, and its answer. The signature is none: moto does not look.
fn ask(port: u16, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let login = "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {login}");
    let head = format!("{head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

impl Store {
    /// The scan's destination here, reached at `port`, with content on its way in `scratch`.
    pub(super) fn to(&self, port: u16, scratch: &Path) -> Destination {
        Place { port, ..self.place("security-scans/") }.opened(scratch)
    }

    pub(super) fn place(&self, prefix: &str) -> Place {
        let (raw, golden) = (self.raw.clone(), self.golden.clone());
        Place { port: self.port, raw, golden, prefix: prefix.to_owned() }
    }
}

impl Place {
    pub(super) fn opened(&self, scratch: &Path) -> Destination {
        let bucket = |name: &str| -> Arc<dyn Objects> {
            let login = S3Login { access_key_id: LOGIN.0.to_owned(), secret_access_key: LOGIN.1.to_owned() };
            let config = S3Config {
                endpoint: Some(format!("http://127.0.0.1:{}", self.port)),
                region: "us-east-1".to_owned(),
                bucket: name.to_owned(),
                prefix: self.prefix.clone(),
                login,
                authorities: None,
            };
            Arc::new(Bucket::new(config, scratch))
        };
        Destination { raw: bucket(&self.raw), golden: bucket(&self.golden), registry: None, screen: None }
    }
}

fn published_to(store: &Store, port: u16) -> Fixture {
    let mut fixture = Fixture::new();
    fixture.to = store.to(port, fixture.folder.path());
    fixture
}

#[test]
fn a_golden_set_comes_to_be_in_every_kind_of_store() {
    for store in stores() {
        let name = store.name;
        let fixture = published_to(&store, store.port);
        let wire = Unreliable::to(store.port);
        let published = fixture.publish().unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(fixture.is_complete(), "{name}");
        let key = format!("{SCAN}/golden/scan.json");
        let expected = format!("s3://{}/security-scans/{key}", store.golden);
        assert_eq!(published.remote_artifacts.golden["scan.json"], expected, "{name}");
        let object = run(fixture.to.golden.look(&key)).unwrap().unwrap();
        assert!(
            name == "rclone" || object.meta.as_ref().unwrap().fields()["git-branch"] == "gr%C3%B6%C3%9Fe",
            "{name}: {object:?}"
        );
        assert!(name == "rclone" || object.meta.unwrap().content_type() == "application/json", "{name}");
        if name == "moto" {
            let tags = ask(store.port, "GET", &format!("/{}/security-scans/{key}?tagging", store.golden));
            assert!(tags.contains("<Key>tier</Key><Value>verified</Value>"), "{tags}");
        }
        assert_eq!(fixture.keys(&*fixture.to.golden).len(), FILES.len() + 3, "{name}");

        let mut again = published_to(&store, wire.port());
        again.to = store.to(wire.port(), again.folder.path());
        assert_eq!(again.publish().unwrap().marker, published.marker, "{name}");
        assert_eq!(wire.count(|method| method == "PUT"), 0, "{name}: what is complete is not written again");
        again.files.0.insert("index.json".to_owned(), b"{}".to_vec());
        assert!(matches!(again.publish(), Err(Error::Conflict { .. })), "{name}");
        run(fixture.to.golden.remove(&format!("{SCAN}/complete.json"))).unwrap();
        assert!(!fixture.is_complete(), "{name}");
        assert_eq!(fixture.publish().unwrap(), published, "{name}");
    }
}

#[test]
fn case_118_what_stores_do_that_they_should_not_leaves_one_golden_set() {
    for store in stores() {
        let name = store.name;
        let wire = Unreliable::to(store.port);
        let fixture = published_to(&store, wire.port());
        // What a retry helps against at once.
        wire.script(&[
            ("PUT", Fault::Status(500)),
            ("PUT", Fault::LoseReply),
            ("PUT", Fault::ResetMidway),
            ("GET", Fault::FlipBit),
            ("HEAD", Fault::Status(503)),
            ("PUT", Fault::Status(503)),
            ("GET", Fault::Cut),
            ("GET", Fault::LoseReply),
        ]);
        // What is changed on its way a store may refuse, and then it is for the caller to try again.
        let tries = (0..3).find(|_| fixture.publish().is_ok());
        assert!(tries.is_some() && fixture.is_complete() && wire.is_done(), "{name}");
        assert_eq!(fixture.keys(&*fixture.to.golden).len(), FILES.len() + 3, "{name}");
    }
}

#[test]
fn case_118_bytes_that_change_on_their_way_are_never_golden() {
    for store in stores() {
        let (name, wire) = (store.name, Unreliable::to(store.port));
        let fixture = published_to(&store, wire.port());
        for n in 0..7 {
            let mut script = vec![("PUT", Fault::WrongTag); n];
            script.push(("PUT", Fault::FlipSent));
            wire.script(&script);
            let result = fixture.publish();
            assert!(fixture.is_complete() || result.is_err(), "{name} at {n}: {result:?}");
            if result.is_ok() {
                let marker = format!("{SCAN}/complete.json");
                run(fixture.to.golden.remove(&marker)).unwrap();
            }
            for object in run(fixture.to.raw.list("")).unwrap() {
                run(fixture.to.raw.remove(&object.key)).unwrap();
            }
        }
        wire.script(&[]);
        fixture.publish().unwrap();
        assert!(fixture.is_complete(), "{name}");
    }
}

#[test]
fn case_118_a_store_that_is_away_leaves_nothing_and_may_come_back() {
    let store = s3s();
    let wire = Unreliable::to(store.port);
    let fixture = published_to(&store, wire.port());
    wire.outage(Some(503));
    let error = fixture.publish().unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(!format!("{error:?}").contains(LOGIN.1));
    wire.outage(None);
    assert!(fixture.keys(&*fixture.to.raw).is_empty());
    fixture.publish().unwrap();
    assert!(fixture.is_complete());
}
