//! Publishes what was asked for: asks Trust, and publishes with its permit and with nothing else.

mod submission;

use std::sync::Arc;
use std::time::Duration;

use certus_model::document::{INDEX, PERMIT, SVR, VSA};
use certus_model::{Sha256, TenantId, canonical_json};
use certus_publish::{Bundle, Destination, Document, Labels, Published};
use certus_signing::{Envelope, KeySet, Permit};
use certus_store::{Blobs, DuePublication, Error as StoreError, Publication, Scan, Store, Tried};
use certus_trust::{Answer, Submission, Trust};
use futures_util::future::BoxFuture;
use metrics::counter;
use serde_json::Value as Json;
use time::OffsetDateTime;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// Who decides what may be published.
pub trait Gate: Send + Sync {
    /// Asks. An answer that does not come is no answer: whoever asked publishes nothing.
    fn ask<'a>(&'a self, submission: &'a Submission, tenant: &'a TenantId) -> BoxFuture<'a, Result<Answer, String>>;
}

/// Publishes what was asked for, and nothing that Trust has not permitted.
pub struct Publisher {
    /// What was asked for, and what became of it.
    pub store: Store,
    /// Bundles.
    pub blobs: Blobs,
    /// Who decides.
    pub gate: Arc<dyn Gate>,
    /// Whose permits count.
    pub anchor: KeySet,
    /// Where to; none where permitted scans stay permitted.
    pub destination: Option<Destination>,
    /// Told when something is to be published.
    pub wake: Arc<Notify>,
}

/// Publications that are under way at a time, about.
const TOGETHER: usize = 16;
/// How often it is looked whether something is to be published.
const LOOK: Duration = Duration::from_secs(1);
/// How often this process says that it still works at a publication.
const HOLD: Duration = Duration::from_secs(10);
/// How long to wait after each failed try; after the last one that long again.
const AGAIN: [Duration; 7] = [
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(180),
    Duration::from_secs(600),
];
/// After so many tries a store that does not take what Trust has permitted is given up. Trust itself is never.
const TRIES: i64 = 12;
/// A permit that runs out this soon is not begun with.
const MARGIN: time::Duration = time::Duration::seconds(20);

impl Gate for Trust {
    fn ask<'a>(&'a self, submission: &'a Submission, tenant: &'a TenantId) -> BoxFuture<'a, Result<Answer, String>> {
        Box::pin(async move {
            let decided = self.decide(submission, tenant, "host").await;
            decided.map_err(|error| {
                tracing::error!(scan_id = %submission.scan_id, error = &error as &dyn std::error::Error, "Trust could not decide");
                "Trust could not decide; its log says why".to_owned()
            })
        })
    }
}

impl Publisher {
    /// Publishes until `stop` says so.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut look = tokio::time::interval(LOOK);
        // Each by itself: none waits for a Trust or a store that lets another one wait. Those that are cut off by an order
        // to stop somebody takes up again.
        let mut under_way = JoinSet::new();
        while !*stop.borrow() {
            tokio::select! {
                _ = look.tick() => {}
                () = self.wake.notified() => {}
                Some(_) = under_way.join_next() => continue,
                // An order to stop, or nobody who could give one any more.
                changed = stop.changed() => if changed.is_err() { break },
            }
            if under_way.len() >= TOGETHER {
                continue;
            }
            match self.store.take_publications().await {
                Ok(due) => due.into_iter().for_each(|due| drop(under_way.spawn(see_through(self.clone(), due)))),
                Err(error) => tracing::warn!(%error, "what is to be published could not be looked up"),
            }
        }
    }
}

/// Works at one publication for as long as nobody else does.
async fn see_through(publisher: Arc<Publisher>, mut due: DuePublication) {
    let scan_id = due.scan.id.clone();
    let held = due.clone();
    let worked = tokio::select! {
        worked = work(&publisher, &mut due) => worked,
        // Polled beside the work and never in its way; it ends when somebody else has the publication.
        error = hold(&publisher, &held) => Err(error),
    };
    if let Err(error) = worked {
        tracing::warn!(%scan_id, %error, "a publication is left to whoever takes it next");
    }
}

async fn hold(publisher: &Publisher, due: &DuePublication) -> StoreError {
    loop {
        tokio::time::sleep(HOLD).await;
        match publisher.store.hold_publication(due).await {
            Err(error @ StoreError::Fenced { .. }) => return error,
            Err(error) => tracing::warn!(scan_id = %due.scan.id, %error, "a publication could not be held"),
            Ok(()) => {}
        }
    }
}

async fn work(publisher: &Publisher, due: &mut DuePublication) -> Result<(), StoreError> {
    let now = OffsetDateTime::now_utc();
    if let (Some(to), true) = (&publisher.destination, due.publication.permit_id.is_some())
        && let Some(published) = published_before(publisher, due, to).await
    {
        return end(publisher, due, uploaded(&published)).await;
    }
    let permit = match due.publication.answer.as_ref().and_then(|answer| open(publisher, answer, now).ok()) {
        Some(permit) if permit.expires_at() - now > MARGIN => permit,
        _ => match ask(publisher, due).await {
            Asked::Permitted(permit, tried) => {
                let done = publisher.destination.is_none();
                end(publisher, due, tried).await?;
                if done {
                    return Ok(());
                }
                certus_store::crash_point("publish-permitted");
                *due = publisher.store.refreshed(due).await?;
                *permit
            }
            Asked::Ended(tried) => return end(publisher, due, tried).await,
        },
    };
    let Some(to) = &publisher.destination else { return Ok(()) };
    let tried = carry_out(publisher, due, permit, to).await?;
    certus_store::crash_point("publish-done");
    end(publisher, due, tried).await
}

/// What a process that ended here had published already, but had not put on record.
async fn published_before(publisher: &Publisher, due: &DuePublication, to: &Destination) -> Option<Published> {
    let index = submission::read(publisher, &due.scan, INDEX).await.ok()?;
    certus_publish::find(&due.scan.id, Sha256::of(&index), to).await.ok()?
}

/// What came of asking Trust.
enum Asked {
    Permitted(Box<Permit>, Tried),
    Ended(Tried),
}

async fn ask(publisher: &Publisher, due: &DuePublication) -> Asked {
    let Publication { tenant, tier, attempts, .. } = &due.publication;
    let destination = publisher.destination.as_ref();
    let later = |error: String| Asked::Ended(Tried::Again { error, after: back_off(*attempts) });
    let submission = match submission::of(publisher, &due.scan, *tier, destination).await {
        Ok(submission) => submission,
        Err(error) => return later(format!("the bundle could not be read: {error}")),
    };
    let answer = match publisher.gate.ask(&submission, tenant).await {
        Ok(answer) if answer.scan_id == due.scan.id && answer.tier == *tier => answer,
        Ok(_) => return later("Trust has answered about something else".to_owned()),
        Err(error) => return later(error),
    };
    let permit_id = answer.upload_permission_id.clone();
    let told = serde_json::to_value(&answer).unwrap_or(Json::Null);
    if !answer.permitted {
        let reason = answer.reason.map(|reason| reason.to_string()).unwrap_or_default();
        let why = format!("{reason}: {}", answer.detail.unwrap_or_default());
        return Asked::Ended(Tried::Denied { permit_id, answer: told, why });
    }
    // Nothing but the signed permit counts, and it has to be about all of this.
    let permit = match open(publisher, &told, OffsetDateTime::now_utc()) {
        Ok(permit) => permit,
        Err(error) => return later(format!("Trust's permit does not hold: {error}")),
    };
    let terms = permit.terms();
    if (&terms.permit_id, &terms.tenant_id, &terms.scan_id, terms.tier, &terms.destination)
        != (&permit_id, tenant, &due.scan.id, *tier, &submission.destination)
        || !submission::is_permitted(&submission, terms)
    {
        return later("Trust's permit is about something else than what was asked".to_owned());
    }
    let expires_at = i64::try_from(permit.expires_at().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX);
    let proof = serde_json::to_value(&answer.verification_proof).unwrap_or(Json::Null);
    let done = destination.is_none();
    Asked::Permitted(Box::new(permit), Tried::Permitted { permit_id, answer: told, proof, expires_at, done })
}

fn open(publisher: &Publisher, answer: &Json, now: OffsetDateTime) -> Result<Permit, certus_signing::Error> {
    let envelope = Envelope::parse(&canonical_json(&answer["permit"]).unwrap_or_default())?;
    Permit::open(envelope, &publisher.anchor, now)
}

/// Publishes with the permit, which is used up by it.
async fn carry_out(
    publisher: &Publisher,
    due: &DuePublication,
    permit: Permit,
    to: &Destination,
) -> Result<Tried, StoreError> {
    let attempts = due.publication.attempts;
    match publisher.store.use_permit(due, &permit.terms().permit_id).await {
        Ok(()) => {}
        Err(error @ (StoreError::PermitUsed { .. } | StoreError::PermitRevoked { .. })) => {
            return Ok(Tried::Failed { error: error.to_string() });
        }
        Err(error) => return Err(error),
    }
    let labels = labels(&due.scan);
    let (Some(bundle), Some(answer)) = (&due.scan.bundle, &due.publication.answer) else {
        return Ok(Tried::Failed { error: "the bundle was removed; scan again".to_owned() });
    };
    let part = |name: &str| answer.get(name).map(|part| canonical_json(part).unwrap_or_default()).unwrap_or_default();
    let (proof, vsa, svr, signed) = (part("verification_proof"), part("vsa"), part("svr"), part("permit"));
    let documents = [(PERMIT, &signed), (VSA, &vsa), (SVR, &svr)];
    let documents = documents.map(|(name, bytes)| Document { name, bytes });
    let files = Bundle { blobs: &publisher.blobs, name: bundle };
    let publication = certus_publish::Publication {
        tenant: &due.publication.tenant,
        labels: &labels,
        files: &files,
        proof: &proof,
        documents: &documents,
    };
    let done = certus_publish::publish(permit, &publication, to, &OffsetDateTime::now_utc).await;
    Ok(match done {
        Ok(published) => uploaded(&published),
        Err(error) => {
            tracing::warn!(scan_id = %due.scan.id, error = &error as &dyn std::error::Error, "a publication failed");
            let (told, last) = (error.to_string(), !error.is_transient() || attempts >= TRIES);
            match last {
                true => Tried::Failed { error: told },
                false => Tried::Again { error: told, after: back_off(attempts) },
            }
        }
    })
}

fn uploaded(published: &Published) -> Tried {
    Tried::Uploaded { published: serde_json::to_value(published).unwrap_or(Json::Null) }
}

/// Puts on record what became of it, and counts it.
async fn end(publisher: &Publisher, due: &DuePublication, tried: Tried) -> Result<(), StoreError> {
    let outcome = match &tried {
        Tried::Permitted { .. } => "permitted",
        Tried::Denied { .. } => "denied",
        Tried::Uploaded { .. } => "uploaded",
        Tried::Again { .. } => "delayed",
        Tried::Failed { .. } => "failed",
    };
    publisher.store.tried(due, &tried).await?;
    counter!("certus_assurance_uploads_total", "outcome" => outcome).increment(1);
    let (scan_id, workspace_id) = (&due.scan.id, &due.scan.workspace);
    let manifest_digest = due.scan.manifest_digest.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
    match tried {
        Tried::Denied { why, .. } => tracing::warn!(%scan_id, %workspace_id, manifest_digest, why, "Trust denies"),
        Tried::Again { error, .. } | Tried::Failed { error } => {
            tracing::warn!(%scan_id, %workspace_id, manifest_digest, error, outcome, "not published");
        }
        Tried::Permitted { .. } | Tried::Uploaded { .. } => {
            tracing::info!(%scan_id, %workspace_id, manifest_digest, outcome, "publication");
        }
    }
    Ok(())
}

fn back_off(attempts: i64) -> Duration {
    let at = usize::try_from(attempts).unwrap_or(usize::MAX).saturating_sub(1);
    AGAIN.get(at).copied().unwrap_or(AGAIN[AGAIN.len() - 1])
}

fn labels(scan: &Scan) -> Labels {
    let (git_url, git_branch) = submission::repository(scan);
    Labels {
        scan: scan.id.clone(),
        workspace: scan.workspace.clone(),
        component: scan.component.clone(),
        assessment: scan.assessment.clone(),
        manifest_digest: scan.manifest_digest,
        git_url,
        git_commit: scan.resolved_commit.clone(),
        git_branch,
    }
}
