//! Events of scans, in the order in which clients are told them.

use std::collections::BTreeMap;

use certus_model::ScanId;
use serde_json::Value as Json;
use sqlx::Transaction;
use sqlx::any::Any;

use crate::database::{Reach, Store};
use crate::error::Error;
use crate::queue::{Lease, hold, late};
use crate::sql::{Columns, Statement, Value, json};

/// An event that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Its place in the scan's events, from 0, without gaps.
    pub seq: i64,
    /// What clients are sent, `seq` and `timestamp` included.
    pub body: Json,
}

impl Store {
    /// Appends events of a scan that this worker holds. One that has a `seq` keeps it, and is kept once however
    /// often it is told, so that a commit whose answer was lost may be repeated; others get the next one.
    ///
    /// # Errors
    /// [`Error::Fenced`] if the lease was lost; a database that fails.
    pub async fn append_events(&self, held: &Lease, events: &[Json]) -> Result<(), Error> {
        let mut transaction = self.write(Reach::Tenant(&held.tenant)).await?;
        if hold(&mut transaction, held).await?.is_none() {
            return Err(late(transaction, held).await);
        }
        append(&mut transaction, held, events).await?;
        Ok(transaction.commit().await?)
    }

    /// At most `limit` events of a scan from number `from` on.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn events(
        &self,
        reach: Reach<'_>,
        id: &ScanId,
        from: i64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, Error> {
        let mut select = Statement::new("SELECT seq, body FROM scan_events WHERE scan_id = ");
        select.bind(id.as_str()).push(" AND seq >= ").bind(from);
        select.within(reach, " AND tenant_id = ");
        select.push(" ORDER BY seq LIMIT ").bind(i64::from(limit));
        let mut transaction = self.read(reach).await?;
        let rows = select.query().fetch_all(&mut *transaction).await?;
        let one = |row| Ok(StoredEvent { seq: Columns(row).number("seq")?, body: Columns(row).json("body")? });
        rows.iter().map(one).collect()
    }

    /// How many events each of these scans has: what there is to read for those who follow them.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn event_counts(&self, scans: &[ScanId]) -> Result<BTreeMap<ScanId, i64>, Error> {
        if scans.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut select = Statement::new("SELECT scan_id, max(seq) + 1 AS n FROM scan_events WHERE scan_id IN ");
        select.row(scans.iter().map(|scan| Value::from(scan.as_str()))).push(" GROUP BY scan_id");
        let mut transaction = self.read(Reach::All).await?;
        let rows = select.query().fetch_all(&mut *transaction).await?;
        rows.iter().map(|row| Ok((Columns(row).parsed("scan_id")?, Columns(row).number("n")?))).collect()
    }
}

pub(crate) async fn append(
    transaction: &mut Transaction<'static, Any>,
    held: &Lease,
    events: &[Json],
) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    let next = sqlx::query("SELECT coalesce(max(seq) + 1, 0) AS n FROM scan_events WHERE scan_id = $1")
        .bind(held.scan.as_str())
        .fetch_one(&mut **transaction)
        .await?;
    let next = Columns(&next).number("n")?;
    let mut insert = Statement::new("INSERT INTO scan_events (scan_id, seq, tenant_id, body) VALUES ");
    for (at, event) in (0..).zip(events) {
        if at > 0 {
            insert.push(", ");
        }
        let seq = event.get("seq").and_then(Json::as_i64).unwrap_or(next + at);
        let mut body = event.clone();
        if let Json::Object(fields) = &mut body {
            fields.insert("seq".to_owned(), seq.into());
            fields.entry("timestamp").or_insert_with(|| (crate::database::now() as f64 / 1000.0).into());
        }
        insert.row([Value::from(held.scan.as_str()), seq.into(), held.tenant.as_str().into(), json(&body).into()]);
    }
    insert.push(" ON CONFLICT DO NOTHING");
    insert.query().execute(&mut **transaction).await?;
    Ok(())
}
