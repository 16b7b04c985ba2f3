//! What was looked at for personal data, and what a person has released.

use std::collections::BTreeSet;

use certus_model::{Sha256, TenantId};
use serde_json::json as object;

use crate::audit::{self, NewAudit};
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::sql::{Columns, Statement};

/// A look at stored objects.
#[derive(Clone, Copy, Debug)]
pub struct NewPrivacyScan<'a> {
    /// Its id: a UUID.
    pub id: &'a str,
    /// Where it looked.
    pub place: &'a str,
    /// Below which prefix.
    pub prefix: &'a str,
    /// Whether nothing was moved.
    pub dry_run: bool,
    /// Objects that were looked at.
    pub scanned: i64,
    /// Those that are not clean, of a dry run; else those that were moved.
    pub quarantined: i64,
    /// Whether it failed before everything was moved that is not clean.
    pub failed: bool,
}

/// Content that a person has released from quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// SHA-256 of it.
    pub sha256: Sha256,
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// What was published and looked at, over everything that is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransformCounts {
    /// Scans whose publication was begun.
    pub begun: i64,
    /// Those of them that are published.
    pub uploaded: i64,
    /// Those that are not, and are not tried again by themselves.
    pub failed: i64,
    /// Looks at stored objects.
    pub privacy_scans: i64,
    /// Objects that were put into quarantine.
    pub quarantined: i64,
}

impl Store {
    /// Puts on record that a look at stored objects is about to move some. `quarantined` of it does not count yet.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn announce_privacy_scan(
        &self,
        scan: &NewPrivacyScan<'_>,
        tenant: &TenantId,
        actor: &str,
    ) -> Result<(), Error> {
        let detail = object!({ "prefix": scan.prefix, "scanned": scan.scanned });
        let (tenant, actor, object) = (tenant.clone(), actor.to_owned(), scan.id.to_owned());
        self.audit(NewAudit { tenant, actor, action: "privacy.moving", object, detail }).await
    }

    /// Puts a look at stored objects on record that has ended.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn keep_privacy_scan(
        &self,
        scan: &NewPrivacyScan<'_>,
        tenant: &TenantId,
        actor: &str,
    ) -> Result<(), Error> {
        let mut transaction = self.write(Reach::Tenant(tenant)).await?;
        let mut insert = Statement::new(
            "INSERT INTO privacy_scans (id, tenant_id, actor, at, place, prefix, dry_run, scanned, quarantined) VALUES ",
        );
        insert.row([
            scan.id.into(),
            tenant.as_str().into(),
            actor.into(),
            now().into(),
            scan.place.into(),
            scan.prefix.into(),
            i64::from(scan.dry_run).into(),
            scan.scanned.into(),
            scan.quarantined.into(),
        ]);
        insert.query().execute(&mut *transaction).await?;
        let detail = object!({
            "prefix": scan.prefix, "dry_run": scan.dry_run,
            "scanned": scan.scanned, "quarantined": scan.quarantined, "failed": scan.failed,
        });
        let (tenant, actor, object) = (tenant.clone(), actor.to_owned(), scan.id.to_owned());
        audit::append(&mut transaction, &[NewAudit { tenant, actor, action: "privacy.scanned", object, detail }])
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Releases content, wherever it lies; whether it was not released before.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn release_content(
        &self,
        sha256: Sha256,
        reason: &str,
        tenant: &TenantId,
        actor: &str,
    ) -> Result<bool, Error> {
        let mut transaction = self.write(Reach::All).await?;
        let insert = "INSERT INTO privacy_releases (sha256, reason, actor, at) VALUES ($1, $2, $3, $4) \
                      ON CONFLICT (sha256) DO NOTHING";
        let insert = sqlx::query(insert).bind(sha256.to_string()).bind(reason).bind(actor).bind(now());
        if insert.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let (tenant, actor, object) = (tenant.clone(), actor.to_owned(), sha256.to_string());
        let detail = object!({ "reason": reason });
        audit::append(&mut transaction, &[NewAudit { tenant, actor, action: "privacy.released", object, detail }])
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Everything that was released, the oldest first.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn released_content(&self) -> Result<Vec<Release>, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let rows =
            sqlx::query("SELECT * FROM privacy_releases ORDER BY at, sha256").fetch_all(&mut *transaction).await?;
        let release = |row: Columns<'_>| {
            Ok(Release {
                sha256: row.parsed("sha256")?,
                reason: row.text("reason")?,
                actor: row.text("actor")?,
                at: row.number("at")?,
            })
        };
        rows.iter().map(|row| release(Columns(row))).collect()
    }

    /// The digests of everything that was released.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn released_digests(&self) -> Result<BTreeSet<Sha256>, Error> {
        Ok(self.released_content().await?.into_iter().map(|release| release.sha256).collect())
    }

    /// What was published and looked at, of all tenants.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn transform_counts(&self) -> Result<TransformCounts, Error> {
        let select = "SELECT \
             (SELECT count(DISTINCT scan_id) FROM used_permits) AS begun, \
             (SELECT count(*) FROM scans WHERE upload_status = 'uploaded') AS uploaded, \
             (SELECT count(*) FROM scans WHERE upload_status = 'upload_failed') AS failed, \
             (SELECT count(*) FROM privacy_scans) AS privacy_scans, \
             (SELECT CAST(coalesce(sum(quarantined), 0) AS BIGINT) FROM privacy_scans WHERE dry_run = 0) AS quarantined";
        let mut transaction = self.read(Reach::All).await?;
        let row = sqlx::query(select).fetch_one(&mut *transaction).await?;
        let row = Columns(&row);
        Ok(TransformCounts {
            begun: row.number("begun")?,
            uploaded: row.number("uploaded")?,
            failed: row.number("failed")?,
            privacy_scans: row.number("privacy_scans")?,
            quarantined: row.number("quarantined")?,
        })
    }
}
