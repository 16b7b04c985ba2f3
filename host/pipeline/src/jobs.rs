//! The worker loop: takes jobs off the queue, runs them, and says what they came to.

mod attempt;
mod checkpoint;
mod ending;
mod prepare;
mod prune;
mod publish;
mod screen;
mod signer;
mod tell;
mod watchman;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use certus_checkout::Credential;
use certus_model::{Lane, ScanId};
use certus_outbound::{Guard, RemoteHost};
use certus_store::{Blobs, Error as StoreError, MasterKey, Retention, S3, Store};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

pub use self::checkpoint::{SignedHeads, signed_heads};
pub use self::prune::{Pruned, prune};
pub use self::publish::{Gate, Publisher};
pub use self::screen::Screening;
pub use self::signer::TenantKeys;
pub use self::tell::OperatorWebhook;
use crate::host::Host;

/// How often an idle slot looks for a job that nobody in this process told it of.
const LOOK: Duration = Duration::from_millis(500);
/// How often what nobody has on record is swept away.
const SWEEP: Duration = Duration::from_secs(10 * 60);
/// How often the head of the audit chain is signed.
const SIGN: Duration = Duration::from_secs(60 * 60);

/// The workers of one process.
pub struct Workers {
    /// The queue and everything else that is kept.
    pub store: Store,
    /// Uploads and bundles.
    pub blobs: Blobs,
    /// Runs scans.
    pub host: Arc<Host>,
    /// Sign for the tenants that have a key of their own.
    pub tenant_keys: TenantKeys,
    /// What clients may name.
    pub sources: Sources,
    /// How this process works.
    pub terms: Terms,
    /// How long what nobody needs is kept.
    pub retention: Retention,
    /// Where every ended scan is told of, beside its tenant's own webhooks.
    pub operator_webhook: Option<OperatorWebhook>,
    /// Publishes what Trust permits.
    pub publisher: Arc<Publisher>,
    /// Told when a job has come.
    pub wake: Arc<Notify>,
    /// Told when there are events to read.
    pub told: Arc<Notify>,
    /// What this process is at work on.
    pub in_hand: InHand,
}

/// The scans that this process is at work on.
#[derive(Debug, Default)]
pub struct InHand(Mutex<BTreeSet<ScanId>>);

impl InHand {
    fn take(&self, scan: &ScanId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(scan.clone());
    }

    fn leave(&self, scan: &ScanId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(scan);
    }

    fn all(&self) -> Vec<ScanId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// What clients may name, and how it is reached.
pub struct Sources {
    /// The door to the network.
    pub guard: Arc<Guard>,
    /// The folder that paths lie in; none if no path may be named.
    pub root: Option<PathBuf>,
    /// Opens the repositories of one host.
    pub credential: Option<(RemoteHost, Credential)>,
    /// Opens the logins and secrets that tenants have stored.
    pub master_key: Option<MasterKey>,
    /// Where `s3` manifests lie.
    pub manifests: Option<ManifestBuckets>,
}

/// The buckets that clients' manifests may lie in.
pub struct ManifestBuckets {
    /// Who reads them.
    pub store: S3,
    /// Their names; no other is read, whatever the login reaches.
    pub buckets: Vec<String>,
}

/// How a process works off the queue.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Names this process, and no other that ever was.
    pub name: String,
    /// Scans at a time.
    pub slots: NonZeroUsize,
    /// Threads of one scan.
    pub threads: NonZeroUsize,
    /// How long a worker that says nothing is believed to live.
    pub lease: Duration,
    /// After how many lost workers a job is given up.
    pub attempts: i64,
    /// How long running scans may go on after the order to stop; then they are given back.
    pub grace: Duration,
    /// Makes a span part of the trace that a scan was submitted in.
    pub adopt: Adopt,
}

/// Makes a span part of a trace, which W3C's `traceparent` names.
pub type Adopt = fn(&tracing::Span, &str);

impl Workers {
    /// Works until `stop` says so: then nothing more is claimed, and what runs ends or is given back.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let mut tasks = JoinSet::new();
        for _ in 0..self.terms.slots.get() {
            tasks.spawn(slot(self.clone(), stop.clone()));
        }
        tasks.spawn(tell::tell(self.clone(), stop.clone()));
        tasks.spawn(self.publisher.clone().run(stop.clone()));
        tasks.spawn(keep_house(self.clone(), stop));
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a worker slot has died; its job comes back when its lease ends");
            }
        }
    }
}

async fn slot(workers: Arc<Workers>, mut stop: watch::Receiver<bool>) {
    // Three turns for those who wait, then one for the batch: neither starves.
    for lane in [Lane::Interactive, Lane::Interactive, Lane::Interactive, Lane::Batch].into_iter().cycle() {
        let claim = loop {
            if *stop.borrow() {
                return;
            }
            match workers.store.claim(&workers.terms.name, workers.terms.lease, lane).await {
                Ok(Some(claim)) => break claim,
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "no job could be claimed"),
            }
            tokio::select! {
                () = workers.wake.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
                // An order to stop, or nobody who could give one any more.
                changed = stop.changed() => if changed.is_err() { return },
            }
        };
        certus_store::crash_point("job-after-claim");
        let scan = claim.lease.scan.clone();
        workers.in_hand.take(&scan);
        watchman::guard(&workers, claim, &mut stop).await;
        workers.in_hand.leave(&scan);
    }
}

/// Brings back what lost workers had, sweeps, and signs where the audit chain ends.
async fn keep_house(workers: Arc<Workers>, mut stop: watch::Receiver<bool>) {
    // Often enough that a lost scan runs again soon after its lease has ended.
    let mut look = tokio::time::interval(workers.terms.lease / 6);
    let mut sweep_at = tokio::time::interval(SWEEP);
    let mut sign_at = tokio::time::interval(SIGN);
    let mut signed = None;
    while !*stop.borrow() {
        tokio::select! {
            _ = look.tick() => bring_back(&workers).await,
            _ = sweep_at.tick() => tidy(&workers).await,
            _ = sign_at.tick() => match checkpoint::sign(&workers.store, &workers.host.key, signed).await {
                Ok(head) => signed = Some(head),
                Err(error) => tracing::warn!(%error, "the head of the audit chain could not be signed"),
            },
            // An order to stop, or nobody who could give one any more.
            changed = stop.changed() => if changed.is_err() { break },
        }
    }
    // Best effort: what this process wrote is vouched for as it ends.
    if let Err(error) = checkpoint::sign(&workers.store, &workers.host.key, signed).await {
        tracing::warn!(%error, "the head of the audit chain could not be signed");
    }
}

/// Removes what may go by the rules, then what nobody has on record.
async fn tidy(workers: &Arc<Workers>) {
    match prune::prune(&workers.store, &workers.blobs, &workers.retention, "host").await {
        Ok(pruned) if pruned == Pruned::default() => {}
        Ok(pruned) => {
            let (bundles, uploads, bytes) = (pruned.bundles.len(), pruned.uploads, pruned.bytes());
            tracing::info!(bundles, uploads, bytes, "removed by the rules of retention");
        }
        Err(error) => tracing::error!(%error, "the rules of retention could not be followed"),
    }
    if let Err(error) = sweep(workers).await {
        tracing::warn!(%error, "what nobody has on record could not be swept away");
    }
}

async fn bring_back(workers: &Workers) {
    match workers.store.reclaim(&workers.terms.name, &workers.in_hand.all()).await {
        Ok(lost) if lost.is_empty() => {}
        Ok(lost) => {
            for scan in lost {
                tracing::warn!(scan_id = %scan, "its worker was lost; the scan waits again");
            }
            workers.wake.notify_waiters();
        }
        Err(error) => tracing::warn!(%error, "leases could not be looked at"),
    }
}

/// Removes what no row names. What live jobs make is young or named by their lease.
async fn sweep(workers: &Arc<Workers>) -> Result<(), StoreError> {
    let bundles = workers.store.bundles().await?;
    let live = workers.store.live_bundles().await?;
    let uploads = workers.store.upload_ids().await?;
    let host = workers.host.clone();
    let scratch = tokio::task::spawn_blocking(move || host.scratch.sweep().map_err(|error| error.to_string()));
    if let Err(error) = scratch.await.unwrap_or_else(|died| Err(died.to_string())) {
        tracing::warn!(error, "the scratch folder could not be swept");
    }
    let removed = workers.blobs.sweep(&bundles, &uploads, &live).await?;
    if removed > 0 {
        tracing::info!(removed, "swept away what nobody has on record");
    }
    Ok(())
}
