//! Publications into an S3 store that fails in every way, through the whole service.

use serde_json::json;

use super::{KEYED, ask, home, scanned};
use crate::support::s3::{self, Fault, Unreliable};
use crate::support::service::Service;

#[test]
fn case_118_a_store_that_fails_delays_a_publication_and_spoils_none() {
    let Some(store) = s3::server() else { return };
    let home = home();
    let (raw, golden) = (store.bucket(), store.bucket());
    let wire = Unreliable::to(store.port());
    let endpoint = format!("http://127.0.0.1:{}", wire.port());
    let settings = [
        KEYED,
        ("CERTUS_ASSURANCE_ENABLE_S3_UPLOAD", "true"),
        ("CERTUS_ASSURANCE_DATALAKE_RAW_BUCKET", &*raw),
        ("CERTUS_ASSURANCE_DATALAKE_GOLDEN_BUCKET", &*golden),
        ("CERTUS_PRIVACY_PLUGINS", "secrets"),
        ("S3_ENDPOINT_URL", &*endpoint),
        ("S3_ACCESS_KEY_ID", s3::LOGIN.0),
        ("S3_SECRET_ACCESS_KEY", s3::LOGIN.1),
    ];
    let service = Service::start(&home, &settings);
    let (first, second) = (scanned(&service), scanned(&service));

    // Away altogether: it is permitted, waits, and says why.
    wire.outage(Some(503));
    ask(&service, &first, "basic");
    let waits = service.until(&first, |scan| scan["upload_error"].is_string());
    assert_eq!(waits["upload_status"], "permitted", "{waits:#}");
    wire.outage(None);
    let done = service.until(&first, |scan| scan["upload_status"] == "uploaded");
    assert_eq!(done["upload_error"], json!(null), "{done:#}");

    // There, and not to be trusted.
    wire.script(&[
        ("PUT", Fault::ResetMidway),
        ("PUT", Fault::LoseReply),
        ("PUT", Fault::Status(500)),
        ("PUT", Fault::FlipSent),
        ("GET", Fault::FlipBit),
        ("GET", Fault::Cut),
        ("HEAD", Fault::Status(503)),
    ]);
    ask(&service, &second, "basic");
    service.until(&second, |scan| scan["upload_status"] == "uploaded");
    assert!(wire.is_done(), "every fault has struck");

    for id in [&first, &second] {
        let shown = service.get(&format!("/v1/security-scans/{id}")).json();
        let places = shown["remote_artifacts"]["golden"].as_object().expect("golden objects").clone();
        assert!(places.len() > 10, "{shown:#}");
        let folder = store.file(&golden, &format!("security-scans/{id}"));
        let marker: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("complete.json")).expect("a marker")).expect("JSON");
        for file in marker["files"].as_array().expect("files") {
            let path = file["path"].as_str().expect("a path");
            let bytes = std::fs::read(folder.join("golden").join(path)).expect("an object");
            assert_eq!(file["sha256"], certus_model::Sha256::of(&bytes).to_string(), "{id} {path}");
            assert_eq!(places[path], format!("s3://{golden}/security-scans/{id}/golden/{path}"));
        }
    }

    // What lies in a bucket is looked at, moved and found again like what lies in a folder.
    let secret = ["aws_access_key_id = AKIA", "Z7QH3M5K2XWV6PTB", "\n"].concat();
    let form = format!(
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"keys.ini\"\r\n\r\n{secret}\r\n--x--\r\n"
    );
    let request = service.request(reqwest::Method::POST, "/v1/uploads/raw");
    let put =
        crate::support::service::send(request.header("content-type", "multipart/form-data; boundary=x").body(form));
    assert_eq!(put.status, 201, "{}", put.text());
    let looked = service.post("/v1/privacy/scan", &json!({ "bucket": raw }));
    let moved = &looked.json()["results"][0]["moved_to"];
    assert_eq!(*moved, "quarantine/active/keys.ini", "{}", looked.text());
    assert!(store.file(&raw, "security-scans/quarantine/active/keys.ini").is_file());
    assert!(!store.file(&raw, "security-scans/active/keys.ini").exists());
}

#[test]
fn case_122_what_is_revoked_while_a_publication_waits_is_not_published() {
    let Some(store) = s3::server() else { return };
    let home = home();
    let bucket = store.bucket();
    let wire = Unreliable::to(store.port());
    let endpoint = format!("http://127.0.0.1:{}", wire.port());
    let settings = [
        KEYED,
        ("CERTUS_ASSURANCE_ENABLE_S3_UPLOAD", "true"),
        ("CERTUS_ASSURANCE_DATALAKE_RAW_BUCKET", &*bucket),
        ("CERTUS_ASSURANCE_DATALAKE_RAW_PREFIX", "raw"),
        ("CERTUS_ASSURANCE_DATALAKE_GOLDEN_BUCKET", &*bucket),
        ("CERTUS_ASSURANCE_DATALAKE_GOLDEN_PREFIX", "golden"),
        ("S3_ENDPOINT_URL", &*endpoint),
        ("S3_ACCESS_KEY_ID", s3::LOGIN.0),
        ("S3_SECRET_ACCESS_KEY", s3::LOGIN.1),
    ];
    let service = Service::start(&home, &settings);
    let id = scanned(&service);
    wire.outage(Some(503));
    ask(&service, &id, "basic");
    let waits = service.until(&id, |scan| scan["upload_error"].is_string());
    assert_eq!(waits["upload_status"], "permitted", "{waits:#}");
    let signer = super::id_of(&home, "ada");
    let revoke = json!({ "kind": "signer", "digest": signer, "reason": "left a laptop in a train" });
    assert_eq!(service.post("/v1/revocations", &revoke).status, 201);
    wire.outage(None);
    let ended = service.until(&id, |scan| scan["upload_status"] != "permitted" && scan["upload_status"] != "uploading");
    assert_eq!(ended["upload_status"], "upload_failed", "{ended:#}");
    assert!(ended["upload_error"].as_str().is_some_and(|error| error.contains("revoked since")), "{ended:#}");
    assert!(!store.file(&bucket, "golden").exists(), "nothing is golden");
}
