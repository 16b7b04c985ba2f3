//! Submits, written together: one transaction, one wait for the disk, for all that are there.

use std::sync::{Arc, Mutex};

use certus_model::request::ScanRequest;
use certus_model::{AssessmentId, ComponentId, Lane, OnError, ScanId, ScanStatus, Sha256, TenantId, WorkspaceId};
use serde_json::json as object;
use sqlx::any::Any;
use sqlx::{Row as _, Transaction};
use tokio::sync::oneshot;

use crate::audit::{self, NewAudit};
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::scan::{SELECT, Scan, scan};
use crate::sql::{Columns, Statement, Value, json};

/// A scan to be.
#[derive(Clone, Debug)]
pub struct NewScan {
    /// Its id.
    pub id: ScanId,
    /// Whose it is.
    pub tenant: TenantId,
    /// As the client named it.
    pub workspace: WorkspaceId,
    /// As the client named it.
    pub component: ComponentId,
    /// As the client named it.
    pub assessment: AssessmentId,
    /// What is asked for.
    pub request: ScanRequest,
    /// By the client's own label.
    pub requested_by: Option<String>,
    /// `production` or `sample`.
    pub mode: &'static str,
    /// How long it may take once it runs.
    pub timeout_ms: i64,
    /// Which lane it waits in.
    pub lane: Lane,
    /// SHA-256 of an inline manifest.
    pub manifest_digest: Option<Sha256>,
    /// Who submits it, for the audit chain.
    pub actor: String,
    /// The trace that it is part of, as W3C writes it.
    pub trace: Option<String>,
    /// So that the same submit twice is one scan.
    pub idempotency: Option<Idempotency>,
}

/// What makes two submits the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The client's key, within its tenant.
    pub key: String,
    /// SHA-256 over the canonical request.
    pub fingerprint: Sha256,
}

/// What became of a submit.
#[derive(Clone, Debug, PartialEq)]
pub enum Submitted {
    /// A new scan.
    New(Box<Scan>),
    /// The scan that the same key and request made before.
    Replayed(Box<Scan>),
    /// The key was used for another request.
    Mismatch,
    /// The tenant does not exist or is disabled.
    NoTenant,
}

type Answer = Result<Submitted, Error>;

/// Those who wait, and the right to write for all of them.
#[derive(Debug, Default)]
pub(crate) struct Submitter {
    waiting: Mutex<Vec<(NewScan, oneshot::Sender<Answer>)>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// Most submits of one transaction: each takes up to 15 of the 32,766 parameters that SQLite allows a statement.
const TOGETHER: usize = 128;

/// What one place in the order of a tenant with weight 1 costs.
const TURN: i64 = 1_000_000;

impl Store {
    /// Keeps a scan and its job, for good once this returns.
    ///
    /// # Errors
    /// A database that fails; then there is no such scan.
    pub async fn submit(&self, new: NewScan) -> Answer {
        let (sender, mut receiver) = oneshot::channel();
        self.waiting().push((new, sender));
        // Whoever comes to the front writes for all that are there; most find that it was done for them.
        let front = self.submitter.turn.clone().lock_owned().await;
        if let Ok(answer) = receiver.try_recv() {
            return answer;
        }
        let store = self.clone();
        // On its own, so that a client who leaves takes nobody with him.
        tokio::spawn(async move {
            let _front = front;
            loop {
                let batch: Vec<_> = {
                    let mut waiting = store.waiting();
                    let most = waiting.len().min(TOGETHER);
                    waiting.drain(..most).collect()
                };
                if batch.is_empty() {
                    break;
                }
                store.write_all(batch).await;
            }
        });
        receiver.await.unwrap_or_else(|_| Err(Error::Database(sqlx::Error::WorkerCrashed)))
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<(NewScan, oneshot::Sender<Answer>)>> {
        self.submitter.waiting.lock().expect("nobody panics while it holds the lock")
    }

    async fn write_all(&self, batch: Vec<(NewScan, oneshot::Sender<Answer>)>) {
        let (scans, senders): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        match self.write_batch(&scans).await {
            Ok(answers) => senders.into_iter().zip(answers).for_each(|(sender, answer)| {
                // A client that has left needs no answer.
                let _ = sender.send(Ok(answer));
            }),
            // One bad row fails all: each on its own then, so that nobody pays for another's.
            Err(error) if scans.len() > 1 && !error.is_transient() => {
                for (scan, sender) in scans.into_iter().zip(senders) {
                    let answer = self.write_batch(std::slice::from_ref(&scan)).await;
                    let _ = sender.send(answer.map(|mut answers| answers.remove(0)));
                }
            }
            Err(error) => {
                tracing::warn!(%error, submits = scans.len(), "submits could not be kept");
                let mut error = Some(error);
                for sender in senders {
                    let one = error.take().unwrap_or(Error::Database(sqlx::Error::PoolTimedOut));
                    let _ = sender.send(Err(one));
                }
            }
        }
    }

    async fn write_batch(&self, batch: &[NewScan]) -> Result<Vec<Submitted>, Error> {
        let mut transaction = self.write(Reach::All).await?;
        let now = now();
        let mut answers = Vec::with_capacity(batch.len());
        let mut fresh = Vec::with_capacity(batch.len());
        let served = served(&mut transaction).await?;
        for new in batch {
            let answer = match self.known(&mut transaction, new, now).await? {
                Some(known) => known,
                None => match turn(&mut transaction, &new.tenant, served).await? {
                    Some((turn, on_error)) => {
                        fresh.push((new, turn, on_error));
                        Submitted::New(Box::new(as_accepted(new, on_error, now)))
                    }
                    None => Submitted::NoTenant,
                },
            };
            answers.push(answer);
        }
        if !fresh.is_empty() {
            insert_scans(&fresh, now).query().execute(&mut *transaction).await?;
            crate::crash::point("submit-between-scan-and-job");
            insert_jobs(&fresh, now).query().execute(&mut *transaction).await?;
            if let Some(insert) = insert_keys(&fresh, now) {
                insert.query().execute(&mut *transaction).await?;
            }
            let events: Vec<_> = fresh.iter().map(|(new, ..)| submitted(new)).collect();
            audit::append(&mut transaction, &events).await?;
        }
        crate::crash::disk("submit-commit").map_err(sqlx::Error::Io)?;
        transaction.commit().await?;
        crate::crash::point("submit-after-commit");
        Ok(answers)
    }

    /// What an earlier submit with the same key came to; an insert of this one's key otherwise waits.
    async fn known(
        &self,
        transaction: &mut Transaction<'static, Any>,
        new: &NewScan,
        now: i64,
    ) -> Result<Option<Submitted>, Error> {
        let Some(Idempotency { key, fingerprint }) = &new.idempotency else { return Ok(None) };
        sqlx::query("DELETE FROM idempotency_keys WHERE created_at < $1")
            .bind(now - KEPT_MS)
            .execute(&mut **transaction)
            .await?;
        let select = "SELECT fingerprint, scan_id FROM idempotency_keys WHERE tenant_id = $1 AND idempotency_key = $2";
        let row = sqlx::query(select).bind(new.tenant.as_str()).bind(key).fetch_optional(&mut **transaction).await?;
        let Some(row) = row else { return Ok(None) };
        let row = Columns(&row);
        if row.parsed::<Sha256>("fingerprint")? != *fingerprint {
            return Ok(Some(Submitted::Mismatch));
        }
        let mut select = Statement::new(SELECT);
        select.push(" WHERE s.id = ").bind(row.text("scan_id")?);
        let row = select.query().fetch_one(&mut **transaction).await?;
        Ok(Some(Submitted::Replayed(Box::new(scan(&Columns(&row))?))))
    }
}

/// How long a key is remembered: a day, as `Idempotency-Key` users expect.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// Where the order stands: what is served now, else what waits longest, else the last place that was given
/// out, for an idle queue owes nobody anything.
async fn served(transaction: &mut Transaction<'static, Any>) -> Result<i64, Error> {
    let row = sqlx::query(
        "SELECT coalesce((SELECT max(turn) FROM scan_jobs WHERE state = 'running'), (SELECT min(turn) FROM ( \
             SELECT min(turn) AS turn FROM scan_jobs WHERE state = 'queued' AND lane = 'interactive' \
             UNION ALL SELECT min(turn) AS turn FROM scan_jobs WHERE state = 'queued' AND lane = 'batch') AS waiting), \
         (SELECT max(last_turn) FROM tenants), 0) AS turn",
    )
    .fetch_one(&mut **transaction)
    .await?;
    Ok(row.try_get("turn")?)
}

/// The tenant's next place in the order, and its stance on errors. Fair queueing: a place is one share behind
/// the tenant's last one, and never before the one that is being served.
async fn turn(
    transaction: &mut Transaction<'static, Any>,
    tenant: &TenantId,
    served: i64,
) -> Result<Option<(i64, OnError)>, Error> {
    let next = sqlx::query(
        "UPDATE tenants SET last_turn = CASE WHEN last_turn > $1 THEN last_turn ELSE $1 END + $2 / weight \
         WHERE id = $3 AND disabled_at IS NULL RETURNING last_turn, on_error",
    )
    .bind(served)
    .bind(TURN)
    .bind(tenant.as_str())
    .fetch_optional(&mut **transaction)
    .await?;
    let next = next.as_ref().map(Columns);
    next.map(|row| Ok((row.number("last_turn")?, row.parsed("on_error")?))).transpose()
}

type Fresh<'a> = (&'a NewScan, i64, OnError);

fn insert_scans(fresh: &[Fresh<'_>], now: i64) -> Statement {
    let mut insert = Statement::new(
        "INSERT INTO scans (id, tenant_id, workspace_id, component_id, assessment_id, status, mode, request, profile, \
         requested_by, on_error, timeout_ms, created_at, manifest_digest, trace) VALUES ",
    );
    for (at, (new, _, on_error)) in fresh.iter().enumerate() {
        if at > 0 {
            insert.push(", ");
        }
        insert.row([
            Value::from(new.id.as_str()),
            new.tenant.as_str().into(),
            new.workspace.as_str().into(),
            new.component.as_str().into(),
            new.assessment.as_str().into(),
            ScanStatus::Queued.as_str().into(),
            new.mode.into(),
            json(&new.request).into(),
            new.request.profile.as_str().into(),
            new.requested_by.clone().into(),
            on_error.as_str().into(),
            new.timeout_ms.into(),
            now.into(),
            new.manifest_digest.map(|digest| digest.to_string()).into(),
            new.trace.clone().into(),
        ]);
    }
    insert
}

fn insert_jobs(fresh: &[Fresh<'_>], now: i64) -> Statement {
    let mut insert = Statement::new(
        "INSERT INTO scan_jobs (scan_id, tenant_id, state, lane, turn, available_at, queued_at) VALUES ",
    );
    for (at, (new, turn, _)) in fresh.iter().enumerate() {
        if at > 0 {
            insert.push(", ");
        }
        insert.row([
            Value::from(new.id.as_str()),
            new.tenant.as_str().into(),
            "queued".into(),
            new.lane.as_str().into(),
            (*turn).into(),
            // At once, whatever the clocks of those who claim say.
            0.into(),
            now.into(),
        ]);
    }
    insert
}

fn insert_keys(fresh: &[Fresh<'_>], now: i64) -> Option<Statement> {
    let mut insert = Statement::new(
        "INSERT INTO idempotency_keys (tenant_id, idempotency_key, fingerprint, scan_id, created_at) VALUES ",
    );
    let mut first = true;
    for (new, ..) in fresh {
        let Some(Idempotency { key, fingerprint }) = &new.idempotency else { continue };
        if !std::mem::take(&mut first) {
            insert.push(", ");
        }
        insert.row([
            Value::from(new.tenant.as_str()),
            key.as_str().into(),
            fingerprint.to_string().into(),
            new.id.as_str().into(),
            now.into(),
        ]);
    }
    (!first).then_some(insert)
}

fn submitted(new: &NewScan) -> NewAudit {
    NewAudit {
        tenant: new.tenant.clone(),
        actor: new.actor.clone(),
        action: "scan.submitted",
        object: new.id.to_string(),
        detail: object!({ "source_type": new.request.source.kind(), "profile": new.request.profile }),
    }
}

/// The scan as it was just written.
fn as_accepted(new: &NewScan, on_error: OnError, now: i64) -> Scan {
    Scan {
        id: new.id.clone(),
        tenant: new.tenant.clone(),
        workspace: new.workspace.clone(),
        component: new.component.clone(),
        assessment: new.assessment.clone(),
        status: ScanStatus::Queued,
        mode: new.mode.to_owned(),
        request: new.request.clone(),
        requested_by: new.requested_by.clone(),
        on_error,
        timeout_ms: new.timeout_ms,
        created_at: now,
        started_at: None,
        completed_at: None,
        manifest_digest: new.manifest_digest,
        manifest_metadata: None,
        provenance_id: None,
        resolved_commit: None,
        decision: None,
        failure: None,
        result_digest: None,
        warnings: Vec::new(),
        errors: Vec::new(),
        artifacts: Default::default(),
        bundle: None,
        pruned_at: None,
        trace: new.trace.clone(),
        upload_status: certus_model::UploadStatus::Pending,
        upload_permission_id: None,
        verification_proof: None,
        published: None,
        upload_error: None,
        job: certus_model::JobState::Queued,
        attempts: 0,
        cancel_requested: false,
    }
}
