//! What was published and rests on something that is no longer trusted.

use certus_model::{ScanId, Sha256, TenantId, Tier, UploadStatus};

use crate::database::{Reach, Store};
use crate::error::Error;
use crate::sql::{Columns, Statement};

/// A publication that nobody should rest on any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tainted {
    /// The decision that permitted it.
    pub permit_id: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// Of which scan.
    pub scan: ScanId,
    /// What it was trusted with.
    pub tier: Tier,
    /// SHA-256 of its index.
    pub index_digest: Sha256,
    /// Where it is.
    pub destination: String,
    /// Where its publication is; none where the scan is another host's.
    pub upload_status: Option<UploadStatus>,
    /// `plugin` or `signer`.
    pub kind: String,
    /// Which.
    pub digest: Sha256,
    /// Why that was revoked.
    pub reason: String,
    /// When, in milliseconds since 1970.
    pub revoked_at: i64,
}

impl Store {
    /// Every publication, or every one of a scan, that rests on a plugin or signer that was revoked, the newest first; at
    /// most 10,000. Each comes with what was revoked.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn tainted(&self, reach: Reach<'_>, scan: Option<&ScanId>) -> Result<Vec<Tainted>, Error> {
        let mut select = Statement::new(
            "SELECT p.id, p.tenant_id, p.scan_id, p.tier, p.index_digest, p.destination, p.issued_at, s.upload_status, \
             r.kind, r.digest, r.reason, r.at FROM permits p \
             JOIN permit_inputs i ON i.permit_id = p.id \
             JOIN revocations r ON r.kind = i.kind AND r.digest = i.digest \
             LEFT JOIN scans s ON s.id = p.scan_id WHERE p.permitted = 1",
        );
        if let Some(scan) = scan {
            select.push(" AND p.scan_id = ").bind(scan.as_str());
        }
        select.within(reach, " AND p.tenant_id = ").push(" ORDER BY p.issued_at DESC, p.id LIMIT 10000");
        let mut transaction = self.read(reach).await?;
        let rows = select.query().fetch_all(&mut *transaction).await?;
        let tainted = |row: Columns<'_>| {
            Ok(Tainted {
                permit_id: row.text("id")?,
                tenant: row.parsed("tenant_id")?,
                scan: row.parsed("scan_id")?,
                tier: row.parsed("tier")?,
                index_digest: row.parsed("index_digest")?,
                destination: row.text("destination")?,
                upload_status: row.maybe_parsed("upload_status")?,
                kind: row.text("kind")?,
                digest: row.parsed("digest")?,
                reason: row.text("reason")?,
                revoked_at: row.number("at")?,
            })
        };
        rows.iter().map(|row| tainted(Columns(row))).collect()
    }
}
