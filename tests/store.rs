//! The store, on both databases: every test runs on SQLite and on a real Postgres.

mod audit;
mod blobs;
mod migrations;
mod queue;
mod submits;
mod tenants;

use std::future::Future;
use std::path::Path;

use certus_model::request::{RequestedManifest, RequestedSource, ScanRequest};
use certus_model::{Lane, ScanId, TenantId};
use certus_store::{DatabaseUrl, NewScan, Store};
use tempfile::TempDir;

use crate::support::postgres::{self, Database, Server};

/// A migrated database of one test.
pub(crate) struct Place {
    /// As the service connects.
    pub(crate) url: DatabaseUrl,
    /// As whoever migrates connects.
    pub(crate) owner: DatabaseUrl,
    pub(crate) folder: TempDir,
    pub(crate) postgres: Option<(&'static Server, Database)>,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = DatabaseUrl::sqlite(&folder.path().join("certus.db")).expect("an address");
        Self { owner: url.clone(), url, folder, postgres: None }
    }

    pub(crate) fn postgres(server: &'static Server) -> Self {
        let database = server.empty();
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            url: database.service.clone(),
            owner: database.owner.clone(),
            folder,
            postgres: Some((server, database)),
        }
    }

    pub(crate) async fn migrate(&self) {
        let role = self.postgres.is_some().then_some(Database::role());
        Store::migrate(&self.owner, role).await.expect("a schema");
    }

    /// The store with the tenants `one` and `two`.
    pub(crate) async fn open(&self) -> Store {
        self.migrate().await;
        let store = Store::open(&self.url, 8).await.expect("a store");
        for tenant in ["one", "two"] {
            assert!(store.create_tenant(&id(tenant), tenant, "tests").await.expect("a tenant"));
        }
        store
    }

    /// Runs a statement past the service, as whoever holds the database can.
    pub(crate) fn tamper(&self, sql: &str) -> Result<(), String> {
        match &self.postgres {
            Some((server, database)) => {
                server.sql(database.name(), sql);
                Ok(())
            }
            None => self.sqlite3(sql),
        }
    }

    fn sqlite3(&self, sql: &str) -> Result<(), String> {
        let script =
            "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.executescript(sys.argv[2])\ndb.commit()";
        let mut python = std::process::Command::new("python3");
        let done = python.args(["-c", script]).arg(self.folder.path().join("certus.db")).arg(sql).output();
        let done = done.expect("python3 runs");
        if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Runs a test on SQLite and on Postgres.
pub(crate) fn on_both<F: Future<Output = ()>>(test: impl Fn(Place) -> F) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime");
    runtime.block_on(test(Place::sqlite()));
    if let Some(server) = postgres::server() {
        runtime.block_on(test(Place::postgres(server)));
    }
}

pub(crate) fn id(tenant: &str) -> TenantId {
    tenant.parse().expect("a tenant id")
}

/// A scan to be, of this tenant.
pub(crate) fn new_scan(tenant: &str) -> NewScan {
    NewScan {
        id: ScanId::from_random(uuid::Uuid::now_v7().as_u128()),
        tenant: id(tenant),
        workspace: "w".parse().expect("an id"),
        component: "c".parse().expect("an id"),
        assessment: "a".parse().expect("an id"),
        request: ScanRequest {
            source: RequestedSource::Directory { path: "repo".to_owned() },
            profile: "light".to_owned(),
            manifest: RequestedManifest::None,
        },
        requested_by: None,
        mode: "production",
        timeout_ms: 600_000,
        lane: Lane::Interactive,
        manifest_digest: None,
        actor: "tests".to_owned(),
        trace: None,
        idempotency: None,
    }
}
