//! Totals over the store: no tenant's own.

use std::collections::BTreeMap;

use certus_model::{JobState, ScanStatus, UploadStatus};
use sqlx::Row as _;

use crate::database::{Reach, Store};
use crate::error::Error;
use crate::sql::Columns;

/// How many scans are where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Scans by state; a state without scans is absent.
    pub scans: BTreeMap<ScanStatus, i64>,
    /// Succeeded scans that nobody has submitted to Trust yet.
    pub pending: i64,
    /// Scans that Trust has ever permitted, whatever became of them.
    pub permitted: i64,
    /// Scans that are published.
    pub uploaded: i64,
    /// Scans that Trust has refused.
    pub denied: i64,
    /// Scans that were permitted and could not be published.
    pub upload_failed: i64,
}

/// What waits and what runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Jobs by state; a state without jobs is absent.
    pub jobs: BTreeMap<JobState, i64>,
    /// How long the first in the queue has waited, in milliseconds.
    pub oldest_ms: i64,
    /// Writes of workers whose lease was lost; each was refused.
    pub late_writes: i64,
}

impl Store {
    /// Totals over all tenants.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let rows = sqlx::query(
            "SELECT status, upload_status, count(*) AS n, count(permitted_at) AS permitted \
             FROM scans GROUP BY status, upload_status",
        )
        .fetch_all(&mut *transaction)
        .await?;
        let mut stats = Stats::default();
        for row in &rows {
            let row = Columns(row);
            let (status, upload, n) = (row.parsed("status")?, row.parsed("upload_status")?, row.number("n")?);
            *stats.scans.entry(status).or_default() += n;
            stats.permitted += row.number("permitted")?;
            match upload {
                UploadStatus::Pending if status == ScanStatus::Succeeded => stats.pending += n,
                UploadStatus::Uploaded => stats.uploaded += n,
                UploadStatus::Denied => stats.denied += n,
                UploadStatus::UploadFailed => stats.upload_failed += n,
                UploadStatus::Pending | UploadStatus::Permitted | UploadStatus::Uploading => {}
            }
        }
        Ok(stats)
    }

    /// What waits and what runs, over all tenants.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn queue_depth(&self) -> Result<QueueDepth, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let rows = sqlx::query(
            "SELECT state, count(*) AS n, CAST(sum(late_writes) AS BIGINT) AS late FROM scan_jobs GROUP BY state",
        )
        .fetch_all(&mut *transaction)
        .await?;
        let mut depth = QueueDepth::default();
        for row in &rows {
            depth.jobs.insert(Columns(row).parsed("state")?, Columns(row).number("n")?);
            depth.late_writes += Columns(row).number("late")?;
        }
        let oldest = "SELECT coalesce({now} - min(queued_at), 0) AS oldest FROM scan_jobs WHERE state = 'queued'";
        let row = sqlx::query(self.text(oldest)).fetch_one(&mut *transaction).await?;
        depth.oldest_ms = row.try_get::<i64, _>("oldest")?.max(0);
        Ok(depth)
    }
}
