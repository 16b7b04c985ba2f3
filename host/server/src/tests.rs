//! The main paths, through the router, on a store of SQLite.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use axum::{Router, body};
use certus_model::outcome::Verdict;
use certus_model::request::ScanRequest;
use certus_model::{Lane, Role, ScanStatus, Scope, TenantId};
use certus_store::{Blobs, DatabaseUrl, Ending, FindingRow, JobEnd, Lease, NewUser, Reach, Store};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt as _;

use crate::caller::Peer;
use crate::config::{Authentication, Checks, Config, Refused, Services};
use crate::key::{KeyRequest, new_key};
use crate::metrics::Metrics;
use crate::router::router;
use crate::state::Shared;

mod access;
mod limits;
mod notary;
mod reading;
mod socket;
mod submitting;
mod transform;

struct Fixture {
    _folder: tempfile::TempDir,
    root: std::path::PathBuf,
    store: Store,
    config: Config,
    services: Services,
    router: Router,
    /// Of the tenant `acme`, of `other`, and of an administrator.
    acme: String,
    other: String,
    admin: String,
}

const SCANS: &str = "/v1/security-scans";

impl Fixture {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        let url = DatabaseUrl::sqlite(&root.join("certus.db")).unwrap();
        Store::migrate(&url, None).await.unwrap();
        let store = Store::open(&url, 4).await.unwrap();
        for tenant in ["acme", "other"] {
            store.create_tenant(&tenant.parse().unwrap(), tenant, "test").await.unwrap();
        }
        let acme = key(&store, "acme", Role::Tenant, Scope::Write, 60).await;
        let other = key(&store, "other", Role::Tenant, Scope::Write, 60).await;
        let admin = key(&store, "other", Role::Admin, Scope::Write, 60).await;
        let mut config = Config::new("1.2.3");
        config.workspace_root = Some(root.join("workspaces"));
        change(&mut config);
        let services = Services {
            store: store.clone(),
            blobs: Blobs::in_folder(&root.join("artifacts")).unwrap(),
            checks: Arc::new(Profiles),
            trust: None,
            transform: None,
            publish: std::sync::Arc::default(),
            wake: Arc::new(Notify::new()),
            events: Arc::new(Notify::new()),
            metrics: Metrics::new(),
        };
        let router = router(Shared::new(config.clone(), services.clone()));
        Self { _folder: folder, root, store, config, services, router, acme, other, admin }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    async fn get(&self, key: &str, path: &str) -> Answer {
        self.send(request("GET", path, key).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, key: &str, path: &str, body: Value) -> Answer {
        self.send(request("POST", path, key).body(body.to_string().into()).unwrap()).await
    }

    async fn submit(&self, key: &str) -> String {
        let answer = self.post(key, SCANS, scan()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        answer.json["test_id"].as_str().unwrap().to_owned()
    }

    /// Plays the worker: takes the next job and ends it.
    async fn finish(&self, status: ScanStatus, findings: &[FindingRow], bundle: Option<&str>) {
        let claim = self.store.claim("w", Duration::from_secs(30), Lane::Interactive).await.unwrap().unwrap();
        self.store.append_events(&claim.lease, &[json!({"type": "phase", "message": "Cloning"})]).await.unwrap();
        self.store.keep_findings(&claim.lease, findings).await.unwrap();
        self.end(&claim.lease, status, bundle).await;
    }

    async fn end(&self, lease: &Lease, status: ScanStatus, bundle: Option<&str>) {
        let ending = Ending {
            decision: None,
            bundle: bundle.map(str::to_owned),
            resolved_commit: Some("a".repeat(40)),
            events: vec![json!({"type": "scan_complete", "status": "SUCCEEDED"})],
            ..Ending::new(status, Verdict::Error)
        };
        self.store.finish(lease, JobEnd::Completed, &ending).await.unwrap();
    }
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
    json: Value,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status: parts.status, headers: parts.headers, text, json }
    }

    /// That it is a problem of this kind, and whole.
    #[track_caller]
    fn is_problem(&self, status: u16, kind: &str) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(self.json["type"], format!("https://certus.dev/problems/{kind}"), "{self:?}");
        assert_eq!(self.json["status"], status);
        assert_eq!(self.json["request_id"], self.headers["x-request-id"].to_str().unwrap());
    }
}

fn request(method: &str, path: &str, key: &str) -> axum::http::request::Builder {
    let mut builder = Request::builder().method(method).uri(path);
    if !key.is_empty() {
        builder = builder.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    builder.header(header::CONTENT_TYPE, "application/json")
}

async fn key(store: &Store, tenant: &str, role: Role, scope: Scope, seconds: u64) -> String {
    let tenant: TenantId = tenant.parse().unwrap();
    let name = format!("{role}-{scope}-{seconds}");
    let user = store.create_user(&NewUser { tenant, name, role }, "test").await.unwrap().unwrap();
    let lifetime = Duration::from_secs(seconds);
    let (key, new) = new_key(KeyRequest { user: user.id, name: "k".into(), scope, lifetime }).unwrap();
    store.create_key(Reach::All, &new, "test").await.unwrap().unwrap();
    key.reveal()
}

fn scan() -> Value {
    json!({
        "workspace_id": "acme", "component_id": "shop", "assessment_id": "nightly",
        "git_url": "https://github.com/octocat/Hello-World.git"
    })
}

fn with(changes: Value) -> Value {
    let mut body = scan();
    for (field, value) in changes.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

/// Knows two profiles.
struct Profiles;

impl Checks for Profiles {
    fn request(&self, request: &ScanRequest) -> Vec<Refused> {
        let known = ["light", "heavy"].contains(&request.profile.as_str());
        let refused = Refused { field: "profile", detail: "is no built-in profile".into() };
        if known { Vec::new() } else { vec![refused] }
    }
}
