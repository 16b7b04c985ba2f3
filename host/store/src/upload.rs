//! Archives that clients have sent, as they are on record; the bytes lie in a folder.

use std::collections::BTreeSet;

use certus_model::{Sha256, TenantId, UploadId};
use serde_json::json as object;

use crate::audit::{self, NewAudit};
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::sql::{Columns, Statement};

/// An archive that was received whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id, which is also its file's name.
    pub id: UploadId,
    /// Whose it is.
    pub tenant: TenantId,
    /// As the client named it; never a path.
    pub filename: String,
    /// SHA-256 of it.
    pub sha256: Sha256,
    /// In bytes.
    pub size: i64,
}

impl Store {
    /// Puts a received archive on record.
    ///
    /// # Errors
    /// A database that fails; then it is not on record.
    pub async fn keep_upload(&self, upload: &Upload, actor: &str) -> Result<(), Error> {
        let mut transaction = self.write(Reach::Tenant(&upload.tenant)).await?;
        sqlx::query(
            "INSERT INTO uploads (id, tenant_id, filename, sha256, size, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(upload.id.as_str())
        .bind(upload.tenant.as_str())
        .bind(&upload.filename)
        .bind(upload.sha256.to_string())
        .bind(upload.size)
        .bind(now())
        .execute(&mut *transaction)
        .await?;
        let event = NewAudit {
            tenant: upload.tenant.clone(),
            actor: actor.to_owned(),
            action: "upload.received",
            object: upload.id.to_string(),
            detail: object!({ "sha256": upload.sha256, "size": upload.size }),
        };
        audit::append(&mut transaction, &[event]).await?;
        Ok(transaction.commit().await?)
    }

    /// An archive on record; none if there is none within reach.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn upload(&self, reach: Reach<'_>, id: &UploadId) -> Result<Option<Upload>, Error> {
        let mut select = Statement::new("SELECT * FROM uploads WHERE id = ");
        select.bind(id.as_str());
        select.within(reach, " AND tenant_id = ");
        let mut transaction = self.read(reach).await?;
        let row = select.query().fetch_optional(&mut *transaction).await?;
        let one = |row| {
            let row = Columns(row);
            Ok(Upload {
                id: row.parsed("id")?,
                tenant: row.parsed("tenant_id")?,
                filename: row.text("filename")?,
                sha256: row.parsed("sha256")?,
                size: row.number("size")?,
            })
        };
        row.as_ref().map(one).transpose()
    }

    /// Every archive on record, so that a sweeper knows what it may not take.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn upload_ids(&self) -> Result<BTreeSet<UploadId>, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let rows = sqlx::query("SELECT id FROM uploads").fetch_all(&mut *transaction).await?;
        rows.iter().map(|row| Columns(row).parsed("id")).collect()
    }
}
