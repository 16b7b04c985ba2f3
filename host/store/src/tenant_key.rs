//! Whose signing key is whose: a key that has signed for one tenant never signs for another.

use certus_model::{Sha256, TenantId};
use serde_json::json as object;

use crate::audit::{self, NewAudit};
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::sql::{Columns, Statement};

/// A key that is one tenant's alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantKey {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its public half, as PEM.
    pub public_key: String,
}

impl Store {
    /// The key that a tenant's bundles are signed with, as a reference; none where that is the host's.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn signing_key(&self, tenant: &TenantId) -> Result<Option<String>, Error> {
        let mut transaction = self.read(Reach::Tenant(tenant)).await?;
        let select = sqlx::query("SELECT signing_key FROM tenants WHERE id = $1").bind(tenant.as_str());
        let row = select.fetch_optional(&mut *transaction).await?;
        Ok(row.map(|row| Columns(&row).maybe_text("signing_key")).transpose()?.flatten())
    }

    /// Makes a key this tenant's alone, for ever; whether it is. It is not where another tenant has it, and where
    /// something was signed or permitted with it for another one, as with the host's own.
    ///
    /// # Errors
    /// A database that fails, a tenant that does not exist.
    pub async fn claim_key(
        &self,
        tenant: &TenantId,
        key: Sha256,
        public_key: &str,
        actor: &str,
    ) -> Result<bool, Error> {
        // Asked before the lock to write is taken: all but the first time it is the tenant's already.
        let mut transaction = self.read(Reach::All).await?;
        let owner = sqlx::query("SELECT tenant_id FROM tenant_keys WHERE key_id = $1").bind(key.to_string());
        let owner = owner.fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
        if let Some(row) = owner {
            return Ok(Columns(&row).text("tenant_id")? == tenant.as_str());
        }
        let mut transaction = self.write(Reach::All).await?;
        let mut insert = Statement::new("INSERT INTO tenant_keys (key_id, tenant_id, public_key, since) SELECT ");
        insert.bind(key.to_string()).push(", id, ").bind(public_key).push(", ").bind(now());
        insert.push(" FROM tenants WHERE id = ").bind(tenant.as_str());
        insert.push(" AND NOT EXISTS (SELECT 1 FROM log_entries WHERE signer = ").bind(key.to_string());
        insert.push(" AND tenant_id <> ").bind(tenant.as_str());
        insert.push(") AND NOT EXISTS (SELECT 1 FROM permits WHERE permitted = 1 AND signer = ").bind(key.to_string());
        insert.push(" AND tenant_id <> ").bind(tenant.as_str()).push(") ON CONFLICT DO NOTHING");
        if insert.query().execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let claimed = NewAudit {
            tenant: tenant.clone(),
            actor: actor.to_owned(),
            action: "tenant.key-claimed",
            object: tenant.to_string(),
            detail: object!({ "key": key }),
        };
        audit::append(&mut transaction, &[claimed]).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Every key that is one tenant's alone.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn tenant_keys(&self) -> Result<Vec<TenantKey>, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let rows = sqlx::query("SELECT tenant_id, public_key FROM tenant_keys ORDER BY since, key_id");
        let rows = rows.fetch_all(&mut *transaction).await?;
        let key =
            |row: Columns<'_>| Ok(TenantKey { tenant: row.parsed("tenant_id")?, public_key: row.text("public_key")? });
        rows.iter().map(|row| key(Columns(row))).collect()
    }
}
