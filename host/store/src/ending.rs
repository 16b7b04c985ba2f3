//! How a scan ends: what it came to, its last events and whom it is told to, at once.

use std::collections::BTreeMap;

use certus_model::outcome::Verdict;
use certus_model::{JobState, ScanId, ScanStatus, Sha256};
use serde_json::{Value as Json, json as object};

use crate::audit;
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::event;
use crate::queue::{Lease, host_event, late};
use crate::sql::{Statement, json};
use crate::webhook;

/// What a scan came to.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The scan's final state.
    pub status: ScanStatus,
    /// The policy's answer, if there is a report; `error` if there is none.
    pub decision: Option<Verdict>,
    /// Why there is no report: a reason of a closed set.
    pub failure: Option<String>,
    /// What went wrong.
    pub errors: Vec<String>,
    /// What somebody should know.
    pub warnings: Vec<String>,
    /// Key to path within the bundle.
    pub artifacts: BTreeMap<String, String>,
    /// The bundle's name.
    pub bundle: Option<String>,
    /// What it weighs.
    pub bundle_bytes: Option<i64>,
    /// The digest over the bundle's `result` group.
    pub result_digest: Option<Sha256>,
    /// What identifies the content that was scanned.
    pub provenance_id: Option<String>,
    /// The commit that was scanned.
    pub resolved_commit: Option<String>,
    /// SHA-256 of the manifest.
    pub manifest_digest: Option<Sha256>,
    /// What was made of the manifest.
    pub manifest_metadata: Option<Json>,
    /// The last events; the very last is `scan_complete`.
    pub events: Vec<Json>,
}

impl Ending {
    /// An end of which nothing more is known yet.
    pub fn new(status: ScanStatus, decision: Verdict) -> Self {
        Self {
            status,
            decision: Some(decision),
            failure: None,
            errors: Vec::new(),
            warnings: Vec::new(),
            artifacts: BTreeMap::new(),
            bundle: None,
            bundle_bytes: None,
            result_digest: None,
            provenance_id: None,
            resolved_commit: None,
            manifest_digest: None,
            manifest_metadata: None,
            events: Vec::new(),
        }
    }
}

/// How a job ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// Its scan was done, whatever it came to.
    Completed,
    /// It was given up after its workers were lost.
    DeadLetter,
}

impl Store {
    /// Ends a scan: its state, its last events and its audit row at once.
    ///
    /// # Errors
    /// [`Error::Fenced`] if the lease was lost; a database that fails. Then the scan has not ended.
    pub async fn finish(&self, held: &Lease, end: JobEnd, ending: &Ending) -> Result<(), Error> {
        let mut transaction = self.write(Reach::Tenant(&held.tenant)).await?;
        let state = match end {
            JobEnd::Completed => JobState::Completed,
            JobEnd::DeadLetter => JobState::DeadLetter,
        };
        let update = "UPDATE scan_jobs SET state = $1, worker = NULL, lease_until = NULL \
                      WHERE scan_id = $2 AND fence = $3 AND state = 'running'";
        let done = sqlx::query(update)
            .bind(state.as_str())
            .bind(held.scan.as_str())
            .bind(held.fence)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(late(transaction, held).await);
        }
        end_scan(ending, &held.scan).query().execute(&mut *transaction).await?;
        event::append(&mut transaction, held, &ending.events).await?;
        webhook::announce(&mut transaction, &held.tenant, &held.scan, self.tells_operator).await?;
        let detail = object!({ "status": ending.status, "decision": ending.decision, "failure": ending.failure, "result_digest": ending.result_digest });
        audit::append(&mut transaction, &[host_event(held, "scan.finished", detail)]).await?;
        crate::crash::point("finish-before-commit");
        crate::crash::disk("finish-commit").map_err(sqlx::Error::Io)?;
        transaction.commit().await?;
        crate::crash::point("finish-after-commit");
        Ok(())
    }
}

fn end_scan(ending: &Ending, id: &ScanId) -> Statement {
    let digest = |digest: Option<Sha256>| digest.map(|digest| digest.to_string());
    let mut update = Statement::new("UPDATE scans SET status = ");
    update.bind(ending.status.as_str());
    update.push(", completed_at = ").bind(now());
    update.push(", decision = ").bind(ending.decision.map(|decision| decision.to_string()));
    update.push(", failure = ").bind(ending.failure.clone());
    update.push(", errors = ").bind(json(&ending.errors));
    update.push(", warnings = ").bind(json(&ending.warnings));
    update.push(", artifacts = ").bind(json(&ending.artifacts));
    update.push(", bundle = ").bind(ending.bundle.clone());
    update.push(", bundle_bytes = ").bind(ending.bundle_bytes);
    update.push(", result_digest = ").bind(digest(ending.result_digest));
    update.push(", provenance_id = ").bind(ending.provenance_id.clone());
    update.push(", resolved_commit = ").bind(ending.resolved_commit.clone());
    update.push(", manifest_digest = coalesce(").bind(digest(ending.manifest_digest)).push(", manifest_digest)");
    update.push(", manifest_metadata = ").bind(ending.manifest_metadata.as_ref().map(json));
    update.push(" WHERE id = ").bind(id.as_str());
    update
}
