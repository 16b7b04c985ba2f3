//! Removes what the rules of retention let go.

use std::time::{Instant, SystemTime};

use certus_store::{Area, Blobs, Error as StoreError, Prunable, Retention, Store};
use metrics::{counter, gauge, histogram};

/// What a run of retention has removed, or would remove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Bundles.
    pub bundles: Vec<Prunable>,
    /// Archives that clients had sent.
    pub uploads: usize,
}

impl Pruned {
    /// What the bundles weighed.
    pub fn bytes(&self) -> u64 {
        self.bundles.iter().map(|bundle| bundle.bytes.unsigned_abs()).sum()
    }
}

/// Removes what may go: first off the record, then from the store of blobs; what is left there by a failure in
/// between is swept later. `actor` is on record for it.
///
/// # Errors
/// A database that fails; what was removed before stays removed.
pub async fn prune(store: &Store, blobs: &Blobs, retention: &Retention, actor: &str) -> Result<Pruned, StoreError> {
    let begun = Instant::now();
    let done = remove(store, blobs, retention, actor).await;
    let outcome = if done.is_ok() { "completed" } else { "failed" };
    counter!("certus_assurance_retention_runs_total", "outcome" => outcome).increment(1);
    histogram!("certus_assurance_retention_duration_seconds").record(begun.elapsed().as_secs_f64());
    if let Ok(pruned) = &done {
        counter!("certus_assurance_retention_pruned_bundles_total").increment(pruned.bundles.len() as u64);
        counter!("certus_assurance_retention_pruned_bytes_total").increment(pruned.bytes());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        gauge!("certus_assurance_retention_last_run_timestamp_seconds").set(now.as_secs_f64());
    }
    done
}

async fn remove(store: &Store, blobs: &Blobs, retention: &Retention, actor: &str) -> Result<Pruned, StoreError> {
    let mut pruned = Pruned::default();
    loop {
        let batch = store.prunable(retention).await?;
        let mut any = false;
        for bundle in batch {
            // It may have gone, or been asked for anew, since it was listed.
            if store.prune(&bundle, actor).await? {
                certus_store::crash_point("prune-off-record");
                blobs.drop_bundle(&bundle.bundle).await;
                pruned.bundles.push(bundle);
                any = true;
            }
        }
        if !any {
            break;
        }
    }
    for upload in store.prune_uploads(retention).await? {
        blobs.drop_upload(&upload);
        if let Err(error) = blobs.store().remove(Area::Uploads, upload.as_str()).await {
            tracing::debug!(%error, "an archive that is off the record stays until it is swept");
        }
        pruned.uploads += 1;
    }
    Ok(pruned)
}
