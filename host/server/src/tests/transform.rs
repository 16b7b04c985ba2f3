//! What is asked of stored objects, and refused.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use certus_model::Sha256;
use certus_store::{AuditFilter, Content, Directory, Meta, Objects, Over};
use certus_transform::{Given, Inspector, Seen, Transform};

use super::*;

/// Finds something in everything, and waits over large objects until the test lets it go on.
#[derive(Debug)]
struct Eager {
    waits: Sender<()>,
    goes_on: Mutex<Receiver<()>>,
}

impl Inspector for Eager {
    fn inspect(&self, objects: Vec<Given>) -> Result<Vec<Seen>, String> {
        let look = |object: Given| {
            if object.size > 100 {
                self.waits.send(()).unwrap();
                self.goes_on.lock().unwrap().recv().unwrap();
            }
            Seen { findings: [("test/all".to_owned(), 1)].into(), gap: None }
        };
        Ok(objects.into_iter().map(look).collect())
    }
}

struct Lake {
    fixture: Fixture,
    raw: Arc<dyn Objects>,
    waits: Receiver<()>,
    goes_on: Sender<()>,
}

const LOOK: &str = "/v1/privacy/scan";

impl Lake {
    async fn new(objects: &[(&str, &str)]) -> Self {
        let mut fixture = Fixture::new().await;
        let open = |name: &str| -> Arc<dyn Objects> { Arc::new(Directory::open(&fixture.root.join(name)).unwrap()) };
        let (raw, golden) = (open("raw"), open("golden"));
        let ((said, waits), (goes_on, heard)) = (channel(), channel());
        let inspector = Eager { waits: said, goes_on: Mutex::new(heard) };
        let transform = Transform::new(fixture.store.clone(), raw.clone(), golden, Arc::new(inspector));
        fixture.services.transform = Some(transform);
        fixture.router = router(Shared::new(fixture.config.clone(), fixture.services.clone()));
        let lake = Self { fixture, raw, waits, goes_on };
        for (key, text) in objects {
            lake.put(key, text).await;
        }
        lake
    }

    async fn put(&self, key: &str, text: &str) {
        let meta = Meta::new(Sha256::of(text.as_bytes()), text.len() as u64, "text/plain", "2026-11-22T00:00:00Z");
        self.raw.keep(key, Content::Bytes(text.as_bytes()), &meta, Over::Nothing).await.unwrap();
    }

    async fn keys(&self) -> Vec<String> {
        self.raw.list("").await.unwrap().into_iter().map(|object| object.key).collect()
    }

    async fn look(&self, body: Value) -> Answer {
        self.fixture.post(&self.fixture.admin, LOOK, body).await
    }

    async fn upload(&self, prefix: &str, name: &str) -> Answer {
        let form = format!(
            "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\ntext\r\n--x--\r\n"
        );
        let request = Request::builder().method("POST").uri(format!("/v1/uploads/raw?prefix={prefix}"));
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.fixture.admin));
        self.fixture
            .send(request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=x").body(form.into()).unwrap())
            .await
    }

    async fn recorded(&self, action: &str) -> Vec<Value> {
        let filter = AuditFilter {
            action: Some(action.to_owned()),
            object: None,
            after: 0,
            limit: 100,
            ..AuditFilter::default()
        };
        let events = self.fixture.store.audit_events(Reach::All, &filter).await.unwrap();
        events.into_iter().map(|event| event.detail).collect()
    }
}

#[tokio::test]
async fn a_report_that_has_no_place_moves_nothing() {
    let lake = Lake::new(&[("bct1/a.csv", "one"), ("report.txt", "another one")]).await;
    let before = lake.keys().await;
    for taken in ["report.txt", "report.txt/more", "bct1"] {
        lake.look(json!({"prefix": "bct1/", "report_key": taken})).await.is_problem(409, "exists");
    }
    for key in ["r3/", "quarantine", "quarantine/r", ".meta/r", "test_0123456789ab/r"] {
        let answer = lake.look(json!({"prefix": "bct1/", "report_key": key})).await;
        answer.is_problem(422, "invalid");
        assert_eq!(answer.json["errors"][0]["field"], "report_key", "{key}");
    }
    assert_eq!((lake.keys().await, lake.recorded("privacy.scanned").await), (before, vec![]));
    assert_eq!(lake.recorded("privacy.moving").await, <[Value; 0]>::default());

    let answer = lake.look(json!({"prefix": "bct1/", "report_key": "r3"})).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json["results"][0]["moved_to"], "quarantine/bct1/a.csv");
    assert_eq!(lake.keys().await, ["quarantine/bct1/a.csv", "r3", "report.txt"]);
    let wanted = json!({"prefix": "bct1/", "dry_run": false, "scanned": 1, "quarantined": 1, "failed": false});
    assert_eq!(lake.recorded("privacy.scanned").await, [wanted]);
    assert_eq!(lake.recorded("privacy.moving").await, [json!({"prefix": "bct1/", "scanned": 1})]);

    lake.put("bct1/a.csv", "two").await;
    let beside = format!("quarantine/bct1/a.csv.{}", Sha256::of(b"two"));
    let answer = lake.look(json!({"prefix": "bct1/"})).await;
    assert_eq!(answer.json["results"][0]["moved_to"], *beside, "{answer:?}");
    assert_eq!(lake.keys().await[..2], ["quarantine/bct1/a.csv", &beside], "neither is lost");
}

#[tokio::test]
async fn a_tenant_has_one_privacy_scan_also_when_nobody_waits_for_it() {
    let lake = Lake::new(&[("slow/a", &"x".repeat(200)), ("fast/a", "x")]).await;
    let (router, admin) = (lake.fixture.router.clone(), lake.fixture.admin.clone());
    let body = json!({"prefix": "slow/", "dry_run": true}).to_string();
    let slow = request("POST", LOOK, &admin).body(Body::from(body)).unwrap();
    let client = tokio::spawn(router.oneshot(slow));
    let Lake { fixture, waits, goes_on, .. } = &lake;
    while waits.try_recv().is_err() {
        tokio::task::yield_now().await;
    }
    client.abort();
    for _ in 0..3 {
        let answer = lake.look(json!({"prefix": "fast/"})).await;
        answer.is_problem(503, "unavailable");
        assert_eq!(answer.headers[header::RETRY_AFTER], "10");
    }
    goes_on.send(()).unwrap();
    // Nobody waits, and it is put on record.
    while lake.recorded("privacy.scanned").await.is_empty() {
        tokio::task::yield_now().await;
    }
    let id = fixture.submit(&fixture.acme).await;
    let others = fixture.post(&fixture.acme, LOOK, json!({"scan_id": id})).await;
    assert_eq!((others.status, &others.json["scanned"]), (StatusCode::OK, &json!(0)), "{others:?}");
    let again = lake.look(json!({"prefix": "fast/"})).await;
    assert_eq!((again.status, &again.json["quarantined"]), (StatusCode::OK, &json!(1)), "{again:?}");
}

#[tokio::test]
async fn keys_that_no_place_takes_are_no_failures_of_it() {
    let lake = Lake::new(&[("d/dup", "an object"), ("e/f/g", "an object")]).await;
    let long = "x".repeat(256);
    for prefix in [".meta", ".new", ".else/a", "quarantine", "test_0123456789ab/incoming", "a//b", &long] {
        let answer = lake.upload(prefix, "y").await;
        answer.is_problem(422, "invalid");
        assert_eq!(answer.json["errors"][0]["field"], "prefix", "{prefix}");
    }
    for (prefix, name) in [("d/dup", "y"), ("d", "dup"), ("e", "f")] {
        lake.upload(prefix, name).await.is_problem(409, "exists");
    }
    assert_eq!(lake.keys().await, ["d/dup", "e/f/g"]);
    let answer = lake.upload("d", "dup2").await;
    assert_eq!((answer.status, &answer.json["key"]), (StatusCode::CREATED, &json!("d/dup2")), "{answer:?}");
    let wanted = json!({"sha256": Sha256::of(b"text").to_string(), "size": 4});
    assert_eq!(lake.recorded("raw.received").await, [wanted]);
}
