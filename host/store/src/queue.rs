//! The queue: leases, fences, retries and dead letters.

use std::time::Duration;

use certus_model::{JobState, Lane, ScanId, TenantId};
use serde_json::{Value as Json, json as object};
use sqlx::Transaction;
use sqlx::any::Any;

use crate::audit::{self, NewAudit};
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::event;
use crate::scan::{SELECT, Scan, scan};
use crate::sql::{Columns, Statement, Value};
use crate::webhook;

/// The right to work on a job until the lease ends. Every write names its fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Which scan.
    pub scan: ScanId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Raised by every claim: who holds an older one is too late.
    pub fence: i64,
}

/// A job that a worker has taken.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The right to it.
    pub lease: Lease,
    /// What is to be done.
    pub scan: Scan,
    /// How often it was taken, this time included.
    pub attempt: i64,
    /// How long it waited, in milliseconds.
    pub waited_ms: i64,
    /// In which lane.
    pub lane: Lane,
}

/// What a worker learns when it says that it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heartbeat {
    /// Go on.
    GoOn,
    /// Somebody has called the scan off.
    Cancelled,
}

/// What became of calling a scan off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// It never ran and never will.
    Cancelled,
    /// Its worker will be told.
    Requested,
    /// It has ended already.
    Ended,
    /// There is no such scan.
    Unknown,
}

/// What became of replaying a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// It waits again.
    Requeued,
    /// It is no dead letter.
    NotDead,
    /// There is no such scan.
    Unknown,
}

impl Store {
    /// Takes the next job, first of `lane`, then of the other. `worker` names this process uniquely.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn claim(&self, worker: &str, lease: Duration, lane: Lane) -> Result<Option<Claim>, Error> {
        let other = match lane {
            Lane::Interactive => Lane::Batch,
            Lane::Batch => Lane::Interactive,
        };
        for lane in [lane, other] {
            // Looked for before the lock to write is asked for: an idle queue costs nobody anything.
            if self.waits(lane).await?
                && let Some(claim) = self.claim_of(worker, lease, lane).await?
            {
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }

    async fn waits(&self, lane: Lane) -> Result<bool, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let select =
            "SELECT scan_id FROM scan_jobs WHERE state = 'queued' AND lane = $1 AND available_at <= {now} LIMIT 1";
        let row = sqlx::query(self.text(select)).bind(lane.as_str()).fetch_optional(&mut *transaction).await?;
        Ok(row.is_some())
    }

    async fn claim_of(&self, worker: &str, lease: Duration, lane: Lane) -> Result<Option<Claim>, Error> {
        let mut transaction = self.write(Reach::All).await?;
        let claim = "UPDATE scan_jobs SET state = 'running', attempt = attempt + 1, fence = fence + 1, worker = $1, \
                     lease_until = {now} + $2 WHERE scan_id = ( \
                         SELECT scan_id FROM scan_jobs WHERE state = 'queued' AND lane = $3 AND available_at <= {now} \
                         ORDER BY turn, scan_id LIMIT 1 {skip_locked}) \
                     RETURNING scan_id, tenant_id, attempt, fence, {now} - queued_at AS waited";
        let row = sqlx::query(self.text(claim))
            .bind(worker)
            .bind(millis(lease))
            .bind(lane.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let row = Columns(&row);
        let lease =
            Lease { scan: row.parsed("scan_id")?, tenant: row.parsed("tenant_id")?, fence: row.number("fence")? };
        let (attempt, waited_ms) = (row.number("attempt")?, row.number("waited")?.max(0));
        let running = "UPDATE scans SET status = 'running', started_at = coalesce(started_at, $1) WHERE id = $2";
        sqlx::query(running).bind(now()).bind(lease.scan.as_str()).execute(&mut *transaction).await?;
        let mut select = Statement::new(SELECT);
        select.push(" WHERE s.id = ").bind(lease.scan.as_str());
        let row = select.query().fetch_one(&mut *transaction).await?;
        let scan = scan(&Columns(&row))?;
        transaction.commit().await?;
        Ok(Some(Claim { lease, scan, attempt, waited_ms, lane }))
    }

    /// Says that the worker lives: the lease runs anew from now.
    ///
    /// # Errors
    /// [`Error::Fenced`] if the lease was lost; a database that fails.
    pub async fn heartbeat(&self, held: &Lease, lease: Duration) -> Result<Heartbeat, Error> {
        let mut transaction = self.write(Reach::Tenant(&held.tenant)).await?;
        let update = "UPDATE scan_jobs SET lease_until = {now} + $1 WHERE scan_id = $2 AND fence = $3 AND state = 'running' \
                      RETURNING cancel_requested";
        let row = sqlx::query(self.text(update))
            .bind(millis(lease))
            .bind(held.scan.as_str())
            .bind(held.fence)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(row) = row else { return Err(late(transaction, held).await) };
        let cancelled = Columns(&row).number("cancel_requested")? != 0;
        transaction.commit().await?;
        Ok(if cancelled { Heartbeat::Cancelled } else { Heartbeat::GoOn })
    }

    /// Gives a job back: for another worker, or for later. A `counted` attempt is one of those after which
    /// a job is given up.
    ///
    /// # Errors
    /// [`Error::Fenced`] if the lease was lost; a database that fails.
    pub async fn release(&self, held: &Lease, after: Duration, counted: bool) -> Result<(), Error> {
        let mut transaction = self.write(Reach::Tenant(&held.tenant)).await?;
        let update = "UPDATE scan_jobs SET state = 'queued', worker = NULL, lease_until = NULL, \
                      available_at = {now} + $1, attempt = attempt - $2 \
                      WHERE scan_id = $3 AND fence = $4 AND state = 'running'";
        let done = sqlx::query(self.text(update))
            .bind(millis(after))
            .bind(i64::from(!counted))
            .bind(held.scan.as_str())
            .bind(held.fence)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(late(transaction, held).await);
        }
        let queued = "UPDATE scans SET status = 'queued' WHERE id = $1 AND status = 'running'";
        sqlx::query(queued).bind(held.scan.as_str()).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Puts jobs whose lease has ended back into the queue, but for those that `worker` itself has in its hands:
    /// it knows better than a clock whether it lives. Returns which.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn reclaim(&self, worker: &str, in_hand: &[ScanId]) -> Result<Vec<ScanId>, Error> {
        let now = self.text("{now}").0;
        let overdue = |mut statement: Statement| {
            statement.push(" WHERE state = 'running' AND lease_until <= ").push(&now);
            statement.push(" AND NOT (worker = ").bind(worker).push(" AND scan_id IN ");
            // No scan is called nothing: a list may not be empty.
            let listed = in_hand.iter().map(ScanId::as_str).chain([""]).map(Value::from);
            statement.row(listed).push(")");
            statement
        };
        let mut look = self.read(Reach::All).await?;
        let select = overdue(Statement::new("SELECT scan_id FROM scan_jobs"));
        if select.query().fetch_optional(&mut *look).await?.is_none() {
            return Ok(Vec::new());
        }
        look.commit().await?;
        let mut transaction = self.write(Reach::All).await?;
        let back = "UPDATE scan_jobs SET state = 'queued', worker = NULL, lease_until = NULL, available_at = 0";
        let mut update = overdue(Statement::new(back));
        update.push(" RETURNING scan_id");
        let rows = update.query().fetch_all(&mut *transaction).await?;
        let lost: Vec<ScanId> = rows.iter().map(|row| Columns(row).parsed("scan_id")).collect::<Result<_, _>>()?;
        for scan in &lost {
            let queued = "UPDATE scans SET status = 'queued' WHERE id = $1 AND status = 'running'";
            sqlx::query(queued).bind(scan.as_str()).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(lost)
    }

    /// Calls a scan off.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn cancel(&self, reach: Reach<'_>, id: &ScanId, actor: &str) -> Result<Cancel, Error> {
        let mut transaction = self.write(reach).await?;
        let mut select = Statement::new("UPDATE scan_jobs SET cancel_requested = 1 WHERE scan_id = ");
        select.bind(id.as_str());
        select.within(reach, " AND tenant_id = ");
        select.push(" RETURNING state, tenant_id, fence");
        let Some(row) = select.query().fetch_optional(&mut *transaction).await? else { return Ok(Cancel::Unknown) };
        let row = Columns(&row);
        let (state, tenant) = (row.parsed::<JobState>("state")?, row.parsed::<TenantId>("tenant_id")?);
        let lease = Lease { scan: id.clone(), tenant, fence: row.number("fence")? };
        let outcome = match state {
            JobState::Completed | JobState::DeadLetter => return Ok(Cancel::Ended),
            JobState::Running => Cancel::Requested,
            JobState::Queued => {
                let end = "UPDATE scan_jobs SET state = 'completed' WHERE scan_id = $1";
                sqlx::query(end).bind(id.as_str()).execute(&mut *transaction).await?;
                let end = "UPDATE scans SET status = 'cancelled', completed_at = $1 WHERE id = $2";
                sqlx::query(end).bind(now()).bind(id.as_str()).execute(&mut *transaction).await?;
                let complete = object!({ "type": "scan_complete", "status": "CANCELLED" });
                event::append(&mut transaction, &lease, &[complete]).await?;
                webhook::announce(&mut transaction, &lease.tenant, &lease.scan, self.tells_operator).await?;
                Cancel::Cancelled
            }
        };
        let event = NewAudit { actor: actor.to_owned(), ..host_event(&lease, "scan.cancelled", object!({})) };
        audit::append(&mut transaction, &[event]).await?;
        transaction.commit().await?;
        Ok(outcome)
    }

    /// Puts a dead letter back into the queue, with all its attempts.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn requeue(&self, reach: Reach<'_>, id: &ScanId, actor: &str) -> Result<Requeue, Error> {
        let mut transaction = self.write(reach).await?;
        let mut select = Statement::new("SELECT state, tenant_id, fence FROM scan_jobs WHERE scan_id = ");
        select.bind(id.as_str());
        select.within(reach, " AND tenant_id = ");
        let Some(row) = select.query().fetch_optional(&mut *transaction).await? else { return Ok(Requeue::Unknown) };
        let row = Columns(&row);
        if row.parsed::<JobState>("state")? != JobState::DeadLetter {
            return Ok(Requeue::NotDead);
        }
        let lease = Lease { scan: id.clone(), tenant: row.parsed("tenant_id")?, fence: row.number("fence")? };
        let queued = "UPDATE scan_jobs SET state = 'queued', attempt = 0, available_at = 0, cancel_requested = 0, queued_at = $1 \
                      WHERE scan_id = $2 AND state = 'dead_letter'";
        sqlx::query(queued).bind(now()).bind(id.as_str()).execute(&mut *transaction).await?;
        let queued = "UPDATE scans SET status = 'queued', started_at = NULL, completed_at = NULL, decision = NULL, \
                      failure = NULL, errors = '[]', artifacts = '{}', bundle = NULL WHERE id = $1";
        sqlx::query(queued).bind(id.as_str()).execute(&mut *transaction).await?;
        // Whoever follows the replay is not told of the end that it takes back; the audit chain remembers it.
        let told = "DELETE FROM scan_events WHERE scan_id = $1";
        sqlx::query(told).bind(id.as_str()).execute(&mut *transaction).await?;
        let event = NewAudit { actor: actor.to_owned(), ..host_event(&lease, "scan.requeued", object!({})) };
        audit::append(&mut transaction, &[event]).await?;
        transaction.commit().await?;
        Ok(Requeue::Requeued)
    }
}

/// Checks the fence and holds the job's row until the transaction ends; `None` if the lease was lost.
pub(crate) async fn hold(transaction: &mut Transaction<'static, Any>, held: &Lease) -> Result<Option<()>, Error> {
    let update = "UPDATE scan_jobs SET fence = fence WHERE scan_id = $1 AND fence = $2 AND state = 'running'";
    let done = sqlx::query(update).bind(held.scan.as_str()).bind(held.fence).execute(&mut **transaction).await?;
    Ok((done.rows_affected() == 1).then_some(()))
}

/// Counts a write that came too late, and says so.
pub(crate) async fn late(mut transaction: Transaction<'static, Any>, held: &Lease) -> Error {
    let count = "UPDATE scan_jobs SET late_writes = late_writes + 1 WHERE scan_id = $1";
    let counted = sqlx::query(count).bind(held.scan.as_str()).execute(&mut *transaction).await;
    if let Err(error) = counted.and(transaction.commit().await) {
        tracing::warn!(scan_id = %held.scan, %error, "a late write could not be counted");
    }
    Error::Fenced { scan: held.scan.to_string() }
}

pub(crate) fn host_event(held: &Lease, action: &'static str, detail: Json) -> NewAudit {
    NewAudit { tenant: held.tenant.clone(), actor: "host".to_owned(), action, object: held.scan.to_string(), detail }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
