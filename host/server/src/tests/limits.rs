//! What is too much, too slow or not meant to be.

use axum::body::Bytes;
use futures_util::stream;

use super::*;

#[tokio::test]
async fn bodies_have_a_size_a_time_and_one_reading() {
    let fixture = Fixture::with(|config| {
        config.limits.json_bytes = 1000;
        config.limits.body_read = Duration::from_millis(50);
    })
    .await;
    let send = |body: Body| fixture.send(request("POST", SCANS, &fixture.acme).body(body).unwrap());
    let padded = |length: usize| {
        let text = scan().to_string();
        format!("{text}{}", " ".repeat(length - text.len()))
    };
    assert_eq!(send(padded(1000).into()).await.status, 202);
    send(padded(1001).into()).await.is_problem(413, "too-large");
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 100])));
    send(Body::from_stream(endless)).await.is_problem(413, "too-large");
    send(Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()))
        .await
        .is_problem(408, "request-timeout");
    send("[".repeat(900).into()).await.is_problem(400, "bad-request");
    send("{\"a\":1,\"a\":2}".into()).await.is_problem(400, "bad-request");
    send("{\"manifest\":{\"x\":1,\"x\":2}}".into()).await.is_problem(400, "bad-request");
    send("".into()).await.is_problem(400, "bad-request");
    send("[]".into()).await.is_problem(422, "invalid");
}

#[tokio::test]
async fn bodies_are_of_the_kind_that_is_taken() {
    let fixture = Fixture::new().await;
    let packed = request("POST", SCANS, &fixture.acme).header(header::CONTENT_ENCODING, "gzip");
    fixture.send(packed.body(scan().to_string().into()).unwrap()).await.is_problem(415, "unsupported-media-type");
    let plain = Request::post(SCANS).header("x-api-key", &fixture.acme).header(header::CONTENT_TYPE, "text/plain");
    fixture.send(plain.body(scan().to_string().into()).unwrap()).await.is_problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let fixture = Fixture::new().await;
    fixture.get("", "/nowhere").await.is_problem(404, "not-found");
    let put = fixture.send(request("PUT", SCANS, &fixture.acme).body(Body::empty()).unwrap()).await;
    put.is_problem(405, "method-not-allowed");
    assert!(put.headers[header::ALLOW].to_str().unwrap().contains("POST"));
}

#[tokio::test]
async fn request_ids_are_the_clients_where_they_are_plain() {
    let fixture = Fixture::new().await;
    let ask = |id: &str| fixture.send(Request::get("/livez").header("x-request-id", id).body(Body::empty()).unwrap());
    assert_eq!(ask("build-17.a").await.headers["x-request-id"], "build-17.a");
    for odd in ["a b", &"x".repeat(65), "<script>"] {
        assert_ne!(ask(odd).await.headers["x-request-id"], odd);
    }
}

#[tokio::test]
async fn a_store_that_fails_is_told_without_its_inside() {
    let fixture = Fixture::new().await;
    fixture.store.close().await;
    let answer = fixture.get("", "/readyz").await;
    answer.is_problem(503, "unavailable");
    assert_eq!(answer.headers[header::RETRY_AFTER], "1");
    for path in ["/stats", SCANS] {
        let answer = fixture.get(&fixture.acme, path).await;
        assert_eq!(answer.status, 503);
        for word in ["sqlite", "pool", "SELECT", "certus.db"] {
            assert!(!answer.text.contains(word), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn the_description_is_served_and_browsable() {
    let fixture = Fixture::new().await;
    let served = fixture.get("", "/openapi.json").await.json;
    assert!(served["paths"]["/v1/security-scans/{test_id}/artifacts/{path}"]["get"].is_object());
    let page = fixture.get("", "/docs/").await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(!page.text.contains("https://"), "nothing comes from elsewhere: {}", page.text);
}
