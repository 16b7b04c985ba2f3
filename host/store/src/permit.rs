//! What Trust has decided, and what is no longer trusted.

use certus_model::{ScanId, Sha256, TenantId, Tier};
use serde_json::{Value as Json, json as object};

use crate::audit::{self, NewAudit};
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::sql::{Columns, Statement};

/// A decision of Trust. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// Its id: a UUID, that of the permit where there is one.
    pub id: String,
    /// Whose scan it is about.
    pub tenant: TenantId,
    /// Which scan.
    pub scan: ScanId,
    /// What it was to be trusted with.
    pub tier: Tier,
    /// Whether it may be published.
    pub permitted: bool,
    /// Why not: a reason of a closed set.
    pub reason: Option<String>,
    /// The same in one sentence for people.
    pub detail: Option<String>,
    /// What the decision rests on.
    pub evidence: Json,
    /// SHA-256 of the bundle's index.
    pub index_digest: Sha256,
    /// Where it may be published.
    pub destination: String,
    /// The key that signed the scan, where its signature is good.
    pub signer: Option<Sha256>,
    /// All that was answered.
    pub answer: Json,
    /// When.
    pub issued_at: i64,
    /// When the permit runs out.
    pub expires_at: Option<i64>,
}

/// What can be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocable {
    /// A plugin, by the digest of its component.
    Plugin,
    /// A key that signs scans, by its id.
    Signer,
}

/// Something that is no longer trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// `plugin` or `signer`.
    pub kind: Revocable,
    /// Which.
    pub digest: Sha256,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub actor: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

impl Revocable {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Signer => "signer",
        }
    }
}

impl std::str::FromStr for Revocable {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "plugin" => Ok(Self::Plugin),
            "signer" => Ok(Self::Signer),
            _ => Err(Error::Malformed { what: "kind" }),
        }
    }
}

impl Store {
    /// Puts a decision on record, with the components of `plugins`, which it rests on like its signer.
    ///
    /// # Errors
    /// A database that fails; then nobody may be told of the decision.
    pub async fn keep_decision(&self, decided: &Decided, plugins: &[Sha256], actor: &str) -> Result<(), Error> {
        let mut transaction = self.write(Reach::Tenant(&decided.tenant)).await?;
        let mut insert = Statement::new(
            "INSERT INTO permits (id, tenant_id, scan_id, tier, permitted, reason, detail, evidence, index_digest, \
             destination, signer, answer, issued_at, expires_at) VALUES ",
        );
        insert.row([
            decided.id.as_str().into(),
            decided.tenant.as_str().into(),
            decided.scan.as_str().into(),
            decided.tier.as_str().into(),
            i64::from(decided.permitted).into(),
            decided.reason.clone().into(),
            decided.detail.clone().into(),
            decided.evidence.to_string().into(),
            decided.index_digest.to_string().into(),
            decided.destination.as_str().into(),
            decided.signer.map(|signer| signer.to_string()).into(),
            decided.answer.to_string().into(),
            decided.issued_at.into(),
            decided.expires_at.into(),
        ]);
        insert.query().execute(&mut *transaction).await?;
        let plugins = plugins.iter().map(|digest| (Revocable::Plugin, *digest));
        let signer = decided.signer.map(|digest| (Revocable::Signer, digest));
        for (kind, digest) in plugins.chain(signer) {
            let insert = "INSERT INTO permit_inputs (permit_id, tenant_id, kind, digest) VALUES ($1, $2, $3, $4) \
                          ON CONFLICT (permit_id, kind, digest) DO NOTHING";
            sqlx::query(insert)
                .bind(&decided.id)
                .bind(decided.tenant.as_str())
                .bind(kind.as_str())
                .bind(digest.to_string())
                .execute(&mut *transaction)
                .await?;
        }
        let action = if decided.permitted { "trust.permitted" } else { "trust.denied" };
        let detail = object!({
            "scan_id": decided.scan, "tier": decided.tier, "reason": decided.reason,
            "index_digest": decided.index_digest, "destination": decided.destination,
        });
        let event = NewAudit {
            tenant: decided.tenant.clone(),
            actor: actor.to_owned(),
            action,
            object: decided.id.clone(),
            detail,
        };
        audit::append(&mut transaction, &[event]).await?;
        Ok(transaction.commit().await?)
    }

    /// The decisions about a scan, the newest first.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn decisions(&self, reach: Reach<'_>, scan: &ScanId) -> Result<Vec<Decided>, Error> {
        let mut select = Statement::new("SELECT * FROM permits WHERE scan_id = ");
        select.bind(scan.as_str());
        // Anybody may ask about any id; what counts of a scan that is on record is what its tenant asked.
        select.push(" AND coalesce((SELECT tenant_id FROM scans WHERE id = permits.scan_id), tenant_id) = tenant_id");
        select.within(reach, " AND tenant_id = ").push(" ORDER BY issued_at DESC, id DESC LIMIT 100");
        let mut transaction = self.read(reach).await?;
        let rows = select.query().fetch_all(&mut *transaction).await?;
        rows.iter().map(|row| decided(&Columns(row))).collect()
    }

    /// Whose scan it is, as far as that is known: of a scan that is on record its tenant; else whoever was first
    /// permitted to publish that scan or that index.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn owner_of(&self, scan: &ScanId, index: &Sha256) -> Result<Option<TenantId>, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let select = "SELECT tenant_id, 0 AS at FROM scans WHERE id = $1 UNION ALL \
                      SELECT tenant_id, issued_at AS at FROM permits \
                      WHERE permitted = 1 AND (scan_id = $1 OR index_digest = $2) ORDER BY at LIMIT 1";
        let row = sqlx::query(select).bind(scan.as_str()).bind(index.to_string());
        let row = row.fetch_optional(&mut *transaction).await?;
        row.map(|row| Columns(&row).parsed("tenant_id")).transpose()
    }

    /// How many decisions there are: all, and those that permit.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn decision_counts(&self, reach: Reach<'_>) -> Result<(i64, i64), Error> {
        let mut select = Statement::new(
            "SELECT count(*) AS n, CAST(coalesce(sum(permitted), 0) AS BIGINT) AS permitted FROM permits WHERE 1 = 1",
        );
        select.within(reach, " AND tenant_id = ");
        let mut transaction = self.read(reach).await?;
        let row = select.query().fetch_one(&mut *transaction).await?;
        Ok((Columns(&row).number("n")?, Columns(&row).number("permitted")?))
    }

    /// Revokes a plugin or a signer; whether it was not revoked before.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn revoke(
        &self,
        kind: Revocable,
        digest: Sha256,
        reason: &str,
        tenant: &TenantId,
        actor: &str,
    ) -> Result<bool, Error> {
        let mut transaction = self.write(Reach::All).await?;
        let insert = "INSERT INTO revocations (kind, digest, reason, actor, at) VALUES ($1, $2, $3, $4, $5) \
                      ON CONFLICT (kind, digest) DO NOTHING";
        let done = sqlx::query(insert)
            .bind(kind.as_str())
            .bind(digest.to_string())
            .bind(reason)
            .bind(actor)
            .bind(now())
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let detail = object!({ "kind": kind.as_str(), "reason": reason });
        let (actor, action) = (actor.to_owned(), "trust.revoked");
        let event = NewAudit { tenant: tenant.clone(), actor, action, object: digest.to_string(), detail };
        audit::append(&mut transaction, &[event]).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Everything that is revoked, the oldest first.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn revocations(&self) -> Result<Vec<Revocation>, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let rows =
            sqlx::query("SELECT * FROM revocations ORDER BY at, kind, digest").fetch_all(&mut *transaction).await?;
        let one = |row: Columns<'_>| {
            Ok(Revocation {
                kind: row.parsed("kind")?,
                digest: row.parsed("digest")?,
                reason: row.text("reason")?,
                actor: row.text("actor")?,
                at: row.number("at")?,
            })
        };
        rows.iter().map(|row| one(Columns(row))).collect()
    }
}

fn decided(row: &Columns<'_>) -> Result<Decided, Error> {
    Ok(Decided {
        id: row.text("id")?,
        tenant: row.parsed("tenant_id")?,
        scan: row.parsed("scan_id")?,
        tier: row.parsed("tier")?,
        permitted: row.number("permitted")? != 0,
        reason: row.maybe_text("reason")?,
        detail: row.maybe_text("detail")?,
        evidence: row.json("evidence")?,
        index_digest: row.parsed("index_digest")?,
        destination: row.text("destination")?,
        signer: row.maybe_parsed("signer")?,
        answer: row.json("answer")?,
        issued_at: row.number("issued_at")?,
        expires_at: row.maybe_number("expires_at")?,
    })
}
