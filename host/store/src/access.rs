//! Tenants, their users, and the keys that users send.

mod api_key;
mod tenant;
mod user;

use certus_model::TenantId;

pub use self::api_key::{ApiKey, NewKey, Principal};
pub use self::tenant::{Tenant, TenantChange};
pub use self::user::{NewUser, User};
use crate::audit::NewAudit;

fn event(tenant: &TenantId, actor: &str, action: &'static str, object: &str, detail: serde_json::Value) -> NewAudit {
    NewAudit { tenant: tenant.clone(), actor: actor.to_owned(), action, object: object.to_owned(), detail }
}
