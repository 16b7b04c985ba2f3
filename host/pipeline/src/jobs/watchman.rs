//! Who watches over one job while it runs: the lease, the clock, the client who calls it off, the order to stop.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use certus_store::{Claim, Error as StoreError, Heartbeat, Lease};
use metrics::histogram;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::Instrument as _;

use super::{Workers, attempt};

/// Why a scan is stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The lease is lost or about to be: whatever this worker says now is not heard.
    Lost,
    /// A client has called it off.
    Cancelled,
    /// It has taken as long as it may.
    TimedOut,
    /// This process ends.
    Drained,
}

/// How an attempt learns that it is to stop, and why. The first reason stands, but that a lease is lost
/// outweighs all.
#[derive(Debug, Default)]
pub(super) struct Signal {
    /// What the scan itself looks at.
    pub(super) stopped: AtomicBool,
    why: Mutex<Option<Stop>>,
}

impl Signal {
    fn give(&self, stop: Stop) {
        let mut why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        if why.is_none() || stop == Stop::Lost {
            *why = Some(stop);
        }
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(super) fn why(&self) -> Option<Stop> {
        *self.why.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_lost(&self) -> bool {
        self.why() == Some(Stop::Lost)
    }
}

/// Sees one job through.
pub(super) async fn guard(workers: &Arc<Workers>, claim: Claim, stop: &mut watch::Receiver<bool>) {
    let digest = claim.scan.manifest_digest.map(|digest| digest.to_string());
    let span = tracing::info_span!(
        "scan",
        scan_id = %claim.lease.scan,
        workspace_id = %claim.scan.workspace,
        manifest_digest = digest.as_deref().unwrap_or("none"),
        waited_ms = claim.waited_ms,
        attempt = claim.attempt
    );
    if let Some(trace) = &claim.scan.trace {
        (workers.terms.adopt)(&span, trace);
    }
    histogram!("certus_assurance_queue_wait_seconds", "lane" => claim.lane.as_str())
        .record(claim.waited_ms as f64 / 1000.0);
    watch_over(workers, claim, stop).instrument(span).await;
}

async fn watch_over(workers: &Arc<Workers>, claim: Claim, stop: &mut watch::Receiver<bool>) {
    let terms = &workers.terms;
    let signal = Arc::new(Signal::default());
    let lease = claim.lease.clone();
    let overdue = Instant::now() + Duration::from_millis(claim.scan.timeout_ms.unsigned_abs());
    tracing::info!("scan claimed");
    let mut attempt = pin!(attempt::attempt(workers, claim, &signal));
    let mut beats = pin!(beat(workers, &lease, &signal));
    let mut drained = None;
    loop {
        tokio::select! {
            () = &mut attempt => return,
            // It ends with the lease alone.
            () = &mut beats, if !signal.is_lost() => {}
            () = sleep_until(overdue), if signal.why().is_none() => signal.give(Stop::TimedOut),
            // An order to stop, or nobody who could give one any more.
            _ = stop.changed(), if drained.is_none() => drained = Some(Instant::now() + terms.grace),
            () = sleep_until(drained.unwrap_or(overdue)), if drained.is_some() && signal.why().is_none() => {
                signal.give(Stop::Drained);
            }
        }
    }
}

/// Says that the worker lives until the lease is lost, beside the attempt and never in its way: both write, and where
/// one connection writes, the one that waits must not keep the other from giving it back.
async fn beat(workers: &Workers, lease: &Lease, signal: &Signal) {
    let whole = workers.terms.lease;
    // Believed until then. A worker stops a while before it stops being believed.
    let mut believed = Instant::now() + whole - whole / 6;
    let mut next = Instant::now() + whole / 3;
    loop {
        sleep_until(next.min(believed)).await;
        let asked = Instant::now();
        match said(workers, lease, believed).await {
            Beat::GoOn => believed = asked + whole - whole / 6,
            Beat::Cancelled => {
                believed = asked + whole - whole / 6;
                signal.give(Stop::Cancelled);
            }
            Beat::Lost => return signal.give(Stop::Lost),
            Beat::Unheard => {}
        }
        if Instant::now() >= believed {
            tracing::warn!("the lease could not be kept; this worker stops before it ends");
            return signal.give(Stop::Lost);
        }
        next = Instant::now() + whole / if signal.why().is_none() { 3 } else { 6 };
    }
}

/// What came of saying that the worker lives.
enum Beat {
    GoOn,
    Cancelled,
    Lost,
    /// The database does not answer; it may again before the lease ends.
    Unheard,
}

async fn said(workers: &Workers, lease: &Lease, believed: Instant) -> Beat {
    match timeout_at(believed, workers.store.heartbeat(lease, workers.terms.lease)).await {
        Ok(Ok(Heartbeat::GoOn)) => Beat::GoOn,
        Ok(Ok(Heartbeat::Cancelled)) => Beat::Cancelled,
        Ok(Err(error @ StoreError::Fenced { .. })) => {
            tracing::warn!(%error, "another worker has the scan now");
            Beat::Lost
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the lease could not be renewed");
            Beat::Unheard
        }
        Err(_) => Beat::Unheard,
    }
}
