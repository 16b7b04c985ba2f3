//! Users of a tenant.

use certus_model::{Role, TenantId};
use serde_json::json as object;

use super::event;
use crate::audit;
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::sql::{Columns, Statement};

/// Somebody who has keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: String,
    /// Whose they are.
    pub tenant: TenantId,
    /// For people, and unique within the tenant.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// When they were made, in milliseconds since 1970.
    pub created_at: i64,
    /// Since when their keys open nothing.
    pub disabled_at: Option<i64>,
}

/// A user to be.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Whose they are.
    pub tenant: TenantId,
    /// For people, and unique within the tenant.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

impl Store {
    /// Makes a user; none if the tenant has one of that name, or does not exist.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn create_user(&self, new: &NewUser, actor: &str) -> Result<Option<User>, Error> {
        let id = format!("usr_{}", uuid::Uuid::now_v7().simple());
        let mut transaction = self.write(Reach::All).await?;
        let insert = "INSERT INTO users (id, tenant_id, name, role, created_at) \
                      SELECT $1, id, $2, $3, $4 FROM tenants WHERE id = $5 ON CONFLICT DO NOTHING RETURNING *";
        let row = sqlx::query(insert)
            .bind(&id)
            .bind(&new.name)
            .bind(new.role.as_str())
            .bind(now())
            .bind(new.tenant.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let made = user(&Columns(&row))?;
        let detail = object!({ "name": new.name, "role": new.role });
        audit::append(&mut transaction, &[event(&new.tenant, actor, "user.created", &id, detail)]).await?;
        transaction.commit().await?;
        Ok(Some(made))
    }

    /// Every user within reach, by tenant and name.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn users(&self, reach: Reach<'_>) -> Result<Vec<User>, Error> {
        let mut select = Statement::new("SELECT * FROM users");
        select.within(reach, " WHERE tenant_id = ");
        select.push(" ORDER BY tenant_id, name");
        let mut transaction = self.read(reach).await?;
        select.query().fetch_all(&mut *transaction).await?.iter().map(|row| user(&Columns(row))).collect()
    }

    /// Lets a user's keys open nothing, or something again; none if there is no such user within reach.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn disable_user(
        &self,
        reach: Reach<'_>,
        id: &str,
        disabled: bool,
        actor: &str,
    ) -> Result<Option<User>, Error> {
        let mut update = Statement::new("UPDATE users SET disabled_at = ");
        update.bind(disabled.then(now)).push(" WHERE id = ").bind(id);
        update.within(reach, " AND tenant_id = ");
        update.push(" RETURNING *");
        let mut transaction = self.write(reach).await?;
        let Some(row) = update.query().fetch_optional(&mut *transaction).await? else { return Ok(None) };
        let changed = user(&Columns(&row))?;
        let detail = object!({ "disabled": disabled });
        audit::append(&mut transaction, &[event(&changed.tenant, actor, "user.changed", id, detail)]).await?;
        transaction.commit().await?;
        Ok(Some(changed))
    }
}

fn user(row: &Columns<'_>) -> Result<User, Error> {
    Ok(User {
        id: row.text("id")?,
        tenant: row.parsed("tenant_id")?,
        name: row.text("name")?,
        role: row.parsed("role")?,
        created_at: row.number("created_at")?,
        disabled_at: row.maybe_number("disabled_at")?,
    })
}
