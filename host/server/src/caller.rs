//! Who asks, and what they may do. Each handler names in its arguments what it needs.

use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use certus_model::{Role, Scope, Sha256, TenantId};
use certus_store::Reach;

use crate::config::Authentication;
use crate::key::Key;
use crate::origin;
use crate::problem::{Kind, Problem};
use crate::state::Shared;

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    /// The user's id; none where keys are off.
    pub(crate) user: Option<String>,
    /// For the audit chain.
    pub(crate) actor: String,
    pub(crate) role: Role,
    scope: Scope,
}

/// Somebody who may look.
#[derive(Debug)]
pub(crate) struct Reader(pub(crate) Caller);

/// Somebody who may change what is their tenant's.
#[derive(Debug)]
pub(crate) struct Writer(pub(crate) Caller);

/// Somebody who may look at everything.
#[derive(Debug)]
pub(crate) struct AdminReader(pub(crate) Caller);

/// Somebody who may change everything.
#[derive(Debug)]
pub(crate) struct AdminWriter(pub(crate) Caller);

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The WebSocket subprotocol that carries events.
pub(crate) const EVENTS_PROTOCOL: &str = "certus.events";

/// The prefix of the one that carries a key, for browsers, which can set no header there.
const KEY_PROTOCOL: &str = "certus.key.";

impl Caller {
    /// Whose rows they may see.
    pub(crate) fn reach(&self) -> Reach<'_> {
        match self.role {
            Role::Admin => Reach::All,
            Role::Tenant => Reach::Tenant(&self.tenant),
        }
    }

    async fn of(parts: &Parts, state: &Shared) -> Result<Self, Problem> {
        match &state.config.authentication {
            Authentication::Development { tenant } => {
                let is_local = parts.extensions.get::<Peer>().is_some_and(|peer| peer.0.ip().is_loopback());
                if !is_local || !origin::is_local_name(&parts.headers) {
                    let detail = "Keys are off, so only this machine may ask, by the name localhost";
                    return Err(Problem::new(Kind::NotLoopback, detail));
                }
                // Without keys, any page that the user opens could ask.
                origin::check(&parts.headers, &state.config.allowed_origins)?;
                let actor = "development".to_owned();
                Ok(Self { tenant: tenant.clone(), user: None, actor, role: Role::Admin, scope: Scope::Write })
            }
            Authentication::Required => Self::with_key(&parts.headers, state).await,
        }
    }

    /// A key that is missing, malformed, unknown, wrong, expired or revoked: one answer to all of them.
    async fn with_key(headers: &HeaderMap, state: &Shared) -> Result<Self, Problem> {
        let refused = || Problem::new(Kind::Unauthenticated, "Send a valid key as `Authorization: Bearer …`");
        let key: Key = presented(headers).and_then(|text| text.parse().ok()).ok_or_else(refused)?;
        let principal = state.services.store.principal(key.id()).await?;
        // What is compared with, where there is nothing to compare with, is no secret's digest.
        let kept = principal.as_ref().map_or_else(|| Sha256::from_bytes([0; 32]), |principal| principal.secret);
        let opens = key.opens(&kept);
        match principal {
            Some(principal) if opens && principal.valid => {
                state.touch(&principal.key).await;
                Ok(Self {
                    actor: format!("{} ({})", principal.user, principal.key.id),
                    tenant: principal.key.tenant,
                    user: Some(principal.key.user),
                    role: principal.role,
                    scope: principal.key.scope,
                })
            }
            _ => {
                tracing::info!(key = key.id(), "a key was refused");
                Err(refused())
            }
        }
    }

    /// Whether they may see and change what is any tenant's.
    pub(crate) fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    fn may_write(self) -> Result<Self, Problem> {
        match self.scope {
            Scope::Write => Ok(self),
            Scope::Read => Err(Problem::new(Kind::Forbidden, "This needs a key of scope `write`")),
        }
    }

    fn may_administer(self) -> Result<Self, Problem> {
        match self.is_admin() {
            true => Ok(self),
            false => Err(Problem::new(Kind::Forbidden, "This needs the key of an administrator")),
        }
    }
}

/// The key that a request carries; never in its address.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let text = |name| headers.get(name)?.to_str().ok();
    if let Some(authorization) = text(header::AUTHORIZATION) {
        let (scheme, key) = authorization.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then_some(key.trim());
    }
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().ok();
    }
    text(header::SEC_WEBSOCKET_PROTOCOL)?.split(',').find_map(|offered| offered.trim().strip_prefix(KEY_PROTOCOL))
}

macro_rules! extractor {
    ($($name:ident: $($check:ident),*;)+) => {$(
        impl FromRequestParts<Shared> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Problem> {
                Caller::of(parts, state).await$(?.$check())*.map(Self)
            }
        }
    )+};
}

extractor! {
    Reader: ;
    Writer: may_write;
    AdminReader: may_administer;
    AdminWriter: may_administer, may_write;
}
