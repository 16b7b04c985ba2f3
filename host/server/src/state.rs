//! What every handler shares.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use certus_model::TenantId;
use certus_store::ApiKey;
use tokio::sync::watch;

use crate::config::{Config, Services};
use crate::stream::Hub;

/// What every handler shares.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) services: Services,
    pub(crate) hub: Arc<Hub>,
    /// True once the service is told to stop.
    pub(crate) closing: watch::Sender<bool>,
    /// Idempotency keys whose requests are being processed in this process.
    in_progress: Mutex<BTreeSet<(TenantId, String)>>,
    /// When this process began to serve.
    pub(crate) started: Instant,
    /// When the store of blobs was last seen to answer.
    blobs_looked: tokio::sync::Mutex<Option<Instant>>,
}

/// For how long it is believed that the store of blobs answers.
const BLOBS_LOOK: Duration = Duration::from_secs(30);

impl Shared {
    pub(crate) fn new(config: Config, services: Services) -> Self {
        let hub = Arc::new(Hub::new(config.limits.streams));
        Self(Arc::new(Inner {
            config,
            services,
            hub,
            closing: watch::Sender::new(false),
            in_progress: Mutex::default(),
            started: Instant::now(),
            blobs_looked: tokio::sync::Mutex::default(),
        }))
    }

    /// Holds an idempotency key while its request is processed; none if another one holds it.
    pub(crate) fn hold_key(&self, tenant: &TenantId, key: &str) -> Option<HeldKey> {
        let held = (tenant.clone(), key.to_owned());
        let fresh = self.in_progress.lock().expect("nobody panics while it holds the lock").insert(held.clone());
        fresh.then(|| HeldKey { shared: self.clone(), held })
    }

    /// Whether the store of blobs answers, as of a while ago: probes come often, and looking costs requests.
    pub(crate) async fn blobs_answer(&self) -> Result<(), certus_store::Error> {
        let mut looked = self.blobs_looked.lock().await;
        if looked.is_none_or(|at| at.elapsed() >= BLOBS_LOOK) {
            *looked = None;
            self.services.blobs.store().check().await?;
            *looked = Some(Instant::now());
        }
        Ok(())
    }

    /// Puts the use of a key on record, where that is not recent; a failure costs nobody the request.
    pub(crate) async fn touch(&self, key: &ApiKey) {
        if let Err(error) = self.services.store.touch_key(key).await {
            tracing::warn!(key = key.id, error = &error as &dyn std::error::Error, "the use of a key was not kept");
        }
    }
}

impl Deref for Shared {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// An idempotency key that is held until this is dropped.
pub(crate) struct HeldKey {
    shared: Shared,
    held: (TenantId, String),
}

impl Drop for HeldKey {
    fn drop(&mut self) {
        self.shared.in_progress.lock().expect("nobody panics while it holds the lock").remove(&self.held);
    }
}
