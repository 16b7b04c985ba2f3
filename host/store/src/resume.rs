//! A publication that has stopped, taken up again.

use certus_model::{ScanId, UploadStatus};
use serde_json::json as object;

use crate::audit::{self, NewAudit};
use crate::database::{Reach, Store};
use crate::error::Error;
use crate::publication::set_status;
use crate::sql::{Columns, Statement};

impl Store {
    /// Takes up a publication that has stopped although its permit is valid; whether there was one. One that is under
    /// way, done or denied stays as it is.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn resume_upload(
        &self,
        reach: Reach<'_>,
        id: &ScanId,
        permit_id: &str,
        actor: &str,
    ) -> Result<bool, Error> {
        let mut transaction = self.write(reach).await?;
        let clock = self.text("SELECT {now} AS now");
        let now = Columns(&sqlx::query(clock).fetch_one(&mut *transaction).await?).number("now")?;
        let mut update = Statement::new(
            "UPDATE publications SET due_at = 0, attempts = 0, last_error = NULL, fence = fence + 1 WHERE scan_id = ",
        );
        update.bind(id.as_str()).push(" AND permit_id = ").bind(permit_id);
        update.push(" AND due_at IS NULL AND uploaded_at IS NULL AND expires_at > ").bind(now);
        update.within(reach, " AND tenant_id = ").push(" RETURNING tenant_id");
        let Some(row) = update.query().fetch_optional(&mut *transaction).await? else { return Ok(false) };
        set_status(&mut transaction, id, UploadStatus::Permitted).await?;
        let event = NewAudit {
            tenant: Columns(&row).parsed("tenant_id")?,
            actor: actor.to_owned(),
            action: "upload.resumed",
            object: id.to_string(),
            detail: object!({ "permit_id": permit_id }),
        };
        audit::append(&mut transaction, &[event]).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
