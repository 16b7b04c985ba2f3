//! The commands that ask a service, as a pipeline runs them in place of `certus scan`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use serde_json::{Value, json};

use super::keys::{certus, key, production, user};
use crate::support::home::{Ended, Home, ended};
use crate::support::service::{PATIENCE, Service, directory};
use crate::support::tls::Authority;

/// A service that wants keys, and a key for it.
struct Cast {
    home: Home,
    service: Service,
    key: String,
}

impl Cast {
    fn new() -> Self {
        let home = Home::new();
        home.workspace("repo");
        let settings = production(&home);
        let user = user(&home, "acme", "tenant");
        let key = key(&home, &user, "write");
        let service = Service::start(&home, &settings).with_key(&key);
        Self { home, service, key }
    }

    /// The command as a client of the service runs it.
    fn command(&self, arguments: &[&str]) -> std::process::Command {
        client(&self.home, self.service.address(), &self.key, arguments)
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments).output().expect("certus runs"))
    }
}

fn client(home: &Home, address: &str, key: &str, arguments: &[&str]) -> std::process::Command {
    let mut command = home.command();
    command.env("CERTUS_SERVER", format!("http://{address}")).env("CERTUS_API_KEY", key).args(arguments);
    command
}

#[test]
fn a_pipeline_that_submits_sees_what_one_that_scans_sees() {
    let cast = Cast::new();
    let home = &cast.home;
    let tree = std::fs::read(home.path("workspaces/repo/config.py")).expect("a file");
    home.repository("shop", &[("config.py", &tree), ("README.md", b"# A repository\n")]);
    home.git("shop", &["archive", "--format=tar.gz", "-o", "../shop.tar.gz", "HEAD"]);
    home.repository("clean", &[("README.md", b"# A repository\n")]);
    home.write("shop/later.txt", "not committed");
    for (row, submitted, scanned, code) in [
        ("a repository", "shop", "shop", 2),
        ("a directory", "dir:workspaces/repo", "dir:workspaces/repo", 2),
        ("an archive", "shop.tar.gz", "shop.tar.gz", 2),
        ("a path of the service", "server:repo", "dir:workspaces/repo", 2),
        ("nothing to find", "clean", "clean", 0),
    ] {
        for format in ["table", "json"] {
            let common = ["--profile", "smoke", "--format", format, "--force", "--out"];
            let here = home.run(&[&["scan", scanned], &common[..], &["here", "--fail-on", "high"]].concat());
            let there = cast.run(&[&["submit", submitted, "--wait"], &common[..], &["there"]].concat());
            assert_eq!(here.code, code, "{row}: {}{}", here.stdout, here.stderr);
            // A profile's own thresholds may be wider than `--fail-on`.
            let policy = |folder: &str| -> Value {
                let text = std::fs::read(home.path(folder).join("policy-result.json")).expect("a policy result");
                serde_json::from_slice(&text).expect("JSON")
            };
            assert_eq!(policy("here")["counts"], policy("there")["counts"], "{row}");
            let decision = policy("there")["decision"].as_str().expect("a decision").to_owned();
            assert_eq!(there.code, if decision == "pass" { 0 } else { 2 }, "{row}: {}{}", there.stdout, there.stderr);
            let rows = |text: &str| {
                text.lines()
                    .filter(|line| !line.starts_with("decision:") && !line.contains("threshold"))
                    .collect::<Vec<_>>()
                    .join("\n")
            };
            assert_eq!(rows(&there.stdout), rows(&here.stdout), "{row}, {format}");
            assert!(there.stderr.contains("bundle there"), "{row}: {}", there.stderr);
            let verified = home.run(&["verify", "there"]);
            assert_eq!(verified.code, 0, "{row}: {}{}", verified.stdout, verified.stderr);
        }
    }
    assert_eq!(home.left_over(), Vec::<String>::new());
}

#[test]
fn what_keeps_a_client_from_an_answer_is_told_with_the_hosts_code() {
    let cast = Cast::new();
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a socket").local_addr().expect("an address").to_string();
    let here = cast.service.address().to_owned();
    let submit = ["submit", "server:repo", "--profile", "smoke", "--wait"];
    for (row, address, key, arguments, code, words) in [
        ("no service", nobody.as_str(), cast.key.as_str(), &submit[..], 1, "does not answer"),
        ("a wrong key", &here, "certus_x_y", &submit, 1, "the service answers 401"),
        ("a key that is none", &here, "a b", &submit, 1, "CERTUS_API_KEY cannot be used"),
        ("a path that is not there", &here, &cast.key, &["submit", "server:gone", "--wait"], 1, "failed"),
        ("a login in the address", &here, &cast.key, &["submit", "https://me:hunter2@h.example/x"], 1, "has a login"),
        ("an unknown profile", &here, &cast.key, &["submit", "server:repo", "--profile", "none-such"], 1, "422"),
        (
            "a login that is not kept",
            &here,
            &cast.key,
            &["submit", "https://git.example/x", "--credential", "none-such"],
            1,
            "names no stored login",
        ),
        ("an unknown scan", &here, &cast.key, &["status", "test_0123456789ab"], 1, "404"),
        ("a scan that is no scan", &here, &cast.key, &["status", "../x"], 64, "id"),
        ("an unknown option", &here, &cast.key, &["submit", "server:repo", "--faster"], 64, "--faster"),
    ] {
        let done = ended(client(&cast.home, address, key, arguments).output().expect("certus runs"));
        assert_eq!(done.code, code, "{row}: {}{}", done.stdout, done.stderr);
        assert!(done.stderr.contains(words) && !done.stderr.contains("hunter2"), "{row}: {}", done.stderr);
        assert!(!done.stderr.contains(&cast.key), "{row}");
    }
    assert!(!cast.home.path("certus-out").join("latest").exists());
    let unset = cast.home.run(&["list"]);
    assert_eq!((unset.code, unset.stderr.contains("CERTUS_SERVER")), (1, true), "{}", unset.stderr);
    let plain = ended(
        cast.home.command().env("CERTUS_SERVER", "http://certus.example:80").arg("list").output().expect("certus runs"),
    );
    assert_eq!((plain.code, plain.stderr.contains("CERTUS_SERVER cannot be used")), (1, true), "{}", plain.stderr);
}

#[test]
fn scans_are_listed_followed_fetched_and_called_off() {
    let cast = Cast::new();
    let submit = ["submit", "server:repo", "--profile", "smoke", "--workspace", "w1", "--assessment", "a1"];
    let submitted = cast.run(&[&submit[..], &["--idempotency-key", "k1"]].concat());
    assert_eq!(submitted.code, 0, "{}", submitted.stderr);
    let id = submitted.stdout.trim();
    let again = cast.run(&[&submit[..], &["--idempotency-key", "k1", "--quiet"]].concat());
    assert_eq!((again.stdout.trim(), again.stderr.as_str()), (id, ""), "the same key is the same scan");

    let followed = cast.run(&["logs", id, "--follow"]);
    assert_eq!(followed.code, 0, "{}", followed.stderr);
    let last = followed.stdout.lines().last().unwrap_or_default();
    assert!(followed.stdout.contains("2 of 2 files") && last.contains("SUCCEEDED, decision"), "{}", followed.stdout);
    let told = cast.run(&["logs", id, "--format", "json"]);
    let events: Vec<Value> = told.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>());
    assert!(events.iter().any(|event| event["type"] == "progress" && event["total_files"] == 2), "{}", told.stdout);

    let status = cast.run(&["status", id]);
    assert!(status.stdout.contains("succeeded") && status.stdout.contains("workspace"), "{}", status.stdout);
    let status: Value = serde_json::from_str(&cast.run(&["status", id, "--format", "json"]).stdout).expect("JSON");
    assert_eq!(status["test_id"], id);
    for (filters, count) in
        [(&["--workspace", "w1"][..], 1), (&["--workspace", "w2"], 0), (&["--status", "succeeded"], 1)]
    {
        let listed = cast.run(&[&["list"], filters].concat());
        assert_eq!(listed.stdout.lines().filter(|line| line.starts_with(id)).count(), count, "{}", listed.stdout);
    }
    assert_eq!(cast.run(&["list", "--status", "sleeping"]).code, 1);

    let fetched = cast.run(&["fetch", id, "--format", "sarif", "--quiet"]);
    let sarif: Value = serde_json::from_str(&fetched.stdout).expect("SARIF");
    assert_eq!((&sarif["version"], fetched.stderr.as_str()), (&json!("2.1.0"), ""));
    let placed = cast.home.path("certus-out").join(format!("repo-{id}"));
    assert!(placed.join("index.json").is_file() && cast.home.path("certus-out/latest").exists());
    assert_eq!(cast.run(&["fetch", id, "--out", placed.to_str().expect("UTF-8")]).code, 1, "it is there already");

    cast.home.slow_workspace("slow");
    let slow = cast.run(&["submit", "server:slow", "--quiet"]).stdout.trim().to_owned();
    assert_eq!(cast.run(&["cancel", &slow]).code, 0);
    assert_eq!(cast.service.ended(&slow)["status"], "cancelled");
    let late = cast.run(&["cancel", &slow]);
    assert_eq!((late.code, late.stderr.contains("409")), (1, true), "{}", late.stderr);
    // What was called off has a bundle that says so.
    let fetched = cast.run(&["fetch", &slow]);
    assert_eq!(
        (fetched.code, fetched.stdout.contains("nothing was scanned")),
        (3, true),
        "{}{}",
        fetched.stdout,
        fetched.stderr
    );
}

#[test]
fn a_client_shows_its_certificate_and_believes_the_authority_that_it_is_told() {
    let home = Home::new();
    home.workspace("repo");
    let (authority, stranger) = (Authority::new(), Authority::new());
    let path = |name: &str, content: &str| home.write(name, content).to_str().expect("UTF-8").to_owned();
    let pair = |name: &str, (cert, key): (String, String)| {
        (path(&format!("{name}.pem"), &cert), path(&format!("{name}.key"), &key))
    };
    let (cert, key) = pair("server", authority.issue("127.0.0.1"));
    let (ca, other_ca) = (path("ca.pem", &authority.pem()), path("other-ca.pem", &stranger.pem()));
    let mine = pair("mine", authority.issue("me.example"));
    let theirs = pair("theirs", stranger.issue("me.example"));
    let settings =
        [("CERTUS_TLS_CERT_FILE", cert.as_str()), ("CERTUS_TLS_KEY_FILE", &key), ("CERTUS_TLS_CLIENT_CA_FILE", &ca)];
    let service = Service::start(&home, &settings);
    for (row, ca, identity, code) in [
        ("known to each other", Some(&ca), Some(&mine), 0),
        ("an authority that the client is not told", None, Some(&mine), 1),
        ("another authority", Some(&other_ca), Some(&mine), 1),
        ("no certificate", Some(&ca), None, 1),
        ("somebody else's certificate", Some(&ca), Some(&theirs), 1),
    ] {
        let mut command = home.command();
        command.env("CERTUS_SERVER", format!("https://{}", service.address()));
        command.envs(ca.map(|ca| ("CERTUS_CA_FILE", ca)));
        if let Some((cert, key)) = identity {
            command.env("CERTUS_CLIENT_CERT_FILE", cert).env("CERTUS_CLIENT_KEY_FILE", key);
        }
        let done = ended(command.args(["list"]).output().expect("certus runs"));
        assert_eq!(done.code, code, "{row}: {}{}", done.stdout, done.stderr);
        assert_eq!(done.stderr.contains("does not answer"), code != 0, "{row}: {}", done.stderr);
    }
    let half = ended(
        home.command()
            .env("CERTUS_SERVER", "https://127.0.0.1:1")
            .env("CERTUS_CLIENT_CERT_FILE", &mine.0)
            .arg("list")
            .output()
            .expect("certus runs"),
    );
    assert_eq!((half.code, half.stderr.contains("one is missing")), (1, true), "{}", half.stderr);
}

#[test]
fn an_interrupted_wait_calls_the_scan_off() {
    let cast = Cast::new();
    cast.home.slow_workspace("slow");
    let mut command = cast.command(&["submit", "server:slow", "--wait"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("certus starts");
    let patience = Instant::now() + PATIENCE;
    let id = loop {
        let listed = cast.service.get("/v1/security-scans").json();
        if let Some(id) = listed["items"][0]["test_id"].as_str() {
            break id.to_owned();
        }
        assert!(Instant::now() < patience, "nothing is submitted");
    };
    cast.service.until(&id, |scan| scan["status"] == "running");
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).expect("the process is there");
    let done = ended(child.wait_with_output().expect("it ends"));
    assert_eq!((done.code, done.stderr.contains("is called off")), (130, true), "{}{}", done.stdout, done.stderr);
    assert_eq!(cast.service.ended(&id)["status"], "cancelled");
    assert!(!cast.home.path("certus-out").join("latest").exists());
}

/// A service that hands out these files as the bundle of `id`, and lists these names. Ends with the process.
fn liar(id: &str, files: BTreeMap<String, Vec<u8>>, listed: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address").to_string();
    let base = format!("/v1/security-scans/{id}");
    let size = |name: &String| files.get(name).map_or(1, Vec::len);
    let items: Vec<_> = listed.iter().map(|name| json!({"path": name, "size": size(name)})).collect();
    let list = json!({"items": items}).to_string().into_bytes();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().expect("a socket")).lines().map_while(Result::ok);
            let path = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned();
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let body = match path.strip_prefix(&base) {
                Some("") => Some(br#"{"component_id":"c","status":"succeeded"}"#.to_vec()),
                Some("/artifacts") => Some(list.clone()),
                Some(rest) => rest.strip_prefix("/artifacts/").and_then(|name| files.get(name)).cloned(),
                None => None,
            };
            let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
            let body = body.unwrap_or_default();
            let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    address
}

fn files(folder: &Path, below: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for item in std::fs::read_dir(folder.join(below)).expect("a folder") {
        let item = item.expect("an entry");
        let name = Path::new(below).join(item.file_name()).to_str().expect("UTF-8").to_owned();
        if item.path().is_dir() {
            files(folder, &name, found);
        } else {
            found.insert(name, std::fs::read(item.path()).expect("a file"));
        }
    }
}

#[test]
fn a_bundle_that_is_not_whole_is_not_kept() {
    let home = Home::new();
    home.workspace("repo");
    let service = Service::start(&home, &[]);
    let id = service.submit(&directory("repo"));
    let other = service.submit(&directory("repo"));
    for id in [&id, &other] {
        service.ended(id);
        let fetched =
            ended(client(&home, service.address(), "none", &["fetch", id, "--out", id]).output().expect("runs"));
        assert!([0, 2].contains(&fetched.code), "{}{}", fetched.stdout, fetched.stderr);
    }
    let bundle = |id: &str| {
        let mut found = BTreeMap::new();
        files(&home.path(id), "", &mut found);
        found
    };
    let whole = bundle(&id);
    let with = |name: &str, content: &[u8]| {
        let mut files = whole.clone();
        files.insert(name.to_owned(), content.to_vec());
        files
    };
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    let without = |name: &str| names(&whole).into_iter().filter(|known| known != name).collect::<Vec<_>>();
    let extra = |name: &str| names(&with(name, b"x"));
    certus(&home, &["keys", "generate", "mine"]);
    let mine = home.path(".config/certus/keys/mine.pub");
    let mine = mine.to_str().expect("UTF-8");
    for (row, files, listed, trust, words) in [
        ("whole", whole.clone(), names(&whole), None, None),
        ("a file changed", with("findings.json", b"{}"), names(&whole), None, Some("findings.json")),
        ("a file cut", with("coverage.json", &whole["coverage.json"][..9]), names(&whole), None, Some("coverage.json")),
        ("a file missing", whole.clone(), without("summary.json"), None, Some("summary.json")),
        ("no signature", whole.clone(), without("attestation.dsse.json"), None, Some("attestation.dsse.json")),
        ("a file too many", with("ledger.txt", b"x"), extra("ledger.txt"), None, Some("ledger.txt")),
        ("a way out", with("../../evil", b"x"), extra("../../evil"), None, Some("evil")),
        ("a file twice", whole.clone(), [names(&whole), names(&whole)].concat(), None, Some("written")),
        ("nothing", BTreeMap::new(), Vec::new(), None, Some("that is no bundle")),
        ("another scan's", bundle(&other), names(&bundle(&other)), None, Some("as that of")),
        ("another key's", whole.clone(), names(&whole), Some(mine), Some("--key PUB")),
    ] {
        let address = liar(&id, files, listed);
        let mut arguments = vec!["fetch", id.as_str(), "--out", "taken"];
        arguments.extend(trust.iter().flat_map(|key| ["--key", *key]));
        let done = ended(client(&home, &address, "none", &arguments).output().expect("certus runs"));
        let Some(words) = words else {
            assert!([0, 2].contains(&done.code) && home.path("taken").is_dir(), "{row}: {}", done.stderr);
            std::fs::remove_dir_all(home.path("taken")).expect("a folder");
            continue;
        };
        assert_eq!((done.code, done.stdout.as_str()), (1, ""), "{row}: {}", done.stderr);
        assert!(done.stderr.contains(words), "{row}: {}", done.stderr);
        let left: Vec<_> = std::fs::read_dir(home.path(""))
            .expect("a folder")
            .map(|item| item.expect("an entry").file_name())
            .collect();
        assert!(
            !left.iter().any(|name| name == "taken" || name.to_string_lossy().contains("bundle-") || name == "evil"),
            "{row}: {left:?}"
        );
    }
}
