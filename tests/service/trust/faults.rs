//! A Trust that is not there, is slow, or answers what it should not: nothing is published then.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::stub::{Mode, Stub};
use super::{KEYED, ask, home, made, private, public, scanned, upload};
use crate::service::keys::{key, production, user};
use crate::support::home::Home;
use crate::support::service::{PATIENCE, Process, Service, send};

/// What upload errors say in each mode.
const MODES: [(Mode, &str); 18] = [
    (Mode::Fails, "500"),
    (Mode::Overloaded, "503"),
    (Mode::Noise, "verify-and-permit-upload"),
    (Mode::Page, "answers something else"),
    (Mode::Cut, "verify-and-permit-upload"),
    (Mode::Redirects, "leads elsewhere"),
    (Mode::NoPermit, "permit does not hold"),
    (Mode::OtherKey, "permit does not hold"),
    (Mode::Changed, "permit does not hold"),
    (Mode::OtherScan, "permit is about something else"),
    (Mode::OtherAnswer, "answered about something else"),
    (Mode::OtherTenant, "permit is about something else"),
    (Mode::OtherTier, "permit is about something else"),
    (Mode::OtherDestination, "permit is about something else"),
    (Mode::OtherIndex, "permit is about something else"),
    (Mode::OtherFiles, "permit is about something else"),
    (Mode::Expired, "permit does not hold"),
    (Mode::Early, "permit does not hold"),
];

/// A port that is free now.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

/// Settings of a service that asks Trust there.
fn asking(home: &Home, address: SocketAddr) -> [(&'static str, String); 2] {
    let anchor = public(home, "trust").to_str().expect("UTF-8").to_owned();
    [("CERTUS_ASSURANCE_TRUST_BASE_URL", format!("http://{address}")), ("CERTUS_TRUST_ANCHOR", anchor)]
}

/// `certus trust`, once it listens.
fn trust(home: &Home, address: SocketAddr) -> Process {
    let listen = address.to_string();
    let mut command = home.service(&[KEYED, ("CERTUS_TRUST_KEY", "trust"), ("CERTUS_TRUST_LISTEN", &listen)]);
    command.arg("trust");
    let mut process = Process::start(command);
    let patience = Instant::now() + PATIENCE;
    while !process.log().contains("is Trust at") {
        assert!(process.is_running() && Instant::now() < patience, "Trust does not listen:\n{}", process.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    process
}

/// Whether anything lies in a folder.
fn is_empty(folder: &std::path::Path) -> bool {
    let Ok(listing) = std::fs::read_dir(folder) else { return true };
    listing.map(|entry| entry.expect("an entry").path()).all(|path| path.is_dir() && is_empty(&path))
}

#[test]
fn case_122_trust_down_slow_malformed_or_failing_publishes_nothing() {
    let home = home();
    ["trust", "stranger"].iter().for_each(|name| made(&home, name));
    let (address, lake) = (free(), home.path("lake"));
    let remote = asking(&home, address);
    let remote = remote.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut settings = vec![KEYED, ("CERTUS_PUBLISH_DIR", lake.to_str().expect("UTF-8"))];
    settings.extend(remote);
    let service = Service::start(&home, &settings);

    // Nobody listens.
    let mut waiting = vec![scanned(&service)];
    let answer = ask(&service, &waiting[0], "basic");
    assert_eq!(answer["upload_status"], "pending", "{answer:#}");
    assert!(answer["upload_error"].as_str().is_some_and(|error| !error.is_empty()), "{answer:#}");

    let stub = Stub::start(address, ["trust", "stranger"].map(|name| private(&home, name)));
    for (mode, says) in MODES {
        stub.set(mode);
        let id = scanned(&service);
        let answer = ask(&service, &id, "basic");
        assert_eq!(answer["upload_status"], "pending", "{mode:?}: {answer:#}");
        assert!(answer["upload_error"].as_str().is_some_and(|error| error.contains(says)), "{mode:?}: {answer:#}");
        assert_eq!(answer["upload_permission_id"], Value::Null, "{mode:?}: {answer:#}");
        let shown = upload(&service, &id);
        assert_eq!((&shown["retried"], &shown["permit"]), (&json!(true), &Value::Null), "{mode:?}: {shown:#}");
        waiting.push(id);
    }
    stub.set(Mode::Hangs);
    let id = scanned(&service);
    let answer = ask(&service, &id, "basic");
    assert_eq!(answer["upload_status"], "pending", "no answer yet: {answer:#}");
    waiting.push(id);
    assert!(is_empty(&lake), "something was published");
    let stats = service.get("/stats").json()["upload_stats"].clone();
    assert_eq!((&stats["permitted"], &stats["uploaded"]), (&json!(0), &json!(0)), "{stats}");
    drop(stub);

    // The real one comes up, and all that waits is decided without anybody asking again.
    let _trust = trust(&home, address);
    let late = scanned(&service);
    ask(&service, &late, "basic");
    for id in waiting.iter().chain([&late]) {
        let scan = service.until(id, |scan| scan["upload_permission_id"].is_string());
        assert_eq!(scan["verification_proof"]["chain_verified"], true, "{scan:#}");
    }
}

#[test]
fn a_permit_of_anothers_making_counts_where_its_key_is_the_anchor() {
    let home = home();
    ["trust", "stranger"].iter().for_each(|name| made(&home, name));
    let stub = Stub::start(free(), ["trust", "stranger"].map(|name| private(&home, name)));
    stub.set(Mode::Right);
    let remote = asking(&home, stub.address);
    let remote = remote.each_ref().map(|(name, value)| (*name, value.as_str()));
    let service = Service::start(&home, &[&[KEYED][..], &remote].concat());
    // The twin of what case 122 refuses: the same stub, with nothing wrong.
    let answer = ask(&service, &scanned(&service), "basic");
    assert_eq!(answer["upload_status"], "permitted", "{answer:#}\n{}", service.log());
    let ready = service.get("/v1/ready").json();
    assert_eq!(ready["ready"], false, "this process is not Trust: {ready:#}");
}

#[test]
fn a_remote_trust_without_an_anchor_is_refused() {
    let home = home();
    let refused =
        home.service(&[KEYED, ("CERTUS_ASSURANCE_TRUST_BASE_URL", "http://127.0.0.1:1")]).arg("serve").output();
    let refused = refused.expect("certus runs");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("CERTUS_TRUST_ANCHOR"), "{said}");
}

#[test]
fn case_131_a_publication_tells_no_secret() {
    let home = Home::new();
    home.workspace("repo");
    ["trust", "stranger"].iter().for_each(|name| made(&home, name));
    let acme = key(&home, &user(&home, "acme", "tenant"), "write");
    let trusted = key(&home, &user(&home, "publishers", "admin"), "write");
    let stub = Stub::start(free(), ["trust", "stranger"].map(|name| private(&home, name)));
    let remote = asking(&home, stub.address);
    let remote = remote.each_ref().map(|(name, value)| (*name, value.as_str()));
    let secret = ["made", "up", "secret", "of", "the", "store"].join("-");
    // Nobody listens at the store.
    let store = format!("http://{}", free());
    let own = [
        ("CERTUS_TRUST_API_KEY", trusted.as_str()),
        ("CERTUS_ASSURANCE_ENABLE_S3_UPLOAD", "true"),
        ("S3_ENDPOINT_URL", &store),
        ("S3_ACCESS_KEY_ID", "made-up-login"),
        ("S3_SECRET_ACCESS_KEY", &secret),
    ];
    let settings = [&production(&home)[..], &remote, &own].concat();
    let service = Service::start(&home, &settings).with_key(&acme);
    let mut told = Vec::new();
    for mode in [Mode::Fails, Mode::Page, Mode::OtherKey, Mode::Right] {
        stub.set(mode);
        let id = scanned(&service);
        told.push(ask(&service, &id, "basic").to_string());
        let scan = service.until(&id, |scan| scan["upload_error"].is_string());
        told.extend([scan.to_string(), upload(&service, &id).to_string()]);
    }
    for path in ["/v1/audit-events?limit=100", "/v1/security-scans", "/metrics", "/stats"] {
        told.push(service.get(path).text());
    }
    told.push(service.log());
    // It was sent to Trust, so it could have been told.
    assert!(stub.heads().contains(&trusted), "the key is sent");
    for (what, secret) in [("the API key", &acme), ("the Trust key", &trusted), ("the S3 secret", &secret)] {
        let secret = secret.rsplit('_').next().expect("a secret");
        for said in &told {
            assert!(!said.contains(secret), "{what} is told: {said}");
        }
    }
    let anonymous = send(service.anonymous(reqwest::Method::GET, "/v1/stats"));
    assert_eq!(anonymous.status, 401);
}
