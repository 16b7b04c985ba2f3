//! Publications whose process dies, and permits that somebody tries to use again.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{KEYED, ask, home, made, scanned, upload};
use crate::service::Records;
use crate::service::keys::sql;
use crate::support::home::Home;
use crate::support::service::{Service, runtime, verify};

/// Where the process dies, and whether the publication is complete by then.
const POINTS: [(&str, bool); 10] = [
    ("publish-permitted=return", false),
    ("publish-claimed=return", false),
    ("publish-raw=3*off->return", false),
    ("publish-screened=return", false),
    ("publish-golden=1*off->return", false),
    ("publish-golden=9*off->return", false),
    ("publish-registry=return", false),
    ("publish-complete=return", true),
    ("publish-done=return", true),
    ("tried-before-commit=1*off->return", true),
];
/// How long a publication may take that somebody has to take over first, on a busy machine.
const RECOVERY: Duration = Duration::from_secs(180);
/// Processes at a time. Each waits half a minute until what the dead one had is anybody's.
const TOGETHER: usize = 10;

#[test]
fn case_106_a_service_that_is_killed_publishes_one_whole_set() {
    for points in POINTS.chunks(TOGETHER) {
        std::thread::scope(|scope| {
            for (point, is_complete) in points {
                scope.spawn(move || {
                    for records in Records::both() {
                        // Two of five on Postgres, which differs in transactions and locks alone.
                        if records.name() == "SQLite" || point.contains("permitted") || point.contains("tried") {
                            survives(&records, point, *is_complete);
                        }
                    }
                });
            }
        });
    }
}

/// Dies at `point`, is started again, and goes on by itself.
fn survives(records: &Records, point: &str, is_complete: bool) {
    let home = Home::new();
    made(&home, "ada");
    home.workspace("repo");
    let (lake, mirror) = (home.path("lake"), home.path("mirror"));
    let [lake_setting, mirror_setting] = [&lake, &mirror].map(|path| path.to_str().expect("UTF-8"));
    let mut settings = records.settings(&home);
    settings.extend([
        KEYED,
        ("CERTUS_DATABASE_CONNECTIONS", "4"),
        ("CERTUS_PUBLISH_DIR", lake_setting),
        ("CERTUS_PRIVACY_PLUGINS", "secrets"),
        ("CERTUS_PRIVACY_GATE", "true"),
        ("CERTUS_ASSURANCE_ENABLE_REGISTRY_PUSH", "true"),
        ("CERTUS_ASSURANCE_REGISTRY_MIRROR_DIR", mirror_setting),
    ]);
    let mut service = Service::start(&home, &[&settings[..], &[("FAILPOINTS", point)]].concat());
    let id = scanned(&service);
    try_ask(&service, &id);
    let status = service.process().ended();
    assert_eq!(status.signal(), Some(9), "it dies at {point}, not elsewhere:\n{}", service.log());
    assert_eq!(is_whole(&lake, &id), is_complete, "{point}");
    drop(service);

    let service = Service::start(&home, &settings);
    let patience = Instant::now() + RECOVERY;
    let scan = loop {
        let scan = service.get(&format!("/v1/security-scans/{id}")).json();
        if ["uploaded", "upload_failed"].contains(&text(&scan["upload_status"])) {
            break scan;
        }
        assert!(Instant::now() < patience, "{point} on {}: {scan:#}\n{}", records.name(), service.log());
        std::thread::sleep(Duration::from_millis(200));
    };
    let name = records.name();
    assert_eq!(scan["upload_status"], "uploaded", "{point} on {name}: {scan:#}\n{}", service.log());
    assert!(is_whole(&lake, &id), "{point} on {name}");
    assert!(mirror.join(&id).join("index.json").is_file(), "{point} on {name}");
    verify(&home, &lake.join("golden").join(&id).join("golden"));
    let done = service.get(&format!("/v1/audit-events?action=upload.done&object={id}")).json();
    assert_eq!(done["items"].as_array().map(Vec::len), Some(1), "{point} on {name}: it is done once: {done:#}");
}

/// Asks for a publication of a service that may die over it.
fn try_ask(service: &Service, id: &str) {
    let request = service.request(reqwest::Method::POST, &format!("/v1/security-scans/{id}/upload-request"));
    let request = request.header("content-type", "application/json").body(json!({"tier": "basic"}).to_string());
    // Whether an answer comes does not matter.
    let _ = runtime().block_on(async { request.send().await });
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn case_124_a_permit_that_was_used_publishes_nothing_again() {
    let home = home();
    let lake = home.path("lake");
    let settings = [KEYED, ("CERTUS_PUBLISH_DIR", lake.to_str().expect("UTF-8"))];
    let service = Service::start(&home, &settings);
    let (first, second) = (scanned(&service), scanned(&service));
    ask(&service, &first, "basic");
    service.until(&first, |scan| scan["upload_status"] == "uploaded");
    drop(service);

    // Somebody who writes to the database gives the one permit to both, and takes away what it has published.
    let golden = lake.join("golden");
    std::fs::rename(&golden, lake.join("away")).expect("a folder");
    sql(
        &home,
        &format!(
            "INSERT INTO publications (scan_id, tenant_id, tier, requested_by, requested_at, due_at, permit_id, answer, expires_at)
               SELECT '{second}', tenant_id, tier, requested_by, requested_at, 0, permit_id, answer, expires_at
               FROM publications WHERE scan_id = '{first}';
             UPDATE publications SET due_at = 0 WHERE scan_id = '{first}'"
        ),
    );
    let service = Service::start(&home, &settings);
    for id in [&first, &second] {
        let scan = service.until(id, |scan| scan["upload_status"] == "upload_failed");
        assert!(text(&scan["upload_error"]).contains("was used before; ask Trust for another one"), "{scan:#}");
        assert!(!is_whole(&lake, id) && !golden.join(id).exists(), "nothing of {id} is golden");
    }
    // With a permit of its own the second is published.
    ask(&service, &second, "basic");
    service.until(&second, |scan| scan["upload_status"] == "uploaded");
    assert!(is_whole(&lake, &second));
    assert_ne!(upload(&service, &second)["upload_permission_id"], upload(&service, &first)["upload_permission_id"]);
}

/// Whether a scan's golden set is there: all that its marker names, or no marker.
fn is_whole(lake: &Path, id: &str) -> bool {
    let folder = lake.join("golden").join(id);
    let Ok(marker) = std::fs::read(folder.join("complete.json")) else { return false };
    let marker: Value = serde_json::from_slice(&marker).expect("JSON");
    for file in marker["files"].as_array().expect("files") {
        let path = folder.join("golden").join(file["path"].as_str().expect("a path"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(file["sha256"], certus_model::Sha256::of(&bytes).to_string(), "{}", path.display());
    }
    true
}
