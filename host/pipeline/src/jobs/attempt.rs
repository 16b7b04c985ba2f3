//! One attempt at one job: the scan, and what is written about it.

use std::sync::Arc;
use std::time::Duration;

use certus_bundle::{Existing, Output, UtcTime};
use certus_model::outcome::Verdict;
use certus_model::{FailureReason, ScanStatus};
use certus_report::Baseline;
use certus_signing::SigningKey;
use certus_store::{Blobs, Claim, Ending, Error as StoreError, JobEnd, Lease};
use metrics::{counter, histogram};
use serde_json::Value as Json;
use time::OffsetDateTime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::prepare::AtHand;
use super::watchman::{Signal, Stop};
use super::{Workers, ending, prepare, signer};
use crate::error::Error;
use crate::event::EventLine;
use crate::failure::{Failure, record_failure};
use crate::request::{Labels, Request};
use crate::scan::{Outcome, scan};

/// How long to wait before what the database could not do is tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// Events that are written together at most.
const TOGETHER: usize = 256;
/// How long a job waits that the host failed, before its first further attempt.
const BACK_OFF: Duration = Duration::from_secs(2);

/// Runs a claimed job to its end, or gives it back.
pub(super) async fn attempt(workers: &Arc<Workers>, claim: Claim, signal: &Arc<Signal>) {
    let (lease, attempts) = (claim.lease.clone(), claim.attempt);
    match see_through(workers, claim, signal).await {
        Ok(()) => {}
        // A commit whose answer was lost looks the same, so the bundle may be on record: if no row names it, the
        // sweeper takes it.
        Err(error @ StoreError::Fenced { .. }) => tracing::warn!(%error, "what this worker says is not heard"),
        Err(error) => {
            tracing::error!(error = chain(&error), "the scan's end could not be written; it is tried again");
            match workers.store.release(&lease, back_off(attempts), true).await {
                Ok(()) => discard(workers, &lease).await,
                // It comes back when its lease ends, unless it has ended after all.
                Err(error) => tracing::warn!(error = chain(&error), "the job could not be given back"),
            }
        }
    }
}

/// How long a job waits that the host failed: longer each time.
fn back_off(attempts: i64) -> Duration {
    BACK_OFF * 2_u32.saturating_pow(u32::try_from(attempts).unwrap_or(8).clamp(1, 8) - 1)
}

async fn see_through(workers: &Arc<Workers>, claim: Claim, signal: &Arc<Signal>) -> Result<(), StoreError> {
    let claim = Arc::new(claim);
    // What lost workers made of this scan nobody has on record.
    for fence in 1..claim.lease.fence {
        workers.blobs.drop_bundle(&Blobs::bundle_name(&claim.lease.scan, fence)).await;
    }
    if claim.attempt > workers.terms.attempts {
        let message =
            format!("the worker that ran the scan was lost {} times; an operator can replay it", claim.attempt - 1);
        return fail(workers, &claim, signal, FailureReason::WorkerLost, message, JobEnd::DeadLetter).await;
    }
    let first = persist(signal, || workers.store.event_counts(std::slice::from_ref(&claim.lease.scan))).await?;
    let first = first.get(&claim.lease.scan).copied().unwrap_or_default().unsigned_abs();
    let at_hand = persist(signal, || prepare::at_hand(workers, &claim.scan, signal)).await?;
    let key = signer::of(workers, &claim.scan.tenant, signal).await?;
    let (sender, receiver) = unbounded_channel();
    let scanning = tokio::task::spawn_blocking({
        let (workers, claim, signal) = (workers.clone(), claim.clone(), signal.clone());
        let span = tracing::Span::current();
        move || span.in_scope(|| perform(&workers, &claim, &at_hand, key?, &signal, (first, sender)))
    });
    let (scanned, told) = tokio::join!(scanning, tell(workers, &claim.lease, signal, receiver));
    told?;
    match (scanned, signal.why()) {
        (_, Some(Stop::Lost)) => Err(StoreError::Fenced { scan: claim.lease.scan.to_string() }),
        (Ok(Ok(outcome)), _) => succeed(workers, &claim, signal, outcome).await,
        (Ok(Err(Error::Cancelled)), Some(Stop::Drained)) => {
            tracing::info!("the scan is given back: this process ends");
            persist(signal, || workers.store.release(&claim.lease, Duration::ZERO, false)).await
        }
        (Ok(Err(Error::Cancelled)), Some(Stop::TimedOut)) => {
            let seconds = claim.scan.timeout_ms / 1000;
            let message = format!("the scan took longer than its timeout of {seconds} s; give it a longer one");
            fail(workers, &claim, signal, FailureReason::Timeout, message, JobEnd::Completed).await
        }
        (Ok(Err(Error::Cancelled)), _) => {
            let message = "the scan was called off".to_owned();
            fail(workers, &claim, signal, FailureReason::Cancelled, message, JobEnd::Completed).await
        }
        (Ok(Err(error)), _) if error.reason() == FailureReason::Internal && claim.attempt < workers.terms.attempts => {
            tracing::error!(error = chain(&error), "the host failed; the scan is tried again");
            discard(workers, &claim.lease).await;
            persist(signal, || workers.store.release(&claim.lease, back_off(claim.attempt), true)).await
        }
        (Ok(Err(error)), _) => {
            tracing::warn!(error = chain(&error), "the scan failed");
            fail(workers, &claim, signal, error.reason(), error.told(), JobEnd::Completed).await
        }
        (Err(panic), _) => {
            tracing::error!(%panic, "the scan's thread has died: a fault of the host");
            let message = "the host failed; its log says more".to_owned();
            fail(workers, &claim, signal, FailureReason::Internal, message, JobEnd::Completed).await
        }
    }
}

/// The scan itself, on a thread of its own.
fn perform(
    workers: &Workers,
    claim: &Claim,
    at_hand: &AtHand,
    key: Option<Arc<SigningKey>>,
    signal: &Signal,
    (first_event, events): (u64, UnboundedSender<Json>),
) -> Result<Outcome, Error> {
    let asked = &claim.scan.request;
    let subject = prepare::subject(workers, &claim.scan, at_hand)?;
    let manifest = prepare::manifest(workers, &asked.manifest)?;
    let request = Request {
        id: claim.scan.id.clone(),
        tenant: Some(claim.scan.tenant.clone()),
        labels: Some(labels(claim)),
        key,
        subject,
        profile: asked.profile.clone(),
        manifest,
        plugins: Vec::new(),
        baseline: Baseline::default(),
        fail_on: None,
        on_error: claim.scan.on_error,
        jobs: workers.terms.threads,
        output: output(workers, &claim.lease)?,
        first_event,
        watch: &|line: &EventLine| {
            // Nobody listens any more when the lease is lost.
            let _ = serde_json::to_value(line).map(|line| events.send(line));
        },
        cancelled: &signal.stopped,
    };
    scan(&workers.host, request, &|report| report.findings_json())
}

fn output(workers: &Workers, lease: &Lease) -> Result<Output, Error> {
    let name = Blobs::bundle_name(&lease.scan, lease.fence);
    Ok(Output::open(&workers.blobs.incoming_bundle(&name), Existing::Replace)?)
}

fn labels(claim: &Claim) -> Labels {
    Labels {
        workspace_id: claim.scan.workspace.clone(),
        component_id: claim.scan.component.clone(),
        assessment_id: claim.scan.assessment.clone(),
        requested_by: claim.scan.requested_by.clone(),
    }
}

/// Writes events as they come, those that are there together.
async fn tell(
    workers: &Workers,
    lease: &Lease,
    signal: &Signal,
    mut events: UnboundedReceiver<Json>,
) -> Result<(), StoreError> {
    let mut lines = Vec::with_capacity(TOGETHER);
    while events.recv_many(&mut lines, TOGETHER).await > 0 {
        persist(signal, || workers.store.append_events(lease, &lines)).await?;
        workers.told.notify_one();
        lines.clear();
    }
    Ok(())
}

async fn succeed(
    workers: &Arc<Workers>,
    claim: &Arc<Claim>,
    signal: &Signal,
    outcome: Outcome,
) -> Result<(), StoreError> {
    certus_store::crash_point("job-before-store");
    let findings = ending::findings(&outcome.shown)?;
    persist(signal, || workers.store.keep_findings(&claim.lease, &findings)).await?;
    let last = serde_json::to_value(&outcome.completed).unwrap_or(Json::Null);
    let ending =
        ending::of_bundle(workers, &claim.lease, signal, ScanStatus::Succeeded, outcome.policy.decision, vec![last])
            .await?;
    let ending = Ending {
        result_digest: Some(outcome.result_digest),
        manifest_metadata: serde_json::to_value(&outcome.manifest).ok(),
        manifest_digest: outcome.manifest.manifest_digest,
        ..ending
    };
    certus_store::crash_point("job-before-finish");
    finish(workers, claim, signal, JobEnd::Completed, &ending).await?;
    tracing::info!(decision = %outcome.policy.decision, bundle_digest = %outcome.result_digest, "scan succeeded");
    Ok(())
}

/// Leaves the signed bundle that says why there is no report, and ends the scan.
async fn fail(
    workers: &Arc<Workers>,
    claim: &Arc<Claim>,
    signal: &Signal,
    reason: FailureReason,
    message: String,
    end: JobEnd,
) -> Result<(), StoreError> {
    let told =
        persist(signal, || workers.store.events(certus_store::Reach::All, &claim.lease.scan, 0, u32::MAX)).await?;
    let events = told.into_iter().filter_map(|event| serde_json::from_value(event.body).ok()).collect();
    let key = signer::of(workers, &claim.scan.tenant, signal).await?;
    let recorded = tokio::task::spawn_blocking({
        let (workers, claim, message) = (workers.clone(), claim.clone(), message.clone());
        move || -> Result<_, Error> {
            let failure = Failure {
                id: claim.scan.id.clone(),
                tenant: Some(claim.scan.tenant.clone()),
                labels: Some(labels(&claim)),
                key: key?,
                mode: prepare::mode(&claim.scan),
                asked: prepare::shown(&claim.scan.request.source),
                profile: claim.scan.request.profile.clone(),
                on_error: claim.scan.on_error,
                reason,
                message,
                events,
                started_at: claim.scan.started_at.and_then(ending::utc_time) as Option<UtcTime>,
            };
            record_failure(&workers.host, failure, output(&workers, &claim.lease)?)
        }
    });
    let status = if reason == FailureReason::Cancelled { ScanStatus::Cancelled } else { ScanStatus::Failed };
    let ending = match recorded.await {
        Ok(Ok(recorded)) => {
            let events = recorded.events.iter().filter_map(|line| serde_json::to_value(line).ok()).collect();
            let ending = ending::of_bundle(workers, &claim.lease, signal, status, Verdict::Error, events).await?;
            Ending { result_digest: Some(recorded.result_digest), ..ending }
        }
        unwritten => {
            // The scan ends all the same: unsigned is never published, and waiting would never end.
            let why = match unwritten {
                Ok(Err(error)) => chain(&error),
                Ok(Ok(_)) => String::new(),
                Err(panic) => panic.to_string(),
            };
            tracing::error!(error = why, "the bundle of a failed scan could not be written");
            ending::without_bundle(status, &message)
        }
    };
    let ending = Ending { failure: Some(reason.to_string()), ..ending };
    finish(workers, claim, signal, end, &ending).await
}

async fn finish(
    workers: &Workers,
    claim: &Claim,
    signal: &Signal,
    end: JobEnd,
    ending: &Ending,
) -> Result<(), StoreError> {
    persist(signal, || workers.store.finish(&claim.lease, end, ending)).await?;
    workers.told.notify_one();
    let decision = ending.decision.map_or_else(|| "none".to_owned(), |decision| decision.to_string());
    let labels = [("status", ending.status.as_str().to_owned()), ("decision", decision.clone())];
    counter!("certus_assurance_scans_finished_total", &labels).increment(1);
    histogram!("certus_assurance_scan_duration_seconds", "decision" => decision).record(took(claim));
    Ok(())
}

/// Seconds since a worker first took the scan.
fn took(claim: &Claim) -> f64 {
    let now = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    claim.scan.started_at.map_or(0.0, |began| (now - i128::from(began)).max(0) as f64 / 1000.0)
}

/// Tries again for as long as the lease is held what failed for the moment only.
pub(super) async fn persist<T, F>(signal: &Signal, write: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match write().await {
            Err(error) if error.is_transient() && !signal.is_lost() => {
                tracing::warn!(error = chain(&error), "the database could not keep what it was told; it is told again");
                tokio::time::sleep(AGAIN).await;
            }
            other => return other,
        }
    }
}

/// Tries again for as long as the lease is held and this process is not told to stop, where a store of blobs in the
/// network fails. A full disk of this machine is no better for waiting: another machine may have room.
pub(super) async fn keep_trying<T, F>(signal: &Signal, ask: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match ask().await {
            Err(error @ StoreError::Blob { .. }) if !signal.is_lost() && signal.why() != Some(Stop::Drained) => {
                tracing::warn!(error = chain(&error), "the store of blobs failed; it is asked again");
                tokio::time::sleep(AGAIN).await;
            }
            other => return other,
        }
    }
}

/// Removes what there is of this claim's bundle: nobody will ever name it.
async fn discard(workers: &Workers, lease: &Lease) {
    workers.blobs.drop_bundle(&Blobs::bundle_name(&lease.scan, lease.fence)).await;
}

/// An error with all its causes, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
