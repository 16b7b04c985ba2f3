//! The audit chain: what happened, each row naming the digest of the one before.

use certus_model::{Sha256, TenantId, canonical_json};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sqlx::any::Any;
use sqlx::{Row as _, Transaction};

use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::sql::{Columns, Statement, Value, json};

/// Something that happened, before it is a row.
#[derive(Clone, Debug)]
pub struct NewAudit {
    /// Whose it is.
    pub tenant: TenantId,
    /// Who did it: a user, or `host`.
    pub actor: String,
    /// What was done, for example `scan.submitted`.
    pub action: &'static str,
    /// To what: an id.
    pub object: String,
    /// What else there is to know; no secret.
    pub detail: Json,
}

/// A row of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Whose it is.
    pub tenant: TenantId,
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// What else there is to know.
    pub detail: Json,
    /// The digest of the row before.
    pub previous: Sha256,
    /// The digest of this row, over all of the above in canonical JSON.
    pub digest: Sha256,
}

/// Which rows are wanted.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only this action.
    pub action: Option<String>,
    /// Only this object.
    pub object: Option<String>,
    /// Only what this one did.
    pub actor: Option<String>,
    /// Only what happened at this time or later, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Only what happened at this time or before.
    pub until: Option<i64>,
    /// Only after this place in the chain.
    pub after: i64,
    /// At most this many.
    pub limit: u32,
}

/// Where the chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last row; 0 if there is none.
    pub seq: i64,
    /// Its digest; that of the empty text if there is none.
    pub digest: Sha256,
}

/// A head that a host has signed.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// What was signed.
    pub head: Head,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The DSSE envelope.
    pub envelope: String,
}

/// The first thing in the chain that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// A row is not there.
    #[error("row {seq} is missing: rows were deleted")]
    Missing {
        /// Which.
        seq: i64,
    },
    /// A row says something else than when it was written.
    #[error("row {seq} was changed: its digest is not that of what it says")]
    Changed {
        /// Which.
        seq: i64,
    },
    /// A row does not follow from the one before.
    #[error("row {seq} does not follow row {}: a row was inserted or replaced", seq - 1)]
    Unlinked {
        /// Which.
        seq: i64,
    },
    /// The head is not the last row's.
    #[error("the head names row {head}, the chain ends with row {last}: rows were cut off or the head was swapped")]
    Head {
        /// What the head says.
        head: i64,
        /// What there is.
        last: i64,
    },
    /// A signed head is not that of the chain.
    #[error("the head that was signed at row {seq} is not that of the chain: it was rewritten")]
    Checkpoint {
        /// Which row.
        seq: i64,
    },
}

/// What a row's digest is taken over.
#[derive(Serialize)]
struct Sealed<'a> {
    seq: i64,
    at: i64,
    tenant: &'a TenantId,
    actor: &'a str,
    action: &'a str,
    object: &'a str,
    detail: &'a Json,
    previous: Sha256,
}

/// Rows that are read at once while a chain is checked.
const CHECK_PAGE: i64 = 1000;

/// Appends to the chain; whoever does holds its head until the transaction ends.
pub(crate) async fn append(transaction: &mut Transaction<'static, Any>, events: &[NewAudit]) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    // The write takes the row's lock; a read would let two append behind the same row.
    let head = sqlx::query("UPDATE audit_head SET seq = seq + $1 WHERE id = 1 RETURNING seq, digest")
        .bind(events.len() as i64)
        .fetch_one(&mut **transaction)
        .await?;
    let mut seq = head.try_get::<i64, _>("seq")? - events.len() as i64;
    let mut previous: Sha256 = Columns(&head).parsed("digest")?;
    let at = now();
    let mut insert = Statement::new(
        "INSERT INTO audit_events (seq, tenant_id, at, actor, action, object, detail, previous, digest) VALUES ",
    );
    for (number, event) in events.iter().enumerate() {
        seq += 1;
        let NewAudit { tenant, actor, action, object, detail } = event;
        let digest = digest(&Sealed { seq, at, tenant, actor, action, object, detail, previous });
        if number > 0 {
            insert.push(", ");
        }
        insert.row([
            Value::from(seq),
            tenant.as_str().into(),
            at.into(),
            actor.as_str().into(),
            (*action).into(),
            object.as_str().into(),
            json(detail).into(),
            previous.to_string().into(),
            digest.to_string().into(),
        ]);
        previous = digest;
    }
    insert.query().execute(&mut **transaction).await?;
    sqlx::query("UPDATE audit_head SET digest = $1 WHERE id = 1")
        .bind(previous.to_string())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

fn digest(sealed: &Sealed<'_>) -> Sha256 {
    Sha256::of(&canonical_json(sealed).expect("keys are text and numbers whole"))
}

impl Store {
    /// Appends one event on its own.
    ///
    /// # Errors
    /// A database that fails; then nothing was appended.
    pub async fn audit(&self, event: NewAudit) -> Result<(), Error> {
        let mut transaction = self.write(Reach::Tenant(&event.tenant)).await?;
        append(&mut transaction, std::slice::from_ref(&event)).await?;
        Ok(transaction.commit().await?)
    }

    /// Rows of the chain in their order.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn audit_events(&self, reach: Reach<'_>, filter: &AuditFilter) -> Result<Vec<AuditEvent>, Error> {
        let mut select = Statement::new("SELECT * FROM audit_events WHERE seq > ");
        select.bind(filter.after);
        select.within(reach, " AND tenant_id = ");
        let texts =
            [(" AND action = ", &filter.action), (" AND object = ", &filter.object), (" AND actor = ", &filter.actor)];
        for (column, wanted) in texts {
            if let Some(wanted) = wanted {
                select.push(column).bind(wanted.as_str());
            }
        }
        for (column, time) in [(" AND at >= ", filter.since), (" AND at <= ", filter.until)] {
            if let Some(time) = time {
                select.push(column).bind(time);
            }
        }
        select.push(" ORDER BY seq LIMIT ").bind(i64::from(filter.limit));
        let mut transaction = self.read(reach).await?;
        select.query().fetch_all(&mut *transaction).await?.iter().map(|row| event(&Columns(row))).collect()
    }

    /// Where the chain ends.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn audit_head(&self) -> Result<Head, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let row = sqlx::query("SELECT seq, digest FROM audit_head WHERE id = 1").fetch_one(&mut *transaction).await?;
        Ok(Head { seq: Columns(&row).number("seq")?, digest: Columns(&row).parsed("digest")? })
    }

    /// Keeps a signed head. The same one twice is kept once.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn keep_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let mut transaction = self.write(Reach::All).await?;
        let insert =
            "INSERT INTO audit_checkpoints (seq, digest, at, envelope) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        sqlx::query(insert)
            .bind(checkpoint.head.seq)
            .bind(checkpoint.head.digest.to_string())
            .bind(checkpoint.at)
            .bind(&checkpoint.envelope)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Every signed head, the oldest first.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn checkpoints(&self) -> Result<Vec<Checkpoint>, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let rows = sqlx::query("SELECT * FROM audit_checkpoints ORDER BY seq, at").fetch_all(&mut *transaction).await?;
        let one = |row| {
            let row = Columns(row);
            let head = Head { seq: row.number("seq")?, digest: row.parsed("digest")? };
            Ok(Checkpoint { head, at: row.number("at")?, envelope: row.text("envelope")? })
        };
        rows.iter().map(one).collect()
    }

    /// Walks the whole chain: every row follows from the one before, the head is the last one's, and the
    /// heads in `signed`, whose signatures the caller has checked, are those of the chain. Returns the head, or
    /// the first fault.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn audit_check(&self, signed: &[Head]) -> Result<Result<Head, AuditFault>, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let mut last = Head { seq: 0, digest: Sha256::of(b"") };
        loop {
            let rows = sqlx::query("SELECT * FROM audit_events WHERE seq > $1 ORDER BY seq LIMIT $2")
                .bind(last.seq)
                .bind(CHECK_PAGE)
                .fetch_all(&mut *transaction)
                .await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                match follow(&Columns(row), last) {
                    Ok(head) => last = head,
                    Err(fault) => return Ok(Err(fault)),
                }
                if signed.iter().any(|head| head.seq == last.seq && head.digest != last.digest) {
                    return Ok(Err(AuditFault::Checkpoint { seq: last.seq }));
                }
            }
        }
        let row =
            sqlx::query("SELECT seq, digest FROM audit_head WHERE id = 1").fetch_optional(&mut *transaction).await?;
        let head = match &row {
            Some(row) => Head { seq: Columns(row).number("seq")?, digest: Columns(row).parsed("digest")? },
            None => Head { seq: 0, digest: Sha256::of(b"no head") },
        };
        let beyond = signed.iter().map(|head| head.seq).max().unwrap_or(0).max(head.seq);
        Ok(if head != last || beyond > last.seq {
            Err(AuditFault::Head { head: beyond, last: last.seq })
        } else {
            Ok(last)
        })
    }
}

/// The head after `row`, if it follows `last` and is what it was.
fn follow(row: &Columns<'_>, last: Head) -> Result<Head, AuditFault> {
    // A row that cannot even be read was not written by this program.
    let seq = row.number("seq").unwrap_or(last.seq + 1);
    if seq != last.seq + 1 {
        return Err(AuditFault::Missing { seq: last.seq + 1 });
    }
    let Ok(event) = event(row) else { return Err(AuditFault::Changed { seq }) };
    let AuditEvent { at, tenant, actor, action, object, detail, previous, .. } = &event;
    let sealed = Sealed { seq, at: *at, tenant, actor, action, object, detail, previous: *previous };
    if digest(&sealed) != event.digest {
        return Err(AuditFault::Changed { seq });
    }
    if *previous != last.digest {
        return Err(AuditFault::Unlinked { seq });
    }
    Ok(Head { seq, digest: event.digest })
}

fn event(row: &Columns<'_>) -> Result<AuditEvent, Error> {
    Ok(AuditEvent {
        seq: row.number("seq")?,
        at: row.number("at")?,
        tenant: row.parsed("tenant_id")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        object: row.text("object")?,
        detail: row.json("detail")?,
        previous: row.parsed("previous")?,
        digest: row.parsed("digest")?,
    })
}
