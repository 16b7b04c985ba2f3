//! Tenants.

use certus_model::{OnError, TenantId};
use serde_json::json as object;

use super::event;
use crate::audit;
use crate::database::{Reach, Store, now};
use crate::error::Error;
use crate::sql::{Columns, Statement};

/// Whose scans they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// For people.
    pub name: String,
    /// Its share of the workers beside other tenants, from 1 to 1,000.
    pub weight: i64,
    /// What a decision `error` means to it.
    pub on_error: OnError,
    /// The key that its bundles are signed with, as a reference; none where that is the host's.
    pub signing_key: Option<String>,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// Since when nothing is accepted from it.
    pub disabled_at: Option<i64>,
}

/// What may be changed of a tenant; none leaves it.
#[derive(Clone, Debug, Default)]
pub struct TenantChange {
    /// Its share of the workers.
    pub weight: Option<i64>,
    /// What a decision `error` means to it.
    pub on_error: Option<OnError>,
    /// Whether nothing is accepted from it.
    pub disabled: Option<bool>,
    /// The key that its bundles are signed with; the inner none takes it away.
    pub signing_key: Option<Option<String>>,
}

impl Store {
    /// Makes a tenant; false if there is one of that id.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn create_tenant(&self, id: &TenantId, name: &str, actor: &str) -> Result<bool, Error> {
        let mut transaction = self.write(Reach::All).await?;
        let insert = "INSERT INTO tenants (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let done = sqlx::query(insert).bind(id.as_str()).bind(name).bind(now()).execute(&mut *transaction).await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut transaction, &[event(id, actor, "tenant.created", id.as_str(), object!({ "name": name }))])
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Every tenant within reach, by id.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn tenants(&self, reach: Reach<'_>) -> Result<Vec<Tenant>, Error> {
        let mut select = Statement::new("SELECT * FROM tenants");
        select.within(reach, " WHERE id = ");
        select.push(" ORDER BY id");
        let mut transaction = self.read(reach).await?;
        select.query().fetch_all(&mut *transaction).await?.iter().map(|row| tenant(&Columns(row))).collect()
    }

    /// Changes a tenant; none if there is none.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn change_tenant(
        &self,
        id: &TenantId,
        change: &TenantChange,
        actor: &str,
    ) -> Result<Option<Tenant>, Error> {
        let mut update = Statement::new("UPDATE tenants SET id = id");
        if let Some(weight) = change.weight {
            update.push(", weight = ").bind(weight);
        }
        if let Some(on_error) = change.on_error {
            update.push(", on_error = ").bind(on_error.as_str());
        }
        if let Some(disabled) = change.disabled {
            update.push(", disabled_at = ").bind(disabled.then(now));
        }
        if let Some(key) = &change.signing_key {
            update.push(", signing_key = ").bind(key.clone());
        }
        update.push(" WHERE id = ").bind(id.as_str()).push(" RETURNING *");
        let mut transaction = self.write(Reach::All).await?;
        let Some(row) = update.query().fetch_optional(&mut *transaction).await? else { return Ok(None) };
        let changed = tenant(&Columns(&row))?;
        let mut detail = object!({ "weight": change.weight, "on_error": change.on_error, "disabled": change.disabled });
        if let Some(key) = &change.signing_key {
            detail["signing_key"] = object!(key);
        }
        audit::append(&mut transaction, &[event(id, actor, "tenant.changed", id.as_str(), detail)]).await?;
        transaction.commit().await?;
        Ok(Some(changed))
    }
}

fn tenant(row: &Columns<'_>) -> Result<Tenant, Error> {
    Ok(Tenant {
        id: row.parsed("id")?,
        name: row.text("name")?,
        weight: row.number("weight")?,
        on_error: row.parsed("on_error")?,
        signing_key: row.maybe_text("signing_key")?,
        created_at: row.number("created_at")?,
        disabled_at: row.maybe_number("disabled_at")?,
    })
}
