//! Findings of scans that have a report, so that they can be asked for by filter.

use certus_model::{ScanId, Severity};
use serde_json::Value as Json;

use crate::database::{Reach, Store};
use crate::error::Error;
use crate::queue::{Lease, hold, late};
use crate::scan::Page;
use crate::sql::{Columns, Statement, Value, json};

/// A finding as it is kept: what can be filtered by, and the finding as it stands in `findings.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingRow {
    /// Its place in the report, from 0.
    pub ordinal: i64,
    /// What stays the same from scan to scan.
    pub fingerprint: String,
    /// Which plugin.
    pub plugin: String,
    /// Which rule.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// The first place, if it has one.
    pub path: Option<String>,
    /// The line there.
    pub line: Option<i64>,
    /// Whether a baseline covers it.
    pub suppressed: bool,
    /// All of it.
    pub body: Json,
}

/// Which findings are wanted, in the report's order.
#[derive(Clone, Debug, Default)]
pub struct FindingFilter {
    /// Only of this severity.
    pub severity: Option<Severity>,
    /// Only of this plugin.
    pub plugin: Option<String>,
    /// Only of this rule.
    pub rule: Option<String>,
    /// Only with this fingerprint.
    pub fingerprint: Option<String>,
    /// Only at this path.
    pub path: Option<String>,
    /// Only those that a baseline covers, or only the others.
    pub suppressed: Option<bool>,
    /// Only from this place in the report on.
    pub from: i64,
    /// At most this many.
    pub limit: u32,
}

/// Findings that one statement inserts; 11 parameters each.
const TOGETHER: usize = 500;

impl Store {
    /// Keeps the findings of a scan that this worker holds, in place of what an earlier attempt left. They show
    /// once the scan has succeeded.
    ///
    /// # Errors
    /// [`Error::Fenced`] if the lease was lost; a database that fails.
    pub async fn keep_findings(&self, held: &Lease, findings: &[FindingRow]) -> Result<(), Error> {
        let mut first = true;
        // In parts, so that nobody who submits waits for a hundred thousand rows.
        for part in findings.chunks(TOGETHER).chain(findings.is_empty().then_some(findings)) {
            let mut transaction = self.write(Reach::Tenant(&held.tenant)).await?;
            if hold(&mut transaction, held).await?.is_none() {
                return Err(late(transaction, held).await);
            }
            if std::mem::take(&mut first) {
                let delete = "DELETE FROM findings WHERE scan_id = $1";
                sqlx::query(delete).bind(held.scan.as_str()).execute(&mut *transaction).await?;
            }
            if !part.is_empty() {
                insert(held, part).query().execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Findings of a scan.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn findings(
        &self,
        reach: Reach<'_>,
        id: &ScanId,
        filter: &FindingFilter,
    ) -> Result<Page<FindingRow>, Error> {
        let mut select = Statement::new("SELECT * FROM findings WHERE scan_id = ");
        select.bind(id.as_str()).push(" AND ordinal >= ").bind(filter.from);
        for (column, wanted) in [
            (" AND tenant_id = ", reach.tenant().map(|tenant| tenant.as_str())),
            (" AND severity = ", filter.severity.map(Severity::as_str)),
            (" AND plugin = ", filter.plugin.as_deref()),
            (" AND rule = ", filter.rule.as_deref()),
            (" AND fingerprint = ", filter.fingerprint.as_deref()),
            (" AND path = ", filter.path.as_deref()),
        ] {
            if let Some(wanted) = wanted {
                select.push(column).bind(wanted);
            }
        }
        if let Some(suppressed) = filter.suppressed {
            select.push(" AND suppressed = ").bind(i64::from(suppressed));
        }
        select.push(" ORDER BY ordinal LIMIT ").bind(i64::from(filter.limit) + 1);
        let mut transaction = self.read(reach).await?;
        let rows = select.query().fetch_all(&mut *transaction).await?;
        let mut items = rows.iter().map(|row| finding(&Columns(row))).collect::<Result<Vec<_>, _>>()?;
        let more = items.len() > filter.limit as usize;
        items.truncate(filter.limit as usize);
        Ok(Page { items, more })
    }
}

fn insert(held: &Lease, part: &[FindingRow]) -> Statement {
    let mut insert = Statement::new(
        "INSERT INTO findings (scan_id, ordinal, tenant_id, fingerprint, plugin, rule, severity, path, line, suppressed, \
         body) VALUES ",
    );
    for (at, finding) in part.iter().enumerate() {
        if at > 0 {
            insert.push(", ");
        }
        insert.row([
            Value::from(held.scan.as_str()),
            finding.ordinal.into(),
            held.tenant.as_str().into(),
            finding.fingerprint.as_str().into(),
            finding.plugin.as_str().into(),
            finding.rule.as_str().into(),
            finding.severity.as_str().into(),
            finding.path.clone().into(),
            finding.line.into(),
            i64::from(finding.suppressed).into(),
            json(&finding.body).into(),
        ]);
    }
    insert
}

fn finding(row: &Columns<'_>) -> Result<FindingRow, Error> {
    Ok(FindingRow {
        ordinal: row.number("ordinal")?,
        fingerprint: row.text("fingerprint")?,
        plugin: row.text("plugin")?,
        rule: row.text("rule")?,
        severity: row.parsed("severity")?,
        path: row.maybe_text("path")?,
        line: row.maybe_number("line")?,
        suppressed: row.number("suppressed")? != 0,
        body: row.json("body")?,
    })
}
