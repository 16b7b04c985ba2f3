//! Scans, lists, findings, artifacts, streams, totals.

use certus_model::Severity;

use super::*;

#[tokio::test]
async fn lists_go_on_where_they_ended() {
    let fixture = Fixture::new().await;
    for _ in 0..5 {
        fixture.submit(&fixture.acme).await;
    }
    let mut seen = Vec::new();
    let mut path = format!("{SCANS}?limit=2&status=queued&workspace_id=acme");
    loop {
        let page = fixture.get(&fixture.acme, &path).await;
        assert_eq!(page.status, 200, "{page:?}");
        seen.extend(page.json["items"].as_array().unwrap().iter().map(|item| item["test_id"].to_string()));
        let Some(link) = page.headers.get(header::LINK) else {
            assert_eq!(page.json["next_cursor"], Value::Null);
            break;
        };
        path = link.to_str().unwrap().strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
        assert!(path.contains(page.json["next_cursor"].as_str().unwrap()));
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((seen.len(), unique.len()), (5, 5));
    for (query, kind) in [
        ("limit=201", "bad-query"),
        ("limit=0", "bad-query"),
        ("offset=10001", "bad-query"),
        ("status=QUEUED", "bad-query"),
        ("statuss=queued", "bad-query"),
        ("since=yesterday", "bad-query"),
        ("profile=%00", "bad-query"),
        ("cursor=c29tZXRoaW5n", "bad-cursor"),
    ] {
        fixture.get(&fixture.acme, &format!("{SCANS}?{query}")).await.is_problem(400, kind);
    }
    let later = fixture.get(&fixture.acme, &format!("{SCANS}?since=2999-01-01T00:00:00Z")).await;
    assert_eq!(later.json["items"], json!([]));
    let rest = fixture.get(&fixture.acme, &format!("{SCANS}?offset=3")).await;
    assert_eq!(rest.json["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_scan_shows_what_was_asked_for_and_what_was_scanned() {
    let fixture = Fixture::new().await;
    let body = with(json!({"branch": "main", "commit": "0123456"}));
    let id = fixture.post(&fixture.acme, SCANS, body).await.json["test_id"].as_str().unwrap().to_owned();
    fixture.finish(ScanStatus::Succeeded, &[], None).await;
    let scan = fixture.get(&fixture.acme, &format!("{SCANS}/{id}")).await.json;
    assert_eq!(scan["requested_commit"], "0123456");
    assert_eq!(scan["commit"], "a".repeat(40));
    assert_eq!(scan["status"], "succeeded");
    assert_eq!(scan["timeout_seconds"], 600);
    assert!(scan["completed_at"].as_str().unwrap().ends_with('Z'));
    for bad in ["test_0", "test_0123456789AB", "%00"] {
        fixture.get(&fixture.acme, &format!("{SCANS}/{bad}")).await.is_problem(404, "not-found");
    }
}

#[tokio::test]
async fn calling_off_and_replaying() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(&fixture.acme).await;
    let cancel = format!("{SCANS}/{id}/cancel");
    let answer = fixture.post(&fixture.acme, &cancel, json!({})).await;
    assert_eq!((answer.status.as_u16(), &answer.json["status"]), (202, &json!("cancelled")));
    fixture.post(&fixture.acme, &cancel, json!({})).await.is_problem(409, "scan-ended");
    let replay = format!("{SCANS}/{id}/replay");
    fixture.post(&fixture.acme, &replay, json!({})).await.is_problem(409, "not-dead-letter");
    fixture.get(&fixture.acme, &format!("{SCANS}/{id}/findings")).await.is_problem(409, "no-report");
    let stats = fixture.get("", "/stats").await.json;
    assert_eq!(stats["scans_by_status"]["cancelled"], 1);
}

#[tokio::test]
async fn findings_by_what_they_are() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(&fixture.acme).await;
    let findings = format!("{SCANS}/{id}/findings");
    fixture.get(&fixture.acme, &findings).await.is_problem(409, "not-finished");
    let row = |ordinal: i64, severity| FindingRow {
        ordinal,
        fingerprint: format!("f{ordinal}"),
        plugin: "certus.secrets".into(),
        rule: "aws-access-key".into(),
        severity,
        path: Some("src/a.py".into()),
        line: Some(3),
        suppressed: ordinal == 0,
        body: json!({"n": ordinal}),
    };
    let rows = [row(0, Severity::High), row(1, Severity::Low), row(2, Severity::High), row(3, Severity::High)];
    fixture.finish(ScanStatus::Succeeded, &rows, None).await;
    let first = fixture.get(&fixture.acme, &format!("{findings}?severity=high&limit=2")).await;
    let fingerprints = |answer: &Answer| -> Vec<String> {
        let items = answer.json["items"].as_array().unwrap();
        items.iter().map(|item| item["fingerprint"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(fingerprints(&first), ["f0", "f2"]);
    let cursor = first.json["next_cursor"].as_str().unwrap();
    let rest = fixture.get(&fixture.acme, &format!("{findings}?severity=high&limit=2&cursor={cursor}")).await;
    assert_eq!((fingerprints(&rest), &rest.json["next_cursor"]), (vec!["f3".to_owned()], &Value::Null));
    let open = fixture.get(&fixture.acme, &format!("{findings}?suppressed=false&path=src/a.py")).await;
    assert_eq!(fingerprints(&open), ["f1", "f2", "f3"]);
    fixture.get(&fixture.acme, &format!("{findings}?severity=awful")).await.is_problem(400, "bad-query");
}

#[tokio::test]
async fn an_ended_scan_streams_its_events_and_ends() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(&fixture.acme).await;
    fixture.finish(ScanStatus::Succeeded, &[], None).await;
    let stream = format!("{SCANS}/{id}/stream");
    let all = fixture.get(&fixture.acme, &stream).await;
    assert_eq!(all.headers[header::CONTENT_TYPE], "text/event-stream");
    let ids = |text: &str| text.lines().filter(|line| line.starts_with("id:")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(ids(&all.text), ["id: 0", "id: 1"], "{}", all.text);
    assert!(all.text.contains("event: scan_complete"), "{}", all.text);
    assert_eq!(ids(&fixture.get(&fixture.acme, &format!("{stream}?from=1")).await.text), ["id: 1"]);
    let last = request("GET", &stream, &fixture.acme).header("last-event-id", "0").body(Body::empty()).unwrap();
    assert_eq!(ids(&fixture.send(last).await.text), ["id: 1"]);
    assert_eq!(ids(&fixture.get(&fixture.acme, &format!("{stream}?from=99")).await.text), [""; 0]);
    let html = request("GET", &stream, &fixture.acme).header(header::ACCEPT, "text/html").body(Body::empty()).unwrap();
    fixture.send(html).await.is_problem(406, "not-acceptable");
    let foreign = request("GET", &stream, &fixture.acme).header(header::ORIGIN, "https://evil.example");
    fixture.send(foreign.body(Body::empty()).unwrap()).await.is_problem(403, "foreign-origin");
    assert_eq!(fixture.get("", "/stats").await.json["active_streams"], 0);
}

#[tokio::test]
async fn streams_have_a_limit() {
    let fixture = Fixture::with(|config| config.limits.streams = 0).await;
    let id = fixture.submit(&fixture.acme).await;
    let answer = fixture.get(&fixture.acme, &format!("{SCANS}/{id}/stream")).await;
    answer.is_problem(503, "too-many-streams");
    assert_eq!(answer.headers[header::RETRY_AFTER], "5");
}

#[tokio::test]
async fn artifacts_are_those_of_the_index_and_no_others() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(&fixture.acme).await;
    let artifacts = format!("{SCANS}/{id}/artifacts");
    fixture.get(&fixture.acme, &artifacts).await.is_problem(409, "not-finished");
    let bundle = fixture.root.join("artifacts/bundles/b.1");
    let mut files = certus_bundle::BundleFiles::default();
    for name in certus_bundle::FileName::ALL {
        files.insert(name, format!("{{\"of\":\"{name}\"}}").into_bytes()).unwrap();
        std::fs::create_dir_all(bundle.join(name.path()).parent().unwrap()).unwrap();
        std::fs::write(bundle.join(name.path()), format!("{{\"of\":\"{name}\"}}")).unwrap();
    }
    let index = certus_bundle::index::Index::of(&files).unwrap().to_bytes().unwrap();
    std::fs::write(bundle.join("index.json"), &index).unwrap();
    std::fs::write(bundle.join("attestation.dsse.json"), "{}").unwrap();
    std::fs::write(bundle.join("stray.json"), "{}").unwrap();
    fixture.finish(ScanStatus::Succeeded, &[], Some("b.1")).await;

    let listed = fixture.get(&fixture.acme, &artifacts).await;
    let items = listed.json["items"].as_array().unwrap();
    assert_eq!(items.len(), 15, "{listed:?}");
    for item in items {
        let file = fixture.get(&fixture.acme, item["url"].as_str().unwrap()).await;
        assert_eq!(file.status, 200, "{item}");
        assert_eq!(certus_model::Sha256::of(file.text.as_bytes()).to_string(), item["sha256"].as_str().unwrap());
        assert_eq!(file.headers[header::ETAG].to_str().unwrap(), format!("\"{}\"", item["sha256"].as_str().unwrap()));
        assert_eq!(file.headers[header::CONTENT_TYPE], item["media_type"].as_str().unwrap());
        assert_eq!(file.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(file.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("sandbox"));
        assert!(file.headers[header::CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment"));
    }
    let tag = format!("\"{}\"", certus_model::Sha256::of(&index));
    let known = request("GET", &format!("{artifacts}/index.json"), &fixture.acme).header(header::IF_NONE_MATCH, &tag);
    let known = fixture.send(known.body(Body::empty()).unwrap()).await;
    assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""));
    for bad in ["stray.json", "../b.1/scan.json", "%2e%2e/b.1/scan.json", "/etc/passwd", "reports", "scan.json/", "%00"]
    {
        fixture.get(&fixture.acme, &format!("{artifacts}/{bad}")).await.is_problem(404, "not-found");
    }
}

#[tokio::test]
async fn what_needs_no_key_shows_totals_only() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(&fixture.acme).await;
    for path in ["/stats", "/metrics", "/health", "/livez", "/readyz"] {
        let answer = fixture.get("", path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        for word in [id.as_str(), "acme", "shop"] {
            assert!(!answer.text.contains(word), "{path} shows {word}: {}", answer.text);
        }
    }
    let metrics = fixture.get("", "/metrics").await.text;
    for line in [
        "certus_assurance_scans_total 1",
        "certus_assurance_scans_status{status=\"queued\"} 1",
        "certus_assurance_websocket_errors_total 0",
        "certus_assurance_http_requests_total{method=\"POST\",route=\"/v1/security-scans\",status=\"202\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "no {line} in {metrics}");
    }
    let health = fixture.get("", "/health").await.json;
    let wanted =
        json!({"status": "ok", "scanning_mode": "production", "security_module_available": "True", "version": "1.2.3"});
    assert_eq!(health, wanted);
}

#[tokio::test]
async fn the_audit_chain_is_read_in_pages() {
    let fixture = Fixture::new().await;
    for _ in 0..3 {
        fixture.submit(&fixture.acme).await;
    }
    let first = fixture.get(&fixture.acme, "/v1/audit-events?action=scan.submitted&limit=2").await.json;
    let after = &first["next_after"];
    let path = format!("/v1/audit-events?action=scan.submitted&limit=2&after={after}");
    let rest = fixture.get(&fixture.acme, &path).await.json;
    assert_eq!((first["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len()), (2, 1));
    assert_eq!(rest["next_after"], Value::Null);
    fixture.get(&fixture.acme, "/v1/audit-events?tenant_id=other").await.is_problem(403, "forbidden");
    let (last, beyond) = (i64::MAX, i64::MAX as u64 + 1);
    let none = fixture.get(&fixture.acme, &format!("/v1/audit-events?after={last}")).await;
    assert_eq!(none.json["items"], json!([]));
    fixture.get(&fixture.acme, &format!("/v1/audit-events?after={beyond}")).await.is_problem(400, "bad-query");
    assert_eq!(fixture.get(&fixture.admin, "/v1/audit-events?tenant_id=acme").await.status, 200);
}
