//! Submits and uploads.

use super::*;

#[tokio::test]
async fn a_submit_without_a_manifest_is_accepted() {
    let fixture = Fixture::new().await;
    let answer = fixture.post(&fixture.acme, SCANS, scan()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.json["test_id"].as_str().unwrap();
    assert_eq!(
        answer.json,
        json!({
            "test_id": id, "workspace_id": "acme", "component_id": "shop", "assessment_id": "nightly",
            "status": "queued", "profile": "light", "manifest_digest": null,
            "stream_url": format!("/v1/security-scans/{id}/stream"),
        })
    );
    assert_eq!(answer.headers[header::LOCATION], format!("{SCANS}/{id}"));
    let stats = fixture.get("", "/stats").await.json;
    assert_eq!((&stats["total_scans"], &stats["scans_by_status"]["queued"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let fixture = Fixture::new().await;
    let body = json!({"workspace_id": "a b", "component_id": "c", "source_type": "directory", "timout_seconds": 5,
        "timeout_seconds": 0});
    let answer = fixture.post(&fixture.acme, SCANS, body).await;
    answer.is_problem(422, "invalid");
    let fields: Vec<_> =
        answer.json["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["workspace_id", "assessment_id", "directory_path", "timeout_seconds", "timout_seconds"]);
}

#[tokio::test]
async fn sources_and_manifests_that_are_refused() {
    let fixture = Fixture::new().await;
    for (field, changes) in [
        ("git_url", json!({"git_url": null})),
        ("git_url", json!({"git_url": "https://ada:s3cret@example.com/x"})),
        ("git_url", json!({"git_url": "https://good@evil.example/x"})),
        ("git_url", json!({"git_url": "http://example.com/x"})),
        ("git_url", json!({"git_url": "file:///etc"})),
        ("git_url", json!({"git_url": "ext::sh -c id"})),
        ("git_url", json!({"git_url": "git@example.com:x"})),
        ("git_url", json!({"git_url": "/etc"})),
        ("git_url", json!({"git_url": "../x"})),
        ("git_url", json!({"git_url": "https:///x"})),
        ("git_url", json!({"git_url": "x\u{0}y"})),
        ("branch", json!({"branch": "--upload-pack=x"})),
        ("commit", json!({"commit": "HEAD"})),
        ("directory_path", json!({"source_type": "directory", "directory_path": "/etc"})),
        ("archive_path", json!({"source_type": "archive", "archive_path": "/etc/passwd"})),
        ("archive_path", json!({"source_type": "archive", "archive_path": format!("up_{}", "0".repeat(32))})),
        ("source_type", json!({"source_type": "ftp"})),
        ("manifest_path", json!({"manifest_path": "../../etc/passwd"})),
        ("manifest_signature_uri", json!({"manifest_uri": "https://example.com/m.json"})),
        ("manifest_signature", json!({"manifest_signature": "AAAA"})),
        ("manifest", json!({"manifest": [1]})),
        ("profile", json!({"profile": "unheard-of"})),
        ("priority", json!({"priority": "urgent"})),
    ] {
        let answer = fixture.post(&fixture.acme, SCANS, with(changes.clone())).await;
        answer.is_problem(422, "invalid");
        assert_eq!(answer.json["errors"][0]["field"], field, "{changes} {answer:?}");
        assert!(!answer.text.contains("s3cret"), "{answer:?}");
    }
    let root = fixture.root.join("workspaces/x").display().to_string();
    for changes in [
        json!({"git_url": "team/repo", "branch": "main", "commit": "0123456"}),
        json!({"source_type": "directory", "directory_path": root}),
        json!({"source_type": "archive", "archive_path": "x.tar"}),
        json!({"manifest_uri": "https://example.com/m", "manifest_signature_uri": "https://example.com/m.sig"}),
        json!({"manifest_path": "ci/manifest.json", "timeout_seconds": 60, "priority": "batch", "requested_by": "ci"}),
    ] {
        let answer = fixture.post(&fixture.acme, SCANS, with(changes.clone())).await;
        assert_eq!(answer.status, 202, "{changes} {answer:?}");
    }
}

#[tokio::test]
async fn inline_manifests_are_digested_in_one_form_and_signed_where_that_is_required() {
    let manifest = json!({"manifest": {"b": 1, "a": [true]}});
    let fixture = Fixture::new().await;
    let answer = fixture.post(&fixture.acme, SCANS, with(manifest.clone())).await;
    let digest = certus_model::Sha256::of(br#"{"a":[true],"b":1}"#).to_string();
    assert_eq!(answer.json["manifest_digest"], digest, "{answer:?}");

    let strict = Fixture::with(|config| config.manifest_verification_required = true).await;
    strict.post(&strict.acme, SCANS, with(manifest.clone())).await.is_problem(422, "invalid");
    let signed = with(json!({"manifest": manifest["manifest"], "manifest_signature": "AAAA"}));
    assert_eq!(strict.post(&strict.acme, SCANS, signed).await.status, 202);
}

#[tokio::test]
async fn the_same_key_is_the_same_scan() {
    let fixture = Fixture::with(|config| config.require_idempotency_key = true).await;
    let send = |key: &str, idempotency: &str, body: Value| {
        let request = request("POST", SCANS, key).header("idempotency-key", idempotency);
        fixture.send(request.body(body.to_string().into()).unwrap())
    };
    fixture.post(&fixture.acme, SCANS, scan()).await.is_problem(400, "idempotency-key-missing");
    send(&fixture.acme, &"x".repeat(256), scan()).await.is_problem(400, "idempotency-key-invalid");
    let first = send(&fixture.acme, "k", scan()).await;
    let again = send(&fixture.acme, "k", with(json!({"profile": "light", "branch": null}))).await;
    assert_eq!((again.status.as_u16(), &again.json), (202, &first.json), "one payload, written in two ways");
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert!(!first.headers.contains_key("idempotency-replayed"));
    send(&fixture.acme, "k", with(json!({"profile": "heavy"}))).await.is_problem(409, "idempotency-mismatch");
    let other = send(&fixture.other, "k", scan()).await;
    assert_ne!(other.json["test_id"], first.json["test_id"]);
}

#[tokio::test]
async fn fifty_at_once_with_one_key_are_one_scan() {
    let fixture = Fixture::new().await;
    let each = (0..50).map(|_| {
        let request = request("POST", SCANS, &fixture.acme).header("idempotency-key", "k");
        fixture.send(request.body(scan().to_string().into()).unwrap())
    });
    let answers = futures_util::future::join_all(each).await;
    let mut ids = std::collections::BTreeSet::new();
    for answer in &answers {
        match answer.status.as_u16() {
            202 => drop(ids.insert(answer.json["test_id"].to_string())),
            _ => {
                answer.is_problem(409, "idempotency-in-progress");
                assert_eq!(answer.headers[header::RETRY_AFTER], "1");
            }
        }
    }
    assert_eq!((ids.len(), fixture.store.stats().await.unwrap().scans[&ScanStatus::Queued]), (1, 1));
}

#[tokio::test]
async fn a_batch_is_answered_item_by_item() {
    let fixture = Fixture::new().await;
    let body = json!({"scans": [scan(), with(json!({"workspace_id": null})), scan()]});
    let answer = fixture.post(&fixture.acme, &format!("{SCANS}/batch"), body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let items = answer.json["items"].as_array().unwrap();
    assert_eq!(items.iter().map(|item| item["status"].as_u64().unwrap()).collect::<Vec<_>>(), [202, 422, 202]);
    assert_eq!(items[1]["problem"]["errors"][0]["field"], "workspace_id");
    assert!(items[0]["scan"]["test_id"].is_string());
    let too_many = json!({"scans": vec![scan(); 101]});
    fixture.post(&fixture.acme, &format!("{SCANS}/batch"), too_many).await.is_problem(422, "invalid");
}

fn form(filename: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--b\r\nContent-Disposition: form-data; name=\"file\"{filename}\r\n\r\n");
    [head.as_bytes(), content, b"\r\n--b--\r\n"].concat()
}

fn upload(key: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::post(format!("{SCANS}/upload-archive"));
    let request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=b").body(body.into()).unwrap()
}

#[tokio::test]
async fn uploads_are_kept_and_submitted_by_their_owner() {
    let fixture = Fixture::new().await;
    let content = [b"\x1f\x8b".as_slice(), &[7; 500_000]].concat();
    let body = form("; filename=\"../../shop.TGZ\"", &content);
    let answer = fixture.send(upload(&fixture.acme, body)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let id = answer.json["upload_id"].as_str().unwrap();
    let digest = certus_model::Sha256::of(&content).to_string();
    let wanted = json!({"archive_path": id, "upload_id": id, "archive_hash": digest, "filename": "shop.TGZ", "size": content.len()});
    assert_eq!(answer.json, wanted);
    assert_eq!(std::fs::read(fixture.root.join("artifacts/uploads").join(id)).unwrap(), content);
    let body = with(json!({"source_type": "archive", "archive_path": id}));
    assert_eq!(fixture.post(&fixture.acme, SCANS, body.clone()).await.status, 202);
    fixture.post(&fixture.other, SCANS, body).await.is_problem(422, "invalid");
}

#[tokio::test]
async fn uploads_that_are_refused_leave_nothing() {
    let fixture = Fixture::with(|config| config.limits.upload_bytes = 100_000).await;
    let name = "; filename=\"a.tgz\"";
    let mut packed = upload(&fixture.acme, form(name, b"\x1f\x8b."));
    packed.headers_mut().insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    let endless = [b"--b\r\nX: ".as_slice(), &vec![b'x'; 90_000]].concat();
    for (request, status, kind) in [
        (upload(&fixture.acme, form("", b"\x1f\x8b.")), 400, "bad-request"),
        (upload(&fixture.acme, form(name, b"")), 400, "bad-request"),
        (upload(&fixture.acme, form(name, b"#!/bin/sh")), 400, "unsupported-file"),
        (upload(&fixture.acme, form(name, &[0; 4096])), 400, "unsupported-file"),
        (upload(&fixture.acme, form(name, &[b"\x1f\x8b".as_slice(), &[0; 99_999]].concat())), 413, "too-large"),
        (upload(&fixture.acme, form(name, &[b"\x1f\x8b".as_slice(), &[0; 300_000]].concat())), 413, "too-large"),
        (upload(&fixture.acme, form(name, b"\x1f\x8b.")[..72].to_vec()), 400, "bad-request"),
        (upload(&fixture.acme, endless), 400, "bad-request"),
        (packed, 415, "unsupported-media-type"),
    ] {
        fixture.send(request).await.is_problem(status, kind);
    }
    assert_eq!(std::fs::read_dir(fixture.root.join("artifacts/uploads")).unwrap().count(), 0);
    let most = form(name, &[b"\x1f\x8b".as_slice(), &[0; 99_998]].concat());
    assert_eq!(fixture.send(upload(&fixture.acme, most)).await.status, 201);
}
