//! Whom a tenant wants told of ended scans, and what is still to be told.

use std::time::Duration;

use certus_model::{ScanId, TenantId};
use serde_json::json as object;
use sqlx::Transaction;
use sqlx::any::Any;

use crate::audit::{self, NewAudit};
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::scan::{SELECT, Scan, scan};
use crate::seal::MasterKey;
use crate::sql::{Columns, Statement};

/// An address that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where.
    pub url: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// Why nothing is told there any more.
    pub stopped: Option<String>,
}

/// One thing that is to be told.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its id, the same in every try, so that whoever is told twice notices.
    pub id: String,
    /// What is told of.
    pub scan: Scan,
    /// Where, and the sealed secret of that; none is the operator's own address.
    pub webhook: Option<(Webhook, String)>,
    /// How often it was tried, this time included.
    pub attempt: i64,
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was taken.
    Delivered,
    /// It is tried again after this long.
    Again(Duration),
    /// It is not tried again.
    Failed,
    /// Nothing is told there any more.
    Stopped,
}

/// How long another process leaves a delivery alone that one has taken: longer than a try may take.
const HELD_MS: i64 = 120_000;
/// Deliveries that are taken together.
const TOGETHER: i64 = 20;

fn purpose(tenant: &TenantId, id: &str, url: &str) -> String {
    format!("webhook\n{tenant}\n{id}\n{url}")
}

impl Webhook {
    /// Its secret, opened.
    ///
    /// # Errors
    /// [`Error::Sealed`] for another master key.
    pub fn secret(&self, sealed: &str, key: &MasterKey) -> Result<String, Error> {
        let secret = key.open(&purpose(&self.tenant, &self.id, &self.url), sealed)?;
        String::from_utf8(secret).map_err(|_| Error::Sealed)
    }
}

impl Store {
    /// Makes an address that is told from now on.
    ///
    /// # Errors
    /// A database that fails, a system without random numbers.
    pub async fn create_webhook(
        &self,
        tenant: &TenantId,
        url: &str,
        secret: &str,
        key: &MasterKey,
        actor: &str,
    ) -> Result<Webhook, Error> {
        let id = format!("wh_{}", uuid::Uuid::now_v7().simple());
        let sealed = key.seal(&purpose(tenant, &id, url), secret.as_bytes())?;
        let webhook = Webhook { id, tenant: tenant.clone(), url: url.to_owned(), created_at: now(), stopped: None };
        let mut transaction = self.write(Reach::Tenant(tenant)).await?;
        let insert = "INSERT INTO webhooks (id, tenant_id, url, sealed, created_at) VALUES ($1, $2, $3, $4, $5)";
        sqlx::query(insert)
            .bind(&webhook.id)
            .bind(tenant.as_str())
            .bind(url)
            .bind(sealed)
            .bind(webhook.created_at)
            .execute(&mut *transaction)
            .await?;
        audit::append(&mut transaction, &[event(&webhook, actor, "webhook.created")]).await?;
        transaction.commit().await?;
        Ok(webhook)
    }

    /// The addresses within reach, the oldest first.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn webhooks(&self, reach: Reach<'_>) -> Result<Vec<Webhook>, Error> {
        let mut select = Statement::new("SELECT * FROM webhooks WHERE 1 = 1");
        select.within(reach, " AND tenant_id = ").push(" ORDER BY created_at, id");
        let mut transaction = self.read(reach).await?;
        select.query().fetch_all(&mut *transaction).await?.iter().map(|row| webhook(&Columns(row))).collect()
    }

    /// Takes an address away, with what it was still to be told. Whether there was one.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn drop_webhook(&self, reach: Reach<'_>, id: &str, actor: &str) -> Result<bool, Error> {
        let mut transaction = self.write(reach).await?;
        let mut select = Statement::new("SELECT * FROM webhooks WHERE id = ");
        select.bind(id);
        select.within(reach, " AND tenant_id = ");
        let Some(row) = select.query().fetch_optional(&mut *transaction).await? else { return Ok(false) };
        let webhook = webhook(&Columns(&row))?;
        for delete in ["DELETE FROM webhook_deliveries WHERE webhook_id = $1", "DELETE FROM webhooks WHERE id = $1"] {
            sqlx::query(delete).bind(id).execute(&mut *transaction).await?;
        }
        audit::append(&mut transaction, &[event(&webhook, actor, "webhook.dropped")]).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Takes what is due to be told; nobody else takes it for two minutes.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn take_deliveries(&self) -> Result<Vec<Delivery>, Error> {
        let due =
            "SELECT id FROM webhook_deliveries WHERE state = 'waiting' AND due_at <= {now} ORDER BY due_at LIMIT $1";
        let mut look = self.read(Reach::All).await?;
        if sqlx::query(self.text(due)).bind(1_i64).fetch_optional(&mut *look).await?.is_none() {
            return Ok(Vec::new());
        }
        look.commit().await?;
        let mut transaction = self.write(Reach::All).await?;
        let due = "SELECT id, scan_id, webhook_id, attempts FROM webhook_deliveries \
                   WHERE state = 'waiting' AND due_at <= {now} ORDER BY due_at LIMIT $1 {skip_locked}";
        let rows = sqlx::query(self.text(due)).bind(TOGETHER).fetch_all(&mut *transaction).await?;
        let mut taken = Vec::with_capacity(rows.len());
        for row in &rows {
            let row = Columns(row);
            let id = row.text("id")?;
            let hold = "UPDATE webhook_deliveries SET attempts = attempts + 1, due_at = {now} + $1 WHERE id = $2";
            sqlx::query(self.text(hold)).bind(HELD_MS).bind(&id).execute(&mut *transaction).await?;
            let mut select = Statement::new(SELECT);
            select.push(" WHERE s.id = ").bind(row.text("scan_id")?);
            let scan = scan(&Columns(&select.query().fetch_one(&mut *transaction).await?))?;
            let webhook = match row.maybe_text("webhook_id")? {
                None => None,
                Some(id) => {
                    let select = sqlx::query("SELECT * FROM webhooks WHERE id = $1").bind(id);
                    let row = select.fetch_one(&mut *transaction).await?;
                    Some((webhook(&Columns(&row))?, Columns(&row).text("sealed")?))
                }
            };
            taken.push(Delivery { id, scan, webhook, attempt: row.number("attempts")? + 1 });
        }
        transaction.commit().await?;
        Ok(taken)
    }

    /// Puts on record what came of a try. `answer` is for people and holds nothing of theirs.
    ///
    /// # Errors
    /// A database that fails; then it is tried again.
    pub async fn told(&self, delivery: &Delivery, told: &Told, answer: &str) -> Result<(), Error> {
        let (state, after) = match told {
            Told::Delivered => ("delivered", Duration::ZERO),
            Told::Again(after) => ("waiting", *after),
            Told::Failed | Told::Stopped => ("failed", Duration::ZERO),
        };
        let mut transaction = self.write(Reach::Tenant(&delivery.scan.tenant)).await?;
        let update = "UPDATE webhook_deliveries SET state = $1, due_at = {now} + $2, last_answer = $3 \
                      WHERE id = $4 AND state = 'waiting'";
        sqlx::query(self.text(update))
            .bind(state)
            .bind(i64::try_from(after.as_millis()).unwrap_or(i64::MAX / 4))
            .bind(answer)
            .bind(&delivery.id)
            .execute(&mut *transaction)
            .await?;
        if let (Told::Stopped, Some((webhook, _))) = (told, &delivery.webhook) {
            let stop = "UPDATE webhooks SET stopped = $1 WHERE id = $2";
            sqlx::query(stop).bind(answer).bind(&webhook.id).execute(&mut *transaction).await?;
            audit::append(&mut transaction, &[event(webhook, "host", "webhook.stopped")]).await?;
        }
        Ok(transaction.commit().await?)
    }
}

/// Notes down, with a scan's end, whom it is to be told to.
pub(crate) async fn announce(
    transaction: &mut Transaction<'static, Any>,
    tenant: &TenantId,
    scan: &ScanId,
    to_operator: bool,
) -> Result<(), Error> {
    let select = "SELECT id FROM webhooks WHERE tenant_id = $1 AND stopped IS NULL";
    let rows = sqlx::query(select).bind(tenant.as_str()).fetch_all(&mut **transaction).await?;
    let own = rows.iter().map(|row| Columns(row).text("id").map(Some));
    for webhook in own.chain(to_operator.then_some(Ok(None))) {
        let insert = "INSERT INTO webhook_deliveries (id, tenant_id, scan_id, webhook_id, state, due_at, created_at) \
                      VALUES ($1, $2, $3, $4, 'waiting', 0, $5)";
        sqlx::query(insert)
            .bind(format!("msg_{}", uuid::Uuid::now_v7().simple()))
            .bind(tenant.as_str())
            .bind(scan.as_str())
            .bind(webhook?)
            .bind(now())
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

fn event(webhook: &Webhook, actor: &str, action: &'static str) -> NewAudit {
    // An address may hold a secret in its path; its host is enough to know it by.
    let host = webhook.url.split('/').nth(2).unwrap_or_default();
    NewAudit {
        tenant: webhook.tenant.clone(),
        actor: actor.to_owned(),
        action,
        object: webhook.id.clone(),
        detail: object!({ "host": host }),
    }
}

fn webhook(row: &Columns<'_>) -> Result<Webhook, Error> {
    Ok(Webhook {
        id: row.text("id")?,
        tenant: row.parsed("tenant_id")?,
        url: row.text("url")?,
        created_at: row.number("created_at")?,
        stopped: row.maybe_text("stopped")?,
    })
}
