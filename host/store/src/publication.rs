//! What is to be published, where that is, and what became of it.

use std::time::Duration;

use certus_model::{ScanId, TenantId, Tier, UploadStatus};
use serde_json::{Value as Json, json as object};
use sqlx::Transaction;
use sqlx::any::Any;

use crate::audit::{self, NewAudit};
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::scan::{SELECT, Scan, scan};
use crate::sql::{Columns, Statement};

/// A publication as it stands. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    /// Of which scan.
    pub scan: ScanId,
    /// Whose that is.
    pub tenant: TenantId,
    /// How much it is to be trusted with.
    pub tier: Tier,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    pub requested_at: i64,
    /// How often it was tried since then.
    pub attempts: i64,
    /// When it is tried next; none when there is nothing left to do.
    pub due_at: Option<i64>,
    /// What kept the last try from its end.
    pub last_error: Option<String>,
    /// Trust's decision, by its id.
    pub permit_id: Option<String>,
    /// What Trust has answered, in JSON.
    pub answer: Option<Json>,
    /// When the permit runs out.
    pub expires_at: Option<i64>,
    /// Where it is published, in JSON.
    pub published: Option<Json>,
    /// When that was done.
    pub uploaded_at: Option<i64>,
    /// The fence of who works at it.
    fence: i64,
}

/// A publication that this process works at, and its scan.
#[derive(Clone, Debug)]
pub struct DuePublication {
    /// What is to be published.
    pub publication: Publication,
    /// The scan.
    pub scan: Scan,
}

/// What became of one try.
#[derive(Clone, Debug, PartialEq)]
pub enum Tried {
    /// Trust permits; `done` when there is nowhere to publish to.
    Permitted {
        /// The decision's id.
        permit_id: String,
        /// What Trust answered.
        answer: Json,
        /// The proof that clients are shown.
        proof: Json,
        /// When the permit runs out.
        expires_at: i64,
        /// Whether there is nothing more to do.
        done: bool,
    },
    /// Trust denies.
    Denied {
        /// The decision's id.
        permit_id: String,
        /// What Trust answered.
        answer: Json,
        /// Why, in one sentence.
        why: String,
    },
    /// All of it is published.
    Uploaded {
        /// Where.
        published: Json,
    },
    /// It is tried again after this long.
    Again {
        /// What was in the way, without secrets.
        error: String,
        /// How long to wait.
        after: Duration,
    },
    /// It is not tried again until somebody asks anew.
    Failed {
        /// What was in the way, without secrets.
        error: String,
    },
}

/// How long another process leaves a publication alone that one works at and says nothing more of.
const HELD_MS: i64 = 30_000;
/// Publications that are taken together.
const TOGETHER: i64 = 4;

impl Store {
    /// Asks for a publication. One that is under way or done stays what it is; one that was denied or has failed is
    /// begun anew. None if there is no such scan within reach.
    ///
    /// # Errors
    /// A database that fails; then nothing was asked for.
    pub async fn request_upload(
        &self,
        reach: Reach<'_>,
        id: &ScanId,
        tier: Tier,
        actor: &str,
    ) -> Result<Option<Publication>, Error> {
        let mut transaction = self.write(reach).await?;
        let mut select = Statement::new(SELECT);
        select.push(" WHERE s.id = ").bind(id.as_str());
        select.within(reach, " AND s.tenant_id = ");
        let Some(row) = select.query().fetch_optional(&mut *transaction).await? else { return Ok(None) };
        let scan = scan(&Columns(&row))?;
        let before = fetch(&mut transaction, id).await?;
        let settled = before.as_ref().is_some_and(|before| {
            let permitted = before.tier == tier && before.expires_at.is_some_and(|end| now() < end);
            before.due_at.is_some()
                || scan.upload_status == UploadStatus::Uploaded
                || (scan.upload_status == UploadStatus::Permitted && permitted)
        });
        if !settled {
            let insert = "INSERT INTO publications (scan_id, tenant_id, tier, requested_by, requested_at, due_at) \
                          VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (scan_id) DO UPDATE SET tier = excluded.tier, \
                          requested_by = excluded.requested_by, requested_at = excluded.requested_at, due_at = 0, \
                          attempts = 0, last_error = NULL, permit_id = NULL, answer = NULL, expires_at = NULL, \
                          fence = publications.fence + 1";
            sqlx::query(insert)
                .bind(id.as_str())
                .bind(scan.tenant.as_str())
                .bind(tier.as_str())
                .bind(actor)
                .bind(now())
                .execute(&mut *transaction)
                .await?;
            set_status(&mut transaction, id, UploadStatus::Pending).await?;
            let event = NewAudit {
                tenant: scan.tenant.clone(),
                actor: actor.to_owned(),
                action: "upload.requested",
                object: id.to_string(),
                detail: object!({ "tier": tier }),
            };
            audit::append(&mut transaction, &[event]).await?;
        }
        let publication = fetch(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(publication)
    }

    /// The publication of a scan; none if nobody has asked for it, or it is out of reach.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn publication(&self, reach: Reach<'_>, id: &ScanId) -> Result<Option<Publication>, Error> {
        let mut select = Statement::new("SELECT * FROM publications WHERE scan_id = ");
        select.bind(id.as_str());
        select.within(reach, " AND tenant_id = ");
        let mut transaction = self.read(reach).await?;
        let row = select.query().fetch_optional(&mut *transaction).await?;
        row.as_ref().map(|row| publication(&Columns(row))).transpose()
    }

    /// Takes what is due to be published; nobody else takes it for half a minute.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn take_publications(&self) -> Result<Vec<DuePublication>, Error> {
        let due = "SELECT scan_id FROM publications WHERE due_at <= {now} ORDER BY due_at LIMIT $1";
        let mut look = self.read(Reach::All).await?;
        if sqlx::query(self.text(due)).bind(1_i64).fetch_optional(&mut *look).await?.is_none() {
            return Ok(Vec::new());
        }
        look.commit().await?;
        let mut transaction = self.write(Reach::All).await?;
        let due = "SELECT scan_id FROM publications WHERE due_at <= {now} ORDER BY due_at LIMIT $1 {skip_locked}";
        let rows = sqlx::query(self.text(due)).bind(TOGETHER).fetch_all(&mut *transaction).await?;
        let mut taken = Vec::with_capacity(rows.len());
        for row in &rows {
            let id: ScanId = Columns(row).parsed("scan_id")?;
            let hold = "UPDATE publications SET attempts = attempts + 1, fence = fence + 1, due_at = {now} + $1 \
                        WHERE scan_id = $2";
            sqlx::query(self.text(hold)).bind(HELD_MS).bind(id.as_str()).execute(&mut *transaction).await?;
            let mut select = Statement::new(SELECT);
            select.push(" WHERE s.id = ").bind(id.as_str());
            let scan = scan(&Columns(&select.query().fetch_one(&mut *transaction).await?))?;
            taken.extend(fetch(&mut transaction, &id).await?.map(|publication| DuePublication { publication, scan }));
        }
        transaction.commit().await?;
        Ok(taken)
    }

    /// Says that this process still works at it, so that nobody else takes it for another half minute.
    ///
    /// # Errors
    /// [`Error::Fenced`] when somebody else works at it now; a database that fails.
    pub async fn hold_publication(&self, due: &DuePublication) -> Result<(), Error> {
        let mut transaction = self.write(Reach::Tenant(&due.publication.tenant)).await?;
        held(&mut transaction, &due.publication).await?;
        let hold = "UPDATE publications SET due_at = {now} + $1 WHERE scan_id = $2 AND due_at IS NOT NULL";
        let hold = sqlx::query(self.text(hold)).bind(HELD_MS).bind(due.publication.scan.as_str());
        hold.execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// What this process works at, as it stands now.
    ///
    /// # Errors
    /// [`Error::Fenced`] when somebody else works at it now; a database that fails.
    pub async fn refreshed(&self, due: &DuePublication) -> Result<DuePublication, Error> {
        let publication = self.publication(Reach::Tenant(&due.publication.tenant), &due.publication.scan).await?;
        match publication {
            Some(publication) if publication.fence == due.publication.fence => {
                Ok(DuePublication { publication, scan: due.scan.clone() })
            }
            _ => Err(Error::Fenced { scan: due.publication.scan.to_string() }),
        }
    }

    /// Puts on record that a publication begins with this permit. A permit that another scan's publication was begun
    /// with, or this one's when it was done, is refused.
    ///
    /// # Errors
    /// [`Error::PermitRevoked`] for one that rests on a plugin or signer that was revoked since, as far as Trust's
    /// records are in this database; [`Error::PermitUsed`]; [`Error::Fenced`] when somebody else works at it now; a
    /// database that fails.
    pub async fn use_permit(&self, due: &DuePublication, permit_id: &str) -> Result<(), Error> {
        let Publication { scan, tenant, .. } = &due.publication;
        let mut transaction = self.write(Reach::Tenant(tenant)).await?;
        held(&mut transaction, &due.publication).await?;
        let revoked = "SELECT i.digest FROM permit_inputs i JOIN revocations r \
                       ON r.kind = i.kind AND r.digest = i.digest WHERE i.permit_id = $1 LIMIT 1";
        let revoked = sqlx::query(revoked).bind(permit_id).fetch_optional(&mut *transaction).await?;
        if let Some(row) = revoked {
            let digest = Columns(&row).text("digest")?;
            return Err(Error::PermitRevoked { permit: permit_id.to_owned(), digest });
        }
        let used = sqlx::query("SELECT scan_id FROM used_permits WHERE permit_id = $1").bind(permit_id);
        match used.fetch_optional(&mut *transaction).await? {
            // It was begun and not done: it goes on.
            Some(row) if Columns(&row).text("scan_id")? == scan.as_str() && due.publication.uploaded_at.is_none() => {}
            Some(_) => return Err(Error::PermitUsed { permit: permit_id.to_owned() }),
            None => {
                sqlx::query("INSERT INTO used_permits (permit_id, tenant_id, scan_id, at) VALUES ($1, $2, $3, $4)")
                    .bind(permit_id)
                    .bind(tenant.as_str())
                    .bind(scan.as_str())
                    .bind(now())
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        set_status(&mut transaction, scan, UploadStatus::Uploading).await?;
        Ok(transaction.commit().await?)
    }

    /// Puts on record what became of a try.
    ///
    /// # Errors
    /// [`Error::Fenced`] when somebody else works at it now; a database that fails.
    pub async fn tried(&self, due: &DuePublication, tried: &Tried) -> Result<(), Error> {
        let Publication { scan, tenant, .. } = &due.publication;
        let mut transaction = self.write(Reach::Tenant(tenant)).await?;
        held(&mut transaction, &due.publication).await?;
        let mut update = Statement::new("UPDATE publications SET last_error = ");
        let (status, action, detail) = match tried {
            Tried::Permitted { permit_id, answer, expires_at, done, .. } => {
                update.bind(None::<String>).push(", permit_id = ").bind(permit_id.as_str());
                update.push(", answer = ").bind(answer.to_string()).push(", expires_at = ").bind(*expires_at);
                // What comes now is tried as often as it may be, however long Trust was waited for.
                update.push(", attempts = ").bind(1_i64);
                // Whoever asked goes on.
                update.push(", due_at = ").bind((!done).then(|| now() + HELD_MS));
                (UploadStatus::Permitted, "upload.permitted", object!({ "permit_id": permit_id }))
            }
            Tried::Denied { permit_id, answer, why } => {
                update.bind(why.as_str()).push(", permit_id = ").bind(permit_id.as_str());
                update.push(", answer = ").bind(answer.to_string()).push(", due_at = ").bind(None::<i64>);
                let detail = object!({ "permit_id": permit_id, "reason": answer.get("reason") });
                (UploadStatus::Denied, "upload.denied", detail)
            }
            Tried::Uploaded { published } => {
                update.bind(None::<String>).push(", due_at = ").bind(None::<i64>);
                update.push(", published = ").bind(published.to_string()).push(", uploaded_at = ").bind(now());
                (UploadStatus::Uploaded, "upload.done", object!({ "permit_id": due.publication.permit_id }))
            }
            Tried::Again { error, after } => {
                let wait = i64::try_from(after.as_millis()).unwrap_or(i64::MAX / 4);
                update.bind(error.as_str()).push(", due_at = ").bind(now().saturating_add(wait));
                // What was permitted stays so while it waits.
                let permitted = due.publication.permit_id.is_some();
                let status = if permitted { UploadStatus::Permitted } else { UploadStatus::Pending };
                (status, "upload.delayed", object!({ "error": error }))
            }
            Tried::Failed { error } => {
                update.bind(error.as_str()).push(", due_at = ").bind(None::<i64>);
                (UploadStatus::UploadFailed, "upload.failed", object!({ "error": error }))
            }
        };
        update.push(" WHERE scan_id = ").bind(scan.as_str());
        update.query().execute(&mut *transaction).await?;
        set_status(&mut transaction, scan, status).await?;
        if let Tried::Permitted { permit_id, proof, .. } = tried {
            let update = "UPDATE scans SET permitted_at = coalesce(permitted_at, $1), upload_permission_id = $2, \
                          verification_proof = $3 WHERE id = $4";
            sqlx::query(update)
                .bind(now())
                .bind(permit_id)
                .bind(proof.to_string())
                .bind(scan.as_str())
                .execute(&mut *transaction)
                .await?;
        }
        if let Tried::Denied { permit_id, .. } = tried {
            let update = "UPDATE scans SET upload_permission_id = $1 WHERE id = $2";
            sqlx::query(update).bind(permit_id).bind(scan.as_str()).execute(&mut *transaction).await?;
        }
        let event =
            NewAudit { tenant: tenant.clone(), actor: "host".to_owned(), action, object: scan.to_string(), detail };
        audit::append(&mut transaction, &[event]).await?;
        crate::crash::point("tried-before-commit");
        Ok(transaction.commit().await?)
    }
}

async fn fetch(transaction: &mut Transaction<'static, Any>, id: &ScanId) -> Result<Option<Publication>, Error> {
    let select = sqlx::query("SELECT * FROM publications WHERE scan_id = $1").bind(id.as_str());
    let row = select.fetch_optional(&mut **transaction).await?;
    row.as_ref().map(|row| publication(&Columns(row))).transpose()
}

/// Refuses who no longer works at it; holds the row until the transaction ends.
async fn held(transaction: &mut Transaction<'static, Any>, publication: &Publication) -> Result<(), Error> {
    let touch = "UPDATE publications SET attempts = attempts WHERE scan_id = $1 AND fence = $2";
    let touched =
        sqlx::query(touch).bind(publication.scan.as_str()).bind(publication.fence).execute(&mut **transaction).await?;
    match touched.rows_affected() {
        0 => Err(Error::Fenced { scan: publication.scan.to_string() }),
        _ => Ok(()),
    }
}

pub(crate) async fn set_status(
    transaction: &mut Transaction<'static, Any>,
    id: &ScanId,
    status: UploadStatus,
) -> Result<(), Error> {
    let update = sqlx::query("UPDATE scans SET upload_status = $1 WHERE id = $2");
    update.bind(status.as_str()).bind(id.as_str()).execute(&mut **transaction).await?;
    Ok(())
}

fn publication(row: &Columns<'_>) -> Result<Publication, Error> {
    let json = |name: &'static str| -> Result<Option<Json>, Error> {
        let text = row.maybe_text(name)?;
        text.map(|text| serde_json::from_str(&text).map_err(|_| Error::Malformed { what: name })).transpose()
    };
    Ok(Publication {
        scan: row.parsed("scan_id")?,
        tenant: row.parsed("tenant_id")?,
        tier: row.parsed("tier")?,
        requested_by: row.text("requested_by")?,
        requested_at: row.number("requested_at")?,
        attempts: row.number("attempts")?,
        due_at: row.maybe_number("due_at")?,
        last_error: row.maybe_text("last_error")?,
        permit_id: row.maybe_text("permit_id")?,
        answer: json("answer")?,
        expires_at: row.maybe_number("expires_at")?,
        published: json("published")?,
        uploaded_at: row.maybe_number("uploaded_at")?,
        fence: row.number("fence")?,
    })
}
