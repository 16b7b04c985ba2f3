//! Logins for private repositories: sealed, by name, a tenant's own.

use certus_model::{CredentialName, TenantId};
use serde_json::json as object;

use crate::audit::{self, NewAudit};
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::seal::MasterKey;
use crate::sql::{Columns, Statement};

/// A login as it is listed: without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitCredential {
    /// Whose it is.
    pub tenant: TenantId,
    /// What scans call it.
    pub name: CredentialName,
    /// The one host that it is shown to: `name`, or `name:port`.
    pub host: String,
    /// When it was kept, in milliseconds since 1970.
    pub created_at: i64,
}

/// A login to be kept. It cannot be printed.
#[derive(Clone)]
pub struct NewGitCredential {
    /// Whose it is.
    pub tenant: TenantId,
    /// What scans call it.
    pub name: CredentialName,
    /// The one host that it is shown to.
    pub host: String,
    /// The user; none for a token.
    pub user: Option<String>,
    /// The password or token.
    pub secret: String,
}

/// A login that was opened. It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenGitCredential {
    /// The one host that it is shown to.
    pub host: String,
    /// The user; none for a token.
    pub user: Option<String>,
    /// The password or token.
    pub secret: String,
}

/// A login that is moved to another tenant, name or host does not open.
fn purpose(tenant: &TenantId, name: &CredentialName, host: &str) -> String {
    format!("git credential\n{tenant}\n{name}\n{host}")
}

impl Store {
    /// Keeps a login under its name, in place of what was there.
    ///
    /// # Errors
    /// A database that fails, a system without random numbers.
    pub async fn keep_git_credential(
        &self,
        new: &NewGitCredential,
        key: &MasterKey,
        actor: &str,
    ) -> Result<GitCredential, Error> {
        let NewGitCredential { tenant, name, host, user, secret } = new;
        let login = serde_json::to_vec(&(user, secret)).map_err(|_| Error::Sealed)?;
        let sealed = key.seal(&purpose(tenant, name, host), &login)?;
        let mut transaction = self.write(Reach::Tenant(tenant)).await?;
        let created_at = now();
        sqlx::query(
            "INSERT INTO git_credentials (tenant_id, name, host, sealed, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (tenant_id, name) DO UPDATE SET host = $3, sealed = $4, created_at = $5",
        )
        .bind(tenant.as_str())
        .bind(name.as_str())
        .bind(host)
        .bind(sealed)
        .bind(created_at)
        .execute(&mut *transaction)
        .await?;
        let event = event(tenant, name, actor, "git_credential.kept", object!({ "host": host }));
        audit::append(&mut transaction, &[event]).await?;
        transaction.commit().await?;
        Ok(GitCredential { tenant: tenant.clone(), name: name.clone(), host: host.clone(), created_at })
    }

    /// The logins within reach, by name.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn git_credentials(&self, reach: Reach<'_>) -> Result<Vec<GitCredential>, Error> {
        let mut select = Statement::new("SELECT tenant_id, name, host, created_at FROM git_credentials WHERE 1 = 1");
        select.within(reach, " AND tenant_id = ").push(" ORDER BY tenant_id, name");
        let mut transaction = self.read(reach).await?;
        select.query().fetch_all(&mut *transaction).await?.iter().map(|row| credential(&Columns(row))).collect()
    }

    /// One login of a tenant, closed.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn git_credential(
        &self,
        tenant: &TenantId,
        name: &CredentialName,
    ) -> Result<Option<GitCredential>, Error> {
        let mut transaction = self.read(Reach::Tenant(tenant)).await?;
        let select = "SELECT tenant_id, name, host, created_at FROM git_credentials WHERE tenant_id = $1 AND name = $2";
        let query = sqlx::query(select).bind(tenant.as_str()).bind(name.as_str());
        let row = query.fetch_optional(&mut *transaction).await?;
        row.as_ref().map(|row| credential(&Columns(row))).transpose()
    }

    /// One login of a tenant, opened; none if there is none.
    ///
    /// # Errors
    /// A database that fails; [`Error::Sealed`] for another master key.
    pub async fn open_git_credential(
        &self,
        tenant: &TenantId,
        name: &CredentialName,
        key: &MasterKey,
    ) -> Result<Option<OpenGitCredential>, Error> {
        let mut transaction = self.read(Reach::Tenant(tenant)).await?;
        let select = "SELECT host, sealed FROM git_credentials WHERE tenant_id = $1 AND name = $2";
        let query = sqlx::query(select).bind(tenant.as_str()).bind(name.as_str());
        let Some(row) = query.fetch_optional(&mut *transaction).await? else { return Ok(None) };
        let row = Columns(&row);
        let host = row.text("host")?;
        let login = key.open(&purpose(tenant, name, &host), &row.text("sealed")?)?;
        let (user, secret) = serde_json::from_slice(&login).map_err(|_| Error::Malformed { what: "sealed" })?;
        Ok(Some(OpenGitCredential { host, user, secret }))
    }

    /// Forgets a login. Whether there was one.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn drop_git_credential(
        &self,
        tenant: &TenantId,
        name: &CredentialName,
        actor: &str,
    ) -> Result<bool, Error> {
        let mut transaction = self.write(Reach::Tenant(tenant)).await?;
        let delete = "DELETE FROM git_credentials WHERE tenant_id = $1 AND name = $2";
        let done = sqlx::query(delete).bind(tenant.as_str()).bind(name.as_str()).execute(&mut *transaction).await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let event = event(tenant, name, actor, "git_credential.dropped", object!({}));
        audit::append(&mut transaction, &[event]).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

fn event(
    tenant: &TenantId,
    name: &CredentialName,
    actor: &str,
    action: &'static str,
    detail: serde_json::Value,
) -> NewAudit {
    NewAudit { tenant: tenant.clone(), actor: actor.to_owned(), action, object: name.to_string(), detail }
}

fn credential(row: &Columns<'_>) -> Result<GitCredential, Error> {
    Ok(GitCredential {
        tenant: row.parsed("tenant_id")?,
        name: row.parsed("name")?,
        host: row.text("host")?,
        created_at: row.number("created_at")?,
    })
}
