//! Failures inside, and what is told of them.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use super::keys::sql;
use crate::support::home::Home;
use crate::support::postgres::{self, Database};
use crate::support::service::{Answer, PATIENCE, Service, directory, send};

/// A problem of the service's own, which says nothing of the inside; the log has what it is about.
#[track_caller]
fn told(service: &Service, home: &Home, path: &str, answer: &Answer, statuses: &[u16]) {
    let text = answer.text();
    assert!(statuses.contains(&answer.status), "{path}: {answer:?}\n{text}\n{}", service.log());
    assert_eq!(answer.header("content-type"), "application/problem+json", "{path}: {text}");
    let body = answer.json();
    let id = body["request_id"].as_str().expect("an id");
    assert_eq!((id, &body["status"]), (answer.header("x-request-id"), &json!(answer.status)), "{path}: {text}");
    assert_eq!(answer.status == 503, !answer.header("retry-after").is_empty(), "{path}: {answer:?}");
    let said = format!("{:?}{text}", answer.headers).to_lowercase();
    let place = home.path("").to_string_lossy().to_lowercase();
    for inside in [
        place.trim_end_matches('/'),
        "select",
        "table",
        "sqlite",
        "postgres",
        "database",
        "certus.db",
        "bundles/",
        "uploads/",
        ".rs",
        "os error",
        "panicked",
        "backtrace",
        "planted",
        "127.0.0.1",
    ] {
        assert!(!said.contains(inside), "{path} tells of {inside}: {said}");
    }
    // What is logged takes its own way here.
    let patience = Instant::now() + PATIENCE;
    while !service.log().lines().any(|line| line.contains(id) && line.contains("failed")) {
        assert!(Instant::now() < patience, "{path}: no line says why {id} failed:\n{}", service.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn submit(service: &Service) -> Answer {
    service.post("/v1/security-scans", &directory("repo"))
}

#[test]
fn case_095_a_bundle_that_is_cut_changed_or_gone() {
    let home = Home::new();
    home.workspace("repo");
    let service = Service::start(&home, &[]);
    let [one, two] = [(); 2].map(|()| service.submit(&directory("repo")));
    for id in [&one, &two] {
        assert_eq!(service.ended(id)["status"], "succeeded");
    }
    let bundle = |id: &str| {
        let listing = std::fs::read_dir(home.path("artifacts/bundles")).expect("a folder");
        let mut folders = listing.map(|entry| entry.expect("an entry").path());
        folders.find(|path| path.to_string_lossy().contains(id)).expect("a bundle")
    };
    let path = |file: &str| format!("/v1/security-scans/{one}/artifacts/{file}");
    let scan = bundle(&one).join("scan.json");
    let whole = std::fs::read(&scan).expect("a file");
    assert_eq!(service.get(&path("scan.json")).body, whole);

    let text = String::from_utf8(whole.clone()).expect("UTF-8");
    let forged = text.replacen("SUCCEEDED", "PASSED!!!", 1);
    assert_ne!(forged, text);
    for bad in [forged.as_bytes(), &whole[..whole.len() / 2], b"", b"{\"planted\": true}"] {
        std::fs::write(&scan, bad).expect("a file");
        let answer = service.get(&path("scan.json"));
        told(&service, &home, "a changed file", &answer, &[500]);
    }
    std::fs::remove_file(&scan).expect("a file");
    told(&service, &home, "a missing file", &service.get(&path("scan.json")), &[500, 503]);
    assert_eq!(service.get(&path("findings.json")).status, 200, "the others are what they were");
    std::fs::write(bundle(&one).join("index.json"), "{\"planted\"").expect("a file");
    for file in ["", "scan.json", "findings.json"] {
        let path = path(file);
        let answer = service.get(path.trim_end_matches('/'));
        told(&service, &home, &path, &answer, &[500]);
    }
    std::fs::remove_dir_all(bundle(&one)).expect("a folder");
    for file in ["", "index.json", "findings.json"] {
        let path = path(file);
        let answer = service.get(path.trim_end_matches('/'));
        told(&service, &home, &path, &answer, &[500, 503]);
    }
    let other = service.get(&format!("/v1/security-scans/{two}/artifacts/scan.json"));
    assert_eq!((other.status, service.get("/readyz").status), (200, 200));
}

#[test]
fn case_095_a_database_that_lost_a_table_or_was_moved() {
    let home = Home::new();
    home.workspace("repo");
    let service = Service::start_with(&home, &[], &["--no-workers"]);
    let id = service.submit(&directory("repo"));
    let scan = format!("/v1/security-scans/{id}");
    let paths = ["/v1/security-scans", &scan, "/stats", "/metrics"];
    sql(&home, "ALTER TABLE scans RENAME TO planted");
    for path in paths {
        told(&service, &home, path, &service.get(path), &[500]);
    }
    told(&service, &home, "submit", &submit(&service), &[500]);
    sql(&home, "ALTER TABLE planted RENAME TO scans");
    for path in paths {
        assert_eq!(service.get(path).status, 200, "{path}");
    }
    assert_eq!((submit(&service).status, service.get("/readyz").status), (202, 200));

    let (file, away) = (home.path("artifacts/certus.db"), home.path("artifacts/away"));
    std::fs::rename(&file, &away).expect("a file");
    told(&service, &home, "/readyz", &service.get("/readyz"), &[503]);
    assert_eq!(service.get("/livez").status, 200, "the process lives");
    // Another one in its place is not the one that was there.
    std::fs::copy(&away, &file).expect("a file");
    told(&service, &home, "/readyz", &service.get("/readyz"), &[503]);
    std::fs::rename(&away, &file).expect("a file");
    assert_eq!((service.get("/readyz").status, service.get(&scan).status), (200, 200));
}

#[test]
fn case_095_folders_that_are_gone() {
    let home = Home::new();
    home.workspace("repo");
    let service = Service::start_with(&home, &[], &["--no-workers"]);
    let upload = || {
        let body =
            b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.gz\"\r\n\r\n\x1f\x8b\x08\r\n--x--\r\n";
        let request = service.request(Method::POST, "/v1/security-scans/upload-archive");
        send(request.header("content-type", "multipart/form-data; boundary=x").body(body.as_slice()))
    };
    assert_eq!(upload().status, 201);
    std::fs::remove_dir_all(home.path("artifacts")).expect("a folder");
    told(&service, &home, "upload-archive", &upload(), &[500, 503]);
    told(&service, &home, "/readyz", &service.get("/readyz"), &[503]);
    assert_eq!((service.get("/livez").status, service.get("/health").status), (200, 200));
}

#[test]
fn case_095_a_postgres_that_stops() {
    let Some(server) = postgres::own() else { return };
    let home = Home::new();
    home.workspace("repo");
    let Database { setting, owner_setting, .. } = server.empty();
    let with_secret = |setting: &str| setting.replacen('@', ":planted-secret@", 1);
    let (url, owner) = (with_secret(&setting), with_secret(&owner_setting));
    let owner = [("DATABASE_URL", url.as_str()), ("DATABASE_OWNER_URL", owner.as_str())];
    let migrated = home.service(&owner).args(["db", "migrate"]).output().expect("certus runs");
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let service = Service::start_with(&home, &owner[..1], &["--no-workers"]);
    let id = service.submit(&directory("repo"));
    let scan = format!("/v1/security-scans/{id}");
    assert_eq!((service.get(&scan).status, service.get("/readyz").status), (200, 200));

    server.down();
    std::thread::scope(|scope| {
        // At once, since each waits for a connection for a while.
        for path in ["/readyz", "/stats", "/metrics", "/v1/security-scans", &scan] {
            let (service, home) = (&service, &home);
            scope.spawn(move || told(service, home, path, &service.get(path), &[503]));
        }
        scope.spawn(|| told(&service, &home, "submit", &submit(&service), &[503]));
        assert_eq!(service.get("/livez").status, 200, "the process lives");
    });
    assert!(!service.log().contains("planted-secret"), "{}", service.log());

    server.up();
    let patience = Instant::now() + PATIENCE;
    while service.get("/readyz").status != 200 {
        assert!(Instant::now() < patience, "{}", service.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!((service.get(&scan).status, submit(&service).status), (200, 202), "what was kept is there");
}
