//! The keys that users send.

use certus_model::{Role, Scope, Sha256, TenantId};
use serde_json::json as object;

use super::event;
use crate::audit;
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::sql::{Columns, Statement};

/// A key as it is kept: its secret is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The part of it that may be shown.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// Who sends it.
    pub user: String,
    /// For people.
    pub name: String,
    /// What it may be used for.
    pub scope: Scope,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// Until when it opens anything.
    pub expires_at: i64,
    /// Since when it opens nothing.
    pub revoked_at: Option<i64>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<i64>,
}

/// A key to be. Whoever makes it has drawn the secret and shows it once.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The part of it that may be shown.
    pub id: String,
    /// Who sends it.
    pub user: String,
    /// For people.
    pub name: String,
    /// What it may be used for.
    pub scope: Scope,
    /// SHA-256 of the secret.
    pub secret: Sha256,
    /// Until when it opens anything, in milliseconds since 1970.
    pub expires_at: i64,
}

/// Who a key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The key.
    pub key: ApiKey,
    /// SHA-256 of its secret.
    pub secret: Sha256,
    /// The user's name.
    pub user: String,
    /// What the user may do.
    pub role: Role,
    /// Whether the key opens anything: not revoked, not expired, user and tenant not disabled.
    pub valid: bool,
}

/// How old the last use on record may be before it is written anew.
const USE_MS: i64 = 60_000;

impl Store {
    /// Makes a key; none if there is no such user within reach.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn create_key(&self, reach: Reach<'_>, new: &NewKey, actor: &str) -> Result<Option<ApiKey>, Error> {
        let mut insert = Statement::new(
            "INSERT INTO api_keys (id, tenant_id, user_id, name, scope, secret_sha256, created_at, expires_at) SELECT ",
        );
        insert.bind(new.id.as_str()).push(", tenant_id, id, ").bind(new.name.as_str()).push(", ");
        insert.bind(new.scope.as_str()).push(", ").bind(new.secret.to_string()).push(", ");
        insert.bind(now()).push(", ").bind(new.expires_at).push(" FROM users WHERE id = ").bind(new.user.as_str());
        insert.within(reach, " AND tenant_id = ");
        insert.push(" RETURNING *");
        let mut transaction = self.write(reach).await?;
        let Some(row) = insert.query().fetch_optional(&mut *transaction).await? else { return Ok(None) };
        let made = key(&Columns(&row))?;
        let detail = object!({ "name": new.name, "scope": new.scope, "user": new.user, "expires_at": new.expires_at });
        audit::append(&mut transaction, &[event(&made.tenant, actor, "key.created", &made.id, detail)]).await?;
        transaction.commit().await?;
        Ok(Some(made))
    }

    /// Every key within reach, the oldest first.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn keys(&self, reach: Reach<'_>) -> Result<Vec<ApiKey>, Error> {
        let mut select = Statement::new("SELECT * FROM api_keys");
        select.within(reach, " WHERE tenant_id = ");
        select.push(" ORDER BY tenant_id, created_at, id");
        let mut transaction = self.read(reach).await?;
        select.query().fetch_all(&mut *transaction).await?.iter().map(|row| key(&Columns(row))).collect()
    }

    /// Takes a key back, at once and for good; none if there is no such key within reach.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn revoke_key(&self, reach: Reach<'_>, id: &str, actor: &str) -> Result<Option<ApiKey>, Error> {
        let mut update = Statement::new("UPDATE api_keys SET revoked_at = coalesce(revoked_at, ");
        update.bind(now()).push(") WHERE id = ").bind(id);
        update.within(reach, " AND tenant_id = ");
        update.push(" RETURNING *");
        let mut transaction = self.write(reach).await?;
        let Some(row) = update.query().fetch_optional(&mut *transaction).await? else { return Ok(None) };
        let revoked = key(&Columns(&row))?;
        audit::append(&mut transaction, &[event(&revoked.tenant, actor, "key.revoked", id, object!({}))]).await?;
        transaction.commit().await?;
        Ok(Some(revoked))
    }

    /// Who the key of this id stands for, whether it opens anything or not: the caller compares the secret
    /// first, so that a wrong one and an expired one look alike.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn principal(&self, id: &str) -> Result<Option<Principal>, Error> {
        let select = "SELECT k.*, u.name AS user_name, u.role, \
                      CASE WHEN k.revoked_at IS NULL AND k.expires_at > $1 AND u.disabled_at IS NULL \
                      AND t.disabled_at IS NULL THEN 1 ELSE 0 END AS valid \
                      FROM api_keys k JOIN users u ON u.id = k.user_id JOIN tenants t ON t.id = k.tenant_id WHERE k.id = $2";
        let now = now();
        let mut transaction = self.read(Reach::All).await?;
        let row = sqlx::query(select).bind(now).bind(id).fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
        let Some(row) = row else { return Ok(None) };
        let row = Columns(&row);
        let principal = Principal {
            key: key(&row)?,
            secret: row.parsed("secret_sha256")?,
            user: row.text("user_name")?,
            role: row.parsed("role")?,
            valid: row.number("valid")? != 0,
        };
        Ok(Some(principal))
    }

    /// Records that a key was used, to the minute.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn touch_key(&self, key: &ApiKey) -> Result<(), Error> {
        let now = now();
        if key.last_used_at.is_some_and(|last| now - last < USE_MS) {
            return Ok(());
        }
        let mut transaction = self.write(Reach::Tenant(&key.tenant)).await?;
        let update = "UPDATE api_keys SET last_used_at = $1 WHERE id = $2";
        sqlx::query(update).bind(now).bind(&key.id).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }
}

fn key(row: &Columns<'_>) -> Result<ApiKey, Error> {
    Ok(ApiKey {
        id: row.text("id")?,
        tenant: row.parsed("tenant_id")?,
        user: row.text("user_id")?,
        name: row.text("name")?,
        scope: row.parsed("scope")?,
        created_at: row.number("created_at")?,
        expires_at: row.number("expires_at")?,
        revoked_at: row.maybe_number("revoked_at")?,
        last_used_at: row.maybe_number("last_used_at")?,
    })
}
