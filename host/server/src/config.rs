//! What the operator sets, and what the service is built on.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certus_model::TenantId;
use certus_model::request::ScanRequest;
use certus_store::{Blobs, MasterKey, Store};
use certus_transform::Transform;
use certus_trust::Trust;
use tokio::sync::Notify;

use crate::metrics::Metrics;
use crate::tls::Tls;

/// What the operator sets.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who may ask.
    pub authentication: Authentication,
    /// The folder below which `directory_path`, local `git_url`s, `archive_path`s and manifests may lie; none
    /// accepts none of them.
    pub workspace_root: Option<PathBuf>,
    /// Every scan is of the sample workspace, and says so.
    pub sample: bool,
    /// Whether plugins can be run at all, as `/health` shows it.
    pub security_module_available: bool,
    /// A manifest needs a signature, wherever it comes from.
    pub manifest_verification_required: bool,
    /// The buckets that `s3` manifest addresses may name.
    pub manifest_buckets: Vec<String>,
    /// A submit needs an `Idempotency-Key`.
    pub require_idempotency_key: bool,
    /// How long a scan may take that does not say.
    pub default_timeout: Duration,
    /// How long a scan may ask for.
    pub max_timeout: Duration,
    /// Seals the logins and secrets that tenants give; without one none is taken.
    pub master_key: Option<MasterKey>,
    /// How requests become part of traces.
    pub tracing: Tracing,
    /// How the service proves who it is; without it, it speaks plain HTTP.
    pub tls: Option<Tls>,
    /// Pages of other origins that may open streams, for example `https://console.example.com`.
    pub allowed_origins: Vec<String>,
    /// What one client may take.
    pub limits: Limits,
    /// How long requests may take to end once the service is told to stop.
    pub grace: Duration,
    /// This program's version.
    pub version: &'static str,
}

/// Who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Whoever sends a key.
    Required,
    /// Whoever is on this machine, as the administrator of one tenant. For development.
    Development {
        /// Which tenant.
        tenant: TenantId,
    },
}

/// What one client may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a JSON body.
    pub json_bytes: usize,
    /// Bytes of the JSON body of a request for a permit, which holds findings.
    pub submission_bytes: usize,
    /// Bytes of an uploaded archive.
    pub upload_bytes: u64,
    /// How long the headers of a request may take.
    pub header_read: Duration,
    /// How long a JSON body may take, and the next part of an upload.
    pub body_read: Duration,
    /// How long a client may take none of what it is sent.
    pub write_idle: Duration,
    /// Headers of a request.
    pub headers: usize,
    /// Connections at once; others wait.
    pub connections: usize,
    /// Live streams at once.
    pub streams: usize,
    /// How often a stream shows that it lives.
    pub ping: Duration,
}

/// What the service is built on.
#[derive(Clone)]
pub struct Services {
    /// Records and queue.
    pub store: Store,
    /// Uploads and bundles.
    pub blobs: Blobs,
    /// What only the crates know that do the work.
    pub checks: Arc<dyn Checks>,
    /// Trust, where this process is it.
    pub trust: Option<Trust>,
    /// Transform, where this process is it.
    pub transform: Option<Transform>,
    /// Told with `notify_one` after an upload was asked for, so that a publisher of this process looks at once.
    pub publish: Arc<Notify>,
    /// Told with `notify_one` after a submit, so that a worker of this process looks at once.
    pub wake: Arc<Notify>,
    /// To be told with `notify_one` after events were kept, so that those who follow hear of them at once.
    pub events: Arc<Notify>,
    /// What is counted.
    pub metrics: Metrics,
}

/// What only the crates know that do the work: whether a profile exists, whether an address is one that may be
/// reached. It neither waits nor looks anything up in the network, and accepts what it says nothing of.
pub trait Checks: Send + Sync {
    /// What is wrong with a scan that is asked for.
    fn request(&self, request: &ScanRequest) -> Vec<Refused> {
        let _ = request;
        Vec::new()
    }

    /// What is wrong with `host` as the host of a login.
    fn host(&self, host: &str) -> Option<String> {
        let _ = host;
        None
    }

    /// What is wrong with `url` as an address to post to.
    fn url(&self, url: &str) -> Option<String> {
        let _ = url;
        None
    }

    /// Whether `url` lies on `host`.
    fn is_on(&self, url: &str, host: &str) -> bool {
        let _ = (url, host);
        true
    }
}

/// What makes the service part of the traces of its clients.
#[derive(Clone, Copy, Debug)]
pub struct Tracing {
    /// The trace that the current span is part of, as W3C's `traceparent`.
    pub current: fn() -> Option<String>,
    /// Makes a span part of one.
    pub adopt: fn(&tracing::Span, &str),
}

impl Default for Tracing {
    fn default() -> Self {
        Self { current: || None, adopt: |_, _| {} }
    }
}

/// Why a request is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which field of the request, for example `git_url`.
    pub field: &'static str,
    /// What is wrong with it and what to do; the client is shown it.
    pub detail: String,
}

impl Config {
    /// What is set where nothing is said: keys are required, nothing local is scanned.
    pub fn new(version: &'static str) -> Self {
        Self {
            authentication: Authentication::Required,
            workspace_root: None,
            sample: false,
            security_module_available: true,
            manifest_verification_required: false,
            manifest_buckets: Vec::new(),
            require_idempotency_key: false,
            default_timeout: Duration::from_secs(600),
            max_timeout: Duration::from_secs(86_400),
            master_key: None,
            tracing: Tracing::default(),
            tls: None,
            allowed_origins: Vec::new(),
            limits: Limits::default(),
            grace: Duration::from_secs(30),
            version,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_bytes: 1024 * 1024,
            submission_bytes: 96 * 1024 * 1024,
            upload_bytes: 2 * 1024 * 1024 * 1024,
            header_read: Duration::from_secs(10),
            body_read: Duration::from_secs(30),
            write_idle: Duration::from_secs(30),
            headers: 100,
            connections: 4096,
            streams: 1000,
            ping: Duration::from_secs(20),
        }
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("store", &self.store.place()).finish_non_exhaustive()
    }
}
