//! Transform: publications carried out on a client's word, and what is held back of stored objects.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::{KEYED, ask, home, scanned, upload};
use crate::service::keys::{key, production, user};
use crate::service::workers::worker;
use crate::support::home::Home;
use crate::support::service::{Answer, PATIENCE, Service, directory, send};

/// What the plugin `secrets` finds, in no source by itself.
fn found() -> String {
    ["AKIA", "Z7QH3M5K2XWV6PTB"].concat()
}

/// The folder that is published to, and the settings that say so.
fn lake(home: &Home) -> (PathBuf, String) {
    let lake = home.path("lake");
    (lake.clone(), lake.to_str().expect("UTF-8").to_owned())
}

/// Puts a file into raw.
fn put(service: &Service, query: &str, name: &str, content: &str) -> Answer {
    let head = format!("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    let form = format!("{head}{content}\r\n--x--\r\n");
    let request = service.request(Method::POST, &format!("/v1/uploads/raw{query}"));
    send(request.header("content-type", "multipart/form-data; boundary=x").body(form))
}

fn look(service: &Service, body: &Value) -> Value {
    let answer = service.post("/v1/privacy/scan", body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn execution(upload: &Value) -> Value {
    json!({"upload_permission_id": upload["upload_permission_id"], "scan_id": upload["test_id"], "tier": upload["tier"]})
}

fn execute(service: &Service, body: &Value) -> Value {
    let answer = service.post("/v1/execute-upload", body);
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, kind: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.json()["type"], format!("https://certus.dev/problems/{kind}"), "{}", answer.text());
}

#[test]
fn stored_objects_are_looked_at_moved_and_released() {
    let home = home();
    let (lake, setting) = lake(&home);
    let service =
        Service::start(&home, &[KEYED, ("CERTUS_PUBLISH_DIR", &setting), ("CERTUS_PRIVACY_PLUGINS", "secrets")]);
    let secret = format!("aws_access_key_id = {}\n", found());
    for (query, name, content) in
        [("", "keys.ini", &*secret), ("", "readme.txt", "fine"), ("?prefix=active/b", "keys.ini", &secret)]
    {
        let answer = put(&service, query, name, content);
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    refused(&put(&service, "", "keys.ini", "another one"), 409, "exists");
    refused(&put(&service, "?prefix=../up", "keys.ini", "x"), 422, "invalid");
    refused(&put(&service, "?prefix=quarantine/", "keys.ini", "x"), 422, "invalid");
    refused(&put(&service, "?prefix=test_0123456789ab/incoming", "scan.json", "x"), 422, "invalid");

    let raw = |key: &str| lake.join("raw").join(key);
    let dry = look(&service, &json!({"dry_run": true, "report_key": "reports/first.txt"}));
    let counts =
        |answer: &Value| ["scanned", "quarantined", "clean"].map(|name| answer[name].as_u64().expect("a count"));
    assert_eq!(counts(&dry), [3, 2, 1], "{dry:#}");
    assert_eq!(
        (&dry["bucket"], &dry["prefix"], &dry["quarantine_prefix"]),
        (&json!("raw"), &json!("active/"), &json!("quarantine/"))
    );
    assert!(raw("active/keys.ini").exists() && raw("active/b/keys.ini").exists(), "nothing was moved");
    let report = std::fs::read_to_string(raw("reports/first.txt")).expect("a report");
    let lines: Vec<_> = report.lines().map(|line| line.split(' ').next().expect("a word")).collect();
    assert_eq!(lines, ["[BLOCK]", "[BLOCK]", "[OK]"], "{report}");
    assert!(!report.contains(&found()) && !dry.to_string().contains(&found()), "what was found is not told");

    let moved = look(&service, &json!({}));
    assert_eq!(counts(&moved), [3, 2, 1], "{moved:#}");
    for key in ["active/keys.ini", "active/b/keys.ini"] {
        assert!(!raw(key).exists() && raw(&format!("quarantine/{key}")).exists(), "{key}");
    }
    assert_eq!(counts(&look(&service, &json!({}))), [1, 0, 1]);
    let stats = service.get("/health/stats").json();
    assert_eq!((&stats["privacy_scans"], &stats["artifacts_quarantined"]), (&json!(3), &json!(2)), "{stats:#}");

    let sha256 = &moved["results"][0]["sha256"];
    let released = service.post("/v1/privacy/releases", &json!({"sha256": sha256, "reason": "of a test"}));
    assert_eq!(released.status, 201, "{}", released.text());
    assert_eq!(put(&service, "", "keys.ini", &secret).status, 201);
    let clean = look(&service, &json!({}));
    assert_eq!(counts(&clean), [2, 0, 2], "{clean:#}");
    assert_eq!(clean["results"][0]["released"], true, "{clean:#}");
    assert_eq!(service.get("/v1/privacy/releases").json()["items"][0]["sha256"], *sha256);

    for (body, field) in [
        (json!({"bucket": "another"}), "bucket"),
        (json!({"bucket": "golden"}), "dry_run"),
        (json!({"prefix": "/etc"}), "prefix"),
        (json!({"report_key": "quarantine/report.txt"}), "report_key"),
        (json!({"quarantine_prefix": "elsewhere/"}), "quarantine_prefix"),
        (json!({"scan_id": "test_0123456789ab", "prefix": "active/"}), "prefix"),
    ] {
        let answer = service.post("/v1/privacy/scan", &body);
        refused(&answer, 422, "invalid");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body}");
    }
    refused(&service.post("/v1/privacy/scan", &json!({"scan_id": "test_0123456789ab"})), 404, "not-found");
}

#[test]
fn scanners_that_are_not_there_call_nothing_clean() {
    let home = home();
    let (lake, setting) = lake(&home);
    let plugins = home.path("plugins");
    std::fs::create_dir(&plugins).expect("a folder");
    let settings = [
        KEYED,
        ("CERTUS_PUBLISH_DIR", &*setting),
        ("CERTUS_PRIVACY_PLUGINS", "secrets"),
        ("CERTUS_PRIVACY_GATE", "true"),
        ("CERTUS_PLUGIN_DIR", plugins.to_str().expect("UTF-8")),
    ];
    let missing = home.service(&settings).arg("serve").output().expect("certus runs");
    let said = String::from_utf8_lossy(&missing.stderr);
    assert!(!missing.status.success() && said.contains("CERTUS_PRIVACY_GATE is set, and nobody could look"), "{said}");
    assert!(said.contains("plugin `secrets` is not installed in"), "{said}");

    let installed = Path::new(env!("CARGO_BIN_EXE_certus")).with_file_name("plugins");
    for name in ["secrets.wasm", "inventory.wasm", "licences.wasm"] {
        std::fs::copy(installed.join(name), plugins.join(name)).expect("a plugin");
    }
    let service = Service::start(&home, &settings);
    let id = scanned(&service);
    assert_eq!(put(&service, "", "readme.txt", "fine").status, 201);
    assert_eq!(look(&service, &json!({}))["clean"], 1, "the twin");
    std::fs::remove_file(plugins.join("secrets.wasm")).expect("a file");
    refused(&service.post("/v1/privacy/scan", &json!({})), 503, "unavailable");
    let patience = Instant::now() + PATIENCE;
    while !service.log().contains("plugin `secrets` is not installed") {
        assert!(Instant::now() < patience, "{}", service.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    ask(&service, &id, "basic");
    let waits = service.until(&id, |scan| scan["upload_error"].is_string());
    assert!(waits["upload_error"].as_str().expect("a text").contains("could not be looked at"), "{waits:#}");
    assert!(!marker(&lake, &id).exists(), "nothing is published that nobody has looked at");
    assert!(upload(&service, &id)["retried"].as_bool().expect("a flag"));
}

fn marker(lake: &Path, id: &str) -> PathBuf {
    lake.join("golden").join(id).join("complete.json")
}

#[test]
fn what_is_held_back_is_not_published_until_it_is_released() {
    let home = home();
    // The name of a file stands in the reports, and no rule knows it for a secret there.
    std::fs::write(home.path("workspaces/repo").join(format!("aws_access_key_id={}", found())), "x").expect("a file");
    let (lake, setting) = lake(&home);
    let settings = [
        KEYED,
        ("CERTUS_PUBLISH_DIR", &*setting),
        ("CERTUS_PRIVACY_PLUGINS", "secrets"),
        ("CERTUS_PRIVACY_GATE", "true"),
    ];
    let service = Service::start(&home, &settings);
    let id = scanned(&service);
    let held = permitted_then(&service, &id, "upload_failed");
    let why = held["upload_error"].as_str().expect("a reason");
    assert!(why.contains("held back") && why.contains(&format!("quarantine/{id}/incoming/")), "{why}");
    assert!(!marker(&lake, &id).exists() && !lake.join("golden").join(&id).exists(), "not one golden object");
    // Asked for again, it is held back again, though nothing is looked at anew.
    let again = permitted_then(&service, &id, "upload_failed");
    assert_eq!(again["upload_error"].as_str().map(|why| why.contains("held back")), Some(true), "{again:#}");

    // The raw files were put back, so a dry run shows what is in the way.
    let looked = look(&service, &json!({"scan_id": id, "dry_run": true}));
    let all = looked["results"].as_array().expect("a list");
    let in_the_way: Vec<_> = all.iter().filter(|object| object["quarantined"] == true).collect();
    let quarantine = lake.join("raw/quarantine").join(&id);
    assert!(quarantine.is_dir() && in_the_way.is_empty(), "they were moved again: {in_the_way:?}");
    for sha256 in digests(&quarantine) {
        let released = service.post("/v1/privacy/releases", &json!({"sha256": sha256, "reason": "a made-up name"}));
        assert_eq!(released.status, 201, "{}", released.text());
    }
    let done = permitted_then(&service, &id, "uploaded");
    assert!(marker(&lake, &id).exists(), "{done:#}");
}

/// Asks for a publication and waits until it stands so.
fn permitted_then(service: &Service, id: &str, status: &str) -> Value {
    ask(service, id, "basic");
    let settled = |scan: &Value| {
        ["uploaded", "upload_failed", "denied"].contains(&scan["upload_status"].as_str().unwrap_or_default())
    };
    let scan = service.until(id, settled);
    assert_eq!(scan["upload_status"], status, "{scan:#}\n{}", service.log());
    scan
}

/// The digests of every file below a folder.
fn digests(folder: &Path) -> Vec<String> {
    let listing = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let of = |path: PathBuf| match path.is_dir() {
        true => digests(&path),
        false => vec![certus_model::Sha256::of(&std::fs::read(&path).expect("a file")).to_string()],
    };
    listing.flat_map(of).collect()
}

#[test]
fn a_publication_is_carried_out_with_its_own_permission_alone() {
    let home = home();
    let (lake, setting) = lake(&home);
    let service = Service::start(&home, &[KEYED, ("CERTUS_PUBLISH_DIR", &setting)]);
    let (id, other) = (scanned(&service), scanned(&service));
    refused(
        &service.post("/v1/promotions/golden", &json!({"keys": [format!("{id}/incoming/scan.json")]})),
        409,
        "not-permitted",
    );
    let [mine, others] = [&id, &other].map(|id| {
        permitted_then(&service, id, "uploaded");
        upload(&service, id)
    });
    let done = execute(&service, &execution(&mine));
    assert_eq!((&done["status"], &done["error_detail"]), (&json!("success"), &Value::Null), "{done:#}");
    let artifacts = done["uploaded_artifacts"].as_array().expect("a list");
    let index = artifacts.iter().find(|artifact| artifact["name"] == "index.json").expect("the index");
    let bytes = std::fs::read(lake.join("golden").join(&id).join("golden/index.json")).expect("an index");
    assert_eq!(index["hash"], format!("sha256:{}", certus_model::Sha256::of(&bytes)), "{index}");
    assert!(index["s3_path"].as_str().expect("an address").ends_with(&format!("{id}/golden/index.json")));

    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut body = execution(&mine);
        change(&mut body);
        service.post("/v1/execute-upload", &body)
    };
    refused(
        &wrong(&|body| body["upload_permission_id"] = others["upload_permission_id"].clone()),
        409,
        "other-permission",
    );
    refused(&wrong(&|body| body["tier"] = json!("verified")), 409, "other-permission");
    refused(&wrong(&|body| body["scan_id"] = json!("test_000000000000")), 404, "not-found");
    let zeros = format!("sha256:{}", "0".repeat(64));
    refused(
        &wrong(&|body| body["artifacts"] = json!([{"name": "index.json", "hash": zeros}])),
        409,
        "other-permission",
    );
    refused(
        &wrong(&|body| body["artifacts"] = json!([{"name": "more.json", "hash": index["hash"]}])),
        409,
        "other-permission",
    );
    let right =
        wrong(&|body| body["artifacts"] = json!([{"name": "index.json", "hash": index["hash"], "size": bytes.len()}]));
    assert_eq!(right.status, 202, "{}", right.text());

    let stranger = json!({"upload_permission_id": "0", "scan_id": other, "tier": "basic"});
    let batch =
        service.post("/v1/execute-upload/batch", &json!({"scans": [execution(&mine), stranger, execution(&others)]}));
    assert_eq!(batch.status, 202, "{}", batch.text());
    let batch = batch.json();
    let states: Vec<_> = batch["results"].as_array().expect("a list").iter().map(|one| one["status"].clone()).collect();
    assert_eq!(states, ["success", "failed", "success"], "{batch:#}");
    assert_eq!((&batch["total_scans"], &batch["successful"], &batch["failed"]), (&json!(3), &json!(2), &json!(1)));

    let promoted = service.post("/v1/promotions/golden", &json!({"keys": [format!("{id}/incoming/index.json")]}));
    assert_eq!(promoted.json()["promoted"], json!([index["s3_path"]]), "{}", promoted.text());
    refused(
        &service.post("/v1/promotions/golden", &json!({"keys": [format!("{id}/incoming/more.json")]})),
        409,
        "not-permitted",
    );
    let stats = service.get("/health/stats").json();
    assert_eq!(stats["promotion_stats"], json!({"successful": 2, "failed": 0}), "{stats:#}");
    assert_eq!((&stats["total_uploads"], &stats["successful_uploads"]), (&json!(2), &json!(2)), "{stats:#}");
}

#[test]
fn transform_alone_publishes_what_nobody_else_does() {
    let home = home();
    let (lake, setting) = lake(&home);
    let settings = [KEYED, ("CERTUS_PUBLISH_DIR", &*setting), ("CERTUS_PRIVACY_PLUGINS", "secrets")];
    let api = Service::start_with(&home, &settings, &["--no-workers"]);
    let id = api.submit(&directory("repo"));
    let scanning = worker(&home, &settings);
    api.ended(&id);
    drop(scanning);
    refused(&api.post("/v1/privacy/scan", &json!({})), 409, "no-destination");
    let path = format!("/v1/security-scans/{id}/upload-request");
    assert_eq!(api.post(&path, &json!({"tier": "basic"})).json()["upload_status"], "pending", "nobody publishes");

    let transform = Service::transform(&home, &settings);
    let uploaded = api.until(&id, |scan| scan["upload_status"] == "uploaded");
    assert!(marker(&lake, &id).exists(), "{uploaded:#}");
    assert_eq!(execute(&transform, &execution(&upload(&api, &id)))["status"], "success");
    assert_eq!(look(&transform, &json!({"scan_id": id}))["quarantined"], 0);
    assert_eq!(transform.get("/health/stats").json()["successful_uploads"], 1);
    assert_eq!(transform.get("/v1/security-scans").status, 404, "it is Transform and nothing else");

    let nowhere = home.service(&[KEYED]).arg("transform").output().expect("certus runs");
    let said = String::from_utf8_lossy(&nowhere.stderr);
    assert!(!nowhere.status.success() && said.contains("set CERTUS_PUBLISH_DIR or"), "{said}");
}

#[test]
fn a_tenant_looks_at_scans_of_its_own_alone() {
    let home = Home::new();
    home.workspace("repo");
    let acme = key(&home, &user(&home, "acme", "tenant"), "write");
    let other = key(&home, &user(&home, "other", "tenant"), "write");
    let (_, setting) = lake(&home);
    let own = [("CERTUS_PUBLISH_DIR", &*setting), ("CERTUS_PRIVACY_PLUGINS", "secrets")];
    let service = Service::start(&home, &[&production(&home)[..], &own].concat()).with_key(&acme);
    let id = scanned(&service);
    permitted_then(&service, &id, "uploaded");
    let mine = execution(&upload(&service, &id));
    assert_eq!(look(&service, &json!({"scan_id": id, "dry_run": true}))["quarantined"], 0);
    for body in [json!({}), json!({"prefix": "active/"}), json!({"scan_id": id, "report_key": "reports/x"})] {
        refused(&service.post("/v1/privacy/scan", &body), 403, "forbidden");
    }
    let as_other = |path: &str, body: &Value| {
        let request = service.anonymous(Method::POST, path).bearer_auth(&other);
        send(request.header("content-type", "application/json").body(body.to_string()))
    };
    refused(&as_other("/v1/privacy/scan", &json!({"scan_id": id})), 404, "not-found");
    refused(&as_other("/v1/execute-upload", &mine), 404, "not-found");
    refused(
        &as_other("/v1/promotions/golden", &json!({"keys": [format!("{id}/incoming/scan.json")]})),
        404,
        "not-found",
    );
    let batch = as_other("/v1/execute-upload/batch", &json!({"scans": [mine]})).json();
    assert_eq!(
        (&batch["failed"], &batch["results"][0]["error_detail"]),
        (&json!(1), &json!("Scan not found")),
        "{batch:#}"
    );
}
