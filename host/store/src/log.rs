//! Where the transparency log ends, and what was put into it.

use certus_model::{ScanId, Sha256, TenantId};
use sqlx::Transaction;
use sqlx::any::Any;

use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::sql::{Columns, Statement};

/// A turn at the log: nobody else appends while it lives. Dropped, it changes nothing.
pub struct LogTurn {
    transaction: Transaction<'static, Any>,
    checkpoint: String,
}

/// An entry of the log, as it is found by what people know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Its id: a UUID.
    pub id: String,
    /// Its place in the log, from 0.
    pub index: u64,
    /// Whose it is.
    pub tenant: TenantId,
    /// The scan that was signed, if it is one.
    pub scan: Option<ScanId>,
    /// The assessment that it belongs to.
    pub assessment: Option<String>,
    /// The id of the key that signed.
    pub signer: Sha256,
    /// What was signed, by its digest.
    pub artifact: Sha256,
    /// What that is, for example `scan` or `report`.
    pub kind: String,
    /// The signature, base64 of DER.
    pub signature: String,
    /// The signed envelope.
    pub envelope: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// Which entries are wanted, the newest first.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Only of this assessment.
    pub assessment: Option<String>,
    /// Only by this key.
    pub signer: Option<String>,
    /// Only about this.
    pub artifact: Option<Sha256>,
    /// Only with this signature, base64 of DER.
    pub signature: Option<String>,
    /// Leave out this many.
    pub offset: u32,
    /// At most this many.
    pub limit: u32,
}

impl LogTurn {
    /// The signed checkpoint that the log ends with; none for a log that is empty.
    pub fn checkpoint(&self) -> Option<&str> {
        Some(self.checkpoint.as_str()).filter(|text| !text.is_empty())
    }

    /// Ends the turn with a new checkpoint.
    ///
    /// # Errors
    /// A database that fails; then the log ends where it did.
    pub async fn commit(mut self, checkpoint: &str) -> Result<(), Error> {
        let update = sqlx::query("UPDATE log_head SET checkpoint = $1 WHERE id = 1").bind(checkpoint);
        update.execute(&mut *self.transaction).await?;
        crate::crash::point("log-before-commit");
        Ok(self.transaction.commit().await?)
    }
}

impl Store {
    /// Begins a turn at the log; waits for who has it.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn log_turn(&self) -> Result<LogTurn, Error> {
        let mut transaction = self.write(Reach::All).await?;
        // The write takes the row's lock; a read would let two append behind the same checkpoint.
        let take = "UPDATE log_head SET checkpoint = checkpoint WHERE id = 1 RETURNING checkpoint";
        let row = sqlx::query(take).fetch_one(&mut *transaction).await?;
        Ok(LogTurn { checkpoint: Columns(&row).text("checkpoint")?, transaction })
    }

    /// The signed checkpoint that the log ends with; none for a log that is empty. It waits for nobody's turn.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn log_checkpoint(&self) -> Result<Option<String>, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let row = sqlx::query("SELECT checkpoint FROM log_head WHERE id = 1").fetch_one(&mut *transaction).await?;
        Ok(Some(Columns(&row).text("checkpoint")?).filter(|text| !text.is_empty()))
    }

    /// Puts on record what an entry of the log is about.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn keep_log_row(&self, row: &LogRow) -> Result<(), Error> {
        let mut transaction = self.write(Reach::Tenant(&row.tenant)).await?;
        let mut insert = Statement::new(
            "INSERT INTO log_entries (id, log_index, tenant_id, scan_id, assessment_id, signer, artifact, kind, \
             signature, envelope, at) VALUES ",
        );
        insert.row([
            row.id.as_str().into(),
            i64::try_from(row.index).unwrap_or(i64::MAX).into(),
            row.tenant.as_str().into(),
            row.scan.as_ref().map(ToString::to_string).into(),
            row.assessment.clone().into(),
            row.signer.to_string().into(),
            row.artifact.to_string().into(),
            row.kind.as_str().into(),
            row.signature.as_str().into(),
            row.envelope.as_str().into(),
            now().into(),
        ]);
        insert.query().execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// One entry by its id.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn log_row(&self, reach: Reach<'_>, id: &str) -> Result<Option<LogRow>, Error> {
        let mut select = Statement::new("SELECT * FROM log_entries WHERE id = ");
        select.bind(id);
        select.within(reach, " AND tenant_id = ");
        let mut transaction = self.read(reach).await?;
        let found = select.query().fetch_optional(&mut *transaction).await?;
        found.as_ref().map(|found| row(&Columns(found))).transpose()
    }

    /// Entries, the newest first.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn log_rows(&self, reach: Reach<'_>, filter: &LogFilter) -> Result<Vec<LogRow>, Error> {
        let mut select = Statement::new("SELECT * FROM log_entries WHERE 1 = 1");
        select.within(reach, " AND tenant_id = ");
        for (column, wanted) in [
            (" AND assessment_id = ", filter.assessment.clone()),
            (" AND signer = ", filter.signer.clone()),
            (" AND artifact = ", filter.artifact.map(|artifact| artifact.to_string())),
            (" AND signature = ", filter.signature.clone()),
        ] {
            if let Some(wanted) = wanted {
                select.push(column).bind(wanted);
            }
        }
        select.push(" ORDER BY log_index DESC LIMIT ").bind(i64::from(filter.limit));
        select.push(" OFFSET ").bind(i64::from(filter.offset));
        let mut transaction = self.read(reach).await?;
        select.query().fetch_all(&mut *transaction).await?.iter().map(|found| row(&Columns(found))).collect()
    }

    /// The entries about a scan, the oldest first.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn log_rows_of(&self, reach: Reach<'_>, scan: &ScanId) -> Result<Vec<LogRow>, Error> {
        let mut select = Statement::new("SELECT * FROM log_entries WHERE scan_id = ");
        select.bind(scan.as_str());
        select.within(reach, " AND tenant_id = ").push(" ORDER BY log_index LIMIT 1000");
        let mut transaction = self.read(reach).await?;
        select.query().fetch_all(&mut *transaction).await?.iter().map(|found| row(&Columns(found))).collect()
    }

    /// How many entries there are, and by which keys.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn log_counts(&self, reach: Reach<'_>) -> Result<(i64, Vec<String>), Error> {
        let mut select = Statement::new("SELECT signer, count(*) AS n FROM log_entries WHERE 1 = 1");
        select.within(reach, " AND tenant_id = ").push(" GROUP BY signer ORDER BY signer");
        let mut transaction = self.read(reach).await?;
        let rows = select.query().fetch_all(&mut *transaction).await?;
        let mut counts = (0, Vec::with_capacity(rows.len()));
        for row in &rows {
            counts.0 += Columns(row).number("n")?;
            counts.1.push(Columns(row).text("signer")?);
        }
        Ok(counts)
    }
}

fn row(row: &Columns<'_>) -> Result<LogRow, Error> {
    Ok(LogRow {
        id: row.text("id")?,
        index: u64::try_from(row.number("log_index")?).map_err(|_| Error::Malformed { what: "log_index" })?,
        tenant: row.parsed("tenant_id")?,
        scan: row.maybe_parsed("scan_id")?,
        assessment: row.maybe_text("assessment_id")?,
        signer: row.parsed("signer")?,
        artifact: row.parsed("artifact")?,
        kind: row.text("kind")?,
        signature: row.text("signature")?,
        envelope: row.text("envelope")?,
        at: row.number("at")?,
    })
}
