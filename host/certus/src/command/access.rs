//! `certus tenant`, `certus user` and `certus api-key`: what makes the first administrator, who has the API for
//! the rest.

use std::time::Duration;

use anyhow::{Context as _, bail};
use certus_model::TenantId;
use certus_server::{KeyRequest, NO_KEY, new_key};
use certus_signing::TenantKeyRef;
use certus_store::{NewUser, Reach, Store, TenantChange};

use crate::arguments::{ApiKey, Tenant, User};
use crate::command::keys::public_key;
use crate::command::print;
use crate::command::service::on_store;
use crate::exit::Exit;
use crate::settings::Settings;

/// Who did it, for the audit chain.
pub(crate) const ACTOR: &str = "operator";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn tenant(settings: &Settings, command: &Tenant) -> anyhow::Result<Exit> {
    on_store(settings, async |store| {
        match command {
            Tenant::Create { id, name } => {
                let id = id.parse()?;
                let name = name.as_deref().unwrap_or(certus_model::TenantId::as_str(&id));
                if !store.create_tenant(&id, name, ACTOR).await? {
                    bail!("there is a tenant `{id}` already; choose another id");
                }
                print(&format!("{id}\n"))?;
            }
            Tenant::List => {
                for tenant in store.tenants(Reach::All).await? {
                    let state = if tenant.disabled_at.is_some() { "disabled" } else { "enabled" };
                    print(&format!(
                        "{:<20} weight {:<5} on-error {:<7} {state:<9} key {:<12} {}\n",
                        tenant.id.to_string(),
                        tenant.weight,
                        tenant.on_error,
                        tenant.signing_key.as_deref().unwrap_or("the host's"),
                        tenant.name
                    ))?;
                }
            }
            Tenant::Set { id, weight, on_error, disabled, signing_key } => {
                let unknown = || format!("there is no tenant `{id}`; `certus tenant list` shows them");
                let tenant: TenantId = id.parse()?;
                store.tenants(Reach::Tenant(&tenant)).await?.pop().with_context(unknown)?;
                let signing_key = match signing_key.as_deref() {
                    None => None,
                    Some(NO_KEY) => Some(None),
                    Some(text) => Some(Some(claimed(settings, store, &tenant, text).await?)),
                };
                let change = TenantChange { weight: *weight, on_error: *on_error, disabled: *disabled, signing_key };
                store.change_tenant(&tenant, &change, ACTOR).await?.with_context(unknown)?;
            }
        }
        Ok(Exit::Pass)
    })
}

/// A key that is this tenant's from now on, as it is written.
async fn claimed(settings: &Settings, store: &Store, tenant: &TenantId, text: &str) -> anyhow::Result<String> {
    let reference: TenantKeyRef = text.parse()?;
    let key = public_key(settings, reference.reference())?;
    let host = settings.key.as_deref().map(|host| public_key(settings, &host.parse()?)).transpose()?;
    let own = host.as_ref() != Some(&key) && store.claim_key(tenant, key.key_id(), &key.to_pem(), ACTOR).await?;
    if !own {
        bail!("the key `{reference}` is the host's or another tenant's; make one with `certus keys generate NAME`");
    }
    Ok(reference.to_string())
}

pub(crate) fn user(settings: &Settings, command: &User) -> anyhow::Result<Exit> {
    on_store(settings, async |store| {
        let unknown = |id: &str| format!("there is no user `{id}`; `certus user list` shows them");
        match command {
            User::Create { tenant, name, role } => {
                let new = NewUser { tenant: tenant.parse()?, name: name.clone(), role: *role };
                let made = store.create_user(&new, ACTOR).await?;
                let made = made.with_context(|| {
                    format!("there is no tenant `{tenant}`, or it has a user `{name}` already; `certus user list` shows them")
                })?;
                print(&format!("{}\n", made.id))?;
            }
            User::List => {
                for user in store.users(Reach::All).await? {
                    let state = if user.disabled_at.is_some() { "disabled" } else { "enabled" };
                    print(&format!(
                        "{:<37} {:<20} {:<7} {state:<9} {}\n",
                        user.id,
                        user.tenant.to_string(),
                        user.role,
                        user.name
                    ))?;
                }
            }
            User::Disable { id } => {
                store.disable_user(Reach::All, id, true, ACTOR).await?.with_context(|| unknown(id))?;
            }
            User::Enable { id } => {
                store.disable_user(Reach::All, id, false, ACTOR).await?.with_context(|| unknown(id))?;
            }
        }
        Ok(Exit::Pass)
    })
}

pub(crate) fn api_key(settings: &Settings, command: &ApiKey) -> anyhow::Result<Exit> {
    on_store(settings, async |store| {
        match command {
            ApiKey::Create { user, name, scope, days } => {
                let lifetime = DAY * *days;
                let (key, new) =
                    new_key(KeyRequest { user: user.clone(), name: name.clone(), scope: *scope, lifetime })?;
                let made = store.create_key(Reach::All, &new, ACTOR).await?;
                made.with_context(|| format!("there is no user `{user}`; `certus user list` shows them"))?;
                print(&format!("{}\n", key.reveal()))?;
            }
            ApiKey::List => {
                for key in store.keys(Reach::All).await? {
                    let state = if key.revoked_at.is_some() { "revoked" } else { "valid" };
                    print(&format!(
                        "{:<14} {:<20} {:<6} {state:<8} {}\n",
                        key.id,
                        key.tenant.to_string(),
                        key.scope,
                        key.name
                    ))?;
                }
            }
            ApiKey::Revoke { id } => {
                let revoked = store.revoke_key(Reach::All, id, ACTOR).await?;
                revoked.with_context(|| format!("there is no key `{id}`; `certus api-key list` shows them"))?;
            }
        }
        Ok(Exit::Pass)
    })
}
