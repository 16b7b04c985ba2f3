//! What may go: bundles that are published or never will be, archives that no waiting scan names.

use std::time::Duration;

use certus_model::{ScanId, TenantId, UploadId};
use serde_json::json as object;

use crate::audit::{self, NewAudit};
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::sql::{Columns, Statement};

/// How long what nobody needs is kept; none is for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Bundles, from the end of their scan.
    pub bundles: Option<Duration>,
    /// All bundles together, in bytes: above it the oldest go.
    pub bytes: Option<u64>,
    /// Archives that clients sent, from when they came.
    pub uploads: Option<Duration>,
}

/// A bundle that may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prunable {
    /// Whose.
    pub scan: ScanId,
    /// Whose that is.
    pub tenant: TenantId,
    /// Its name.
    pub bundle: String,
    /// What it weighs.
    pub bytes: i64,
}

/// What is never removed is not yet published: a report that Trust may still be asked about, or that it has
/// permitted. What has no report, what Trust has denied and what is published is nobody's to wait for.
const DONE: &str =
    "bundle IS NOT NULL AND (upload_status IN ('uploaded', 'denied') OR status IN ('failed', 'cancelled'))";

/// Bundles that are looked at together.
const TOGETHER: i64 = 200;

impl Store {
    /// The bundles that may go, the oldest first; at most 200.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn prunable(&self, retention: &Retention) -> Result<Vec<Prunable>, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let mut excess = match retention.bytes {
            None => 0,
            Some(most) => {
                let sum = "SELECT CAST(coalesce(sum(bundle_bytes), 0) AS BIGINT) AS bytes FROM scans WHERE bundle IS NOT NULL";
                let bytes = Columns(&sqlx::query(sum).fetch_one(&mut *transaction).await?).number("bytes")?;
                bytes.saturating_sub(i64::try_from(most).unwrap_or(i64::MAX))
            }
        };
        let until = retention.bundles.map(|age| now() - i64::try_from(age.as_millis()).unwrap_or(i64::MAX / 2));
        let mut select = Statement::new("SELECT id, tenant_id, bundle, bundle_bytes, completed_at FROM scans WHERE ");
        select.push(DONE).push(" AND completed_at IS NOT NULL ORDER BY completed_at, id LIMIT ").bind(TOGETHER);
        let mut prunable = Vec::new();
        for row in select.query().fetch_all(&mut *transaction).await? {
            let row = Columns(&row);
            let bytes = row.maybe_number("bundle_bytes")?.unwrap_or_default();
            let is_old = until.is_some_and(|until| row.number("completed_at").is_ok_and(|ended| ended < until));
            if !is_old && excess <= 0 {
                break;
            }
            excess -= bytes;
            prunable.push(Prunable {
                scan: row.parsed("id")?,
                tenant: row.parsed("tenant_id")?,
                bundle: row.text("bundle")?,
                bytes,
            });
        }
        Ok(prunable)
    }

    /// Takes a bundle off the record, before it is removed. Whether it was still there and may go: the row is
    /// looked at again.
    ///
    /// # Errors
    /// A database that fails; then it is on record.
    pub async fn prune(&self, bundle: &Prunable, actor: &str) -> Result<bool, Error> {
        let mut transaction = self.write(Reach::Tenant(&bundle.tenant)).await?;
        let mut update = Statement::new("UPDATE scans SET bundle = NULL, artifacts = '{}', pruned_at = ");
        update.bind(now()).push(" WHERE id = ").bind(bundle.scan.as_str());
        update.push(" AND bundle = ").bind(&*bundle.bundle).push(" AND ").push(DONE);
        if update.query().execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let event = NewAudit {
            tenant: bundle.tenant.clone(),
            actor: actor.to_owned(),
            action: "bundle.pruned",
            object: bundle.scan.to_string(),
            detail: object!({ "bundle": bundle.bundle, "bytes": bundle.bytes }),
        };
        audit::append(&mut transaction, &[event]).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Takes archives off the record that are old and that no scan names which has yet to read them. Returns which;
    /// the sweeper removes them.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn prune_uploads(&self, retention: &Retention) -> Result<Vec<UploadId>, Error> {
        let Some(age) = retention.uploads else { return Ok(Vec::new()) };
        let until = now() - i64::try_from(age.as_millis()).unwrap_or(i64::MAX / 2);
        let mut transaction = self.write(Reach::All).await?;
        let waiting = "SELECT request FROM scans WHERE status IN ('queued', 'running')";
        let rows = sqlx::query(waiting).fetch_all(&mut *transaction).await?;
        let named: Vec<String> = rows.iter().map(|row| Columns(row).text("request")).collect::<Result<_, _>>()?;
        let old = sqlx::query(
            "SELECT id, tenant_id, sha256, size FROM uploads WHERE created_at < $1 ORDER BY created_at LIMIT $2",
        );
        let mut pruned = Vec::new();
        for row in old.bind(until).bind(TOGETHER).fetch_all(&mut *transaction).await? {
            let row = Columns(&row);
            let id: UploadId = row.parsed("id")?;
            if named.iter().any(|request| request.contains(id.as_str())) {
                continue;
            }
            sqlx::query("DELETE FROM uploads WHERE id = $1").bind(id.as_str()).execute(&mut *transaction).await?;
            let event = NewAudit {
                tenant: row.parsed("tenant_id")?,
                actor: "host".to_owned(),
                action: "upload.pruned",
                object: id.to_string(),
                detail: object!({ "sha256": row.text("sha256")?, "size": row.number("size")? }),
            };
            audit::append(&mut transaction, &[event]).await?;
            pruned.push(id);
        }
        transaction.commit().await?;
        Ok(pruned)
    }
}
