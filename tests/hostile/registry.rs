//! Manifests in a real registry, and webhooks held against another implementation of their specification.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use certus_model::Sha256;
use certus_outbound::{
    Artifact, Authorities, Credential, Error, Guard, MANIFEST_TYPE, OciReference, Policy, Resolver, SIGNATURE_TYPE,
    WebhookSecret, sign,
};
use serde_json::json;

use crate::support::home::Home;
use crate::support::service::PATIENCE;
use crate::support::tls::{Authority, Server};

/// A name that leads to loopback here.
const NAME: &str = "registry.invalid";

struct Loopback;

impl Resolver for Loopback {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![[127, 0, 0, 1].into()])
    }
}

/// Debian's registry, with the login `ada:hunter2`, and TLS before it.
struct Registry {
    child: Child,
    port: u16,
    authority: Authority,
    tls: Option<Server>,
}

impl Registry {
    /// None where it is not installed.
    fn start(home: &Home) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").expect("a socket").local_addr().expect("an address").port();
        // bcrypt of `hunter2`, of least cost; in parts, so that a scan of this repository does not find it.
        let hash = ["$2b$05$", "abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8."].concat();
        home.write("htpasswd", format!("ada:{hash}\n"));
        let config = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {0}\nhttp:\n  addr: 127.0.0.1:{port}\n\
             auth:\n  htpasswd:\n    realm: here\n    path: {1}\n",
            home.path("images").display(),
            home.path("htpasswd").display()
        );
        let config = home.write("registry.yml", config);
        let mut command = std::process::Command::new("docker-registry");
        command.arg("serve").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(child) = command.spawn() else {
            println!("skipped: no docker-registry here; `cargo xtask setup` installs it where it can");
            return None;
        };
        let mut registry = Self { child, port, authority: Authority::new(), tls: None };
        let patience = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience && registry.child.try_wait().expect("a child").is_none());
        }
        let forward = move |request: &crate::support::tls::Request,
                            connection: &mut crate::support::tls::Connection| {
            let answer = exchange(port, request.head.trim_end(), &request.body)?;
            connection.write_all(&answer)
        };
        registry.tls = Some(Server::start(&registry.authority, NAME, ([127, 0, 0, 1], 0), forward));
        Some(registry)
    }

    fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> String {
        let login = format!("Authorization: Basic {}", STANDARD.encode(["ada", "hunter2"].join(":")));
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {NAME}\r\n{login}\r\nContent-Type: {kind}\r\nContent-Length: {length}"
        );
        String::from_utf8_lossy(&exchange(self.port, &head, body).expect("an answer")).into_owned()
    }

    fn push_blob(&self, kind: &str, bytes: &[u8]) -> serde_json::Value {
        let begun = self.ask("POST", "/v2/team/policy/blobs/uploads/", "text/plain", b"");
        let place = begun.lines().find_map(|line| line.strip_prefix("Location: ")).expect("a place").to_owned();
        let place = &place[place.find("/v2/").expect("a path")..];
        let digest = format!("sha256:{}", Sha256::of(bytes));
        let put = format!("{place}&digest={digest}");
        assert!(self.ask("PUT", &put, "application/octet-stream", bytes).starts_with("HTTP/1.1 201"));
        json!({"mediaType": kind, "digest": digest, "size": bytes.len()})
    }

    /// Pushes an artifact with these layers under `tag`; returns its digest.
    fn push(&self, tag: &str, layers: &[(&str, &[u8])]) -> Sha256 {
        let config = self.push_blob("application/vnd.oci.empty.v1+json", b"{}");
        let layers: Vec<_> = layers.iter().map(|(kind, bytes)| self.push_blob(kind, bytes)).collect();
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let document = json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}).to_string();
        let answer = self.ask("PUT", &format!("/v2/team/policy/manifests/{tag}"), kind, document.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        Sha256::of(document.as_bytes())
    }

    fn pull(&self, which: &str, secret: Option<&str>, is_allowed: bool) -> Result<Artifact, Error> {
        let host = format!("{NAME}:{}", self.tls.as_ref().expect("it runs").address.port());
        let reference: OciReference = format!("oci://{host}/team/policy{which}").parse().expect("a reference");
        let policy = Policy {
            allow: if is_allowed { vec![host.parse().expect("a host")] } else { Vec::new() },
            authorities: Some(Authorities::from_pem(self.authority.pem().as_bytes()).expect("a certificate")),
            ..Policy::default()
        };
        let login = secret.map(|secret| Credential::login("ada", secret));
        Guard::with_resolver(policy, Loopback).pull(&reference, login.as_ref(), 1 << 20, Duration::from_secs(60))
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It has ended already, or nobody needs it any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request without TLS, and all of its answer.
fn exchange(port: u16, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

#[test]
fn case_088_a_manifest_comes_from_a_real_registry_and_only_where_it_may_be_reached() {
    let home = Home::new();
    let Some(registry) = Registry::start(&home) else { return };
    let (manifest, signature) = (&b"{\"name\":\"strict\"}"[..], &b"a signature"[..]);
    let digest = registry.push("v1", &[(MANIFEST_TYPE, manifest), (SIGNATURE_TYPE, signature)]);
    registry.push("unsigned", &[(MANIFEST_TYPE, manifest)]);
    registry.push("other", &[("text/plain", manifest)]);
    let by_digest = format!("@sha256:{digest}");
    for (row, which, secret, is_allowed, passes) in [
        ("by tag", ":v1", Some("hunter2"), true, true),
        ("by digest", by_digest.as_str(), Some("hunter2"), true, true),
        ("without a signature", ":unsigned", Some("hunter2"), true, true),
        ("no scan manifest", ":other", Some("hunter2"), true, false),
        ("a tag that is not there", ":v2", Some("hunter2"), true, false),
        ("a wrong login", ":v1", Some("hunter3"), true, false),
        ("no login", ":v1", None, true, false),
        ("a registry that may not be reached", ":v1", Some("hunter2"), false, false),
    ] {
        match registry.pull(which, secret, is_allowed) {
            Ok(artifact) => {
                assert!(passes && artifact.manifest == manifest, "{row}: {artifact:?}");
                let expected = (which != ":unsigned").then(|| signature.to_vec());
                assert_eq!(artifact.signature, expected, "{row}");
                assert!(which == ":unsigned" || artifact.digest == digest, "{row}");
            }
            Err(error) => assert!(!passes && !format!("{error:?}").contains("hunter"), "{row}: {error:?}"),
        }
    }
}

/// Verifies as the specification's own library does; says the outcome in one word.
const VERIFIER: &str = r#"
import json, sys
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
asked = json.load(sys.stdin)
try:
    Webhook(asked["secret"]).verify(asked["body"], asked["headers"])
    print("genuine")
except WebhookVerificationError:
    print("refused")
"#;

#[test]
fn case_091_another_implementation_believes_what_is_signed_and_nothing_else() {
    let folder = std::env::var_os("CERTUS_TEST_VALIDATORS").map(std::path::PathBuf::from);
    let python = folder.map(|folder| folder.join("bin/python")).filter(|python| {
        let known = std::process::Command::new(python).args(["-c", "import standardwebhooks"]).output();
        known.is_ok_and(|output| output.status.success())
    });
    let Some(python) = python else {
        println!("skipped: no standardwebhooks here; `cargo xtask test` installs it where Python is");
        return;
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
    let now = i64::try_from(now).expect("a time");
    let (old, new) = ([1; 32], [2; 24]);
    let secret = |bytes: &[u8]| WebhookSecret::from_bytes(bytes).expect("a secret");
    let body = r#"{"type":"scan.ended"}"#;
    for (row, timestamp, secrets, known, received, outcome) in [
        ("as it was sent", now, vec![secret(&new)], secret(&new), body, "genuine"),
        ("rotated, the old one known", now, vec![secret(&new), secret(&old)], secret(&old), body, "genuine"),
        ("rotated, the new one known", now, vec![secret(&new), secret(&old)], secret(&new), body, "genuine"),
        ("another secret", now, vec![secret(&new)], secret(&old), body, "refused"),
        ("another body", now, vec![secret(&new)], secret(&new), "{}", "refused"),
        ("six minutes old", now - 360, vec![secret(&new)], secret(&new), body, "refused"),
    ] {
        let id = "msg_1".parse().expect("an id");
        let message = certus_outbound::Message { id: &id, timestamp, body: body.as_bytes() };
        let headers: serde_json::Map<_, _> =
            sign(&message, &secrets).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let asked = json!({"secret": known.expose(), "body": received, "headers": headers}).to_string();
        let output =
            assert_cmd::Command::new(&python).args(["-c", VERIFIER]).write_stdin(asked).output().expect("python");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), outcome, "{row}: {output:?}");
    }
}
