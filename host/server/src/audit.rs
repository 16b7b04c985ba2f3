//! What happened, as the audit chain has it.

use axum::Json;
use axum::extract::State;
use certus_model::{Role, TenantId};
use certus_store::{AuditEvent, AuditFilter, Reach};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::caller::Reader;
use crate::openapi::ListAnswers;
use crate::problem::{Kind, Problem};
use crate::query::{Filter, Seq, Text, moment};
use crate::scans::in_range;
use crate::state::Shared;
use crate::time::rfc3339;

/// A page of the audit chain, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditPage {
    items: Vec<AuditBody>,
    /// Send it as `after` for the next page; `null` on the last one.
    #[schema(required = true)]
    next_after: Option<i64>,
}

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditBody {
    /// Its place in the chain.
    seq: i64,
    #[schema(format = DateTime)]
    at: String,
    tenant_id: String,
    /// A user with the id of the key, or `host`.
    actor: String,
    #[schema(example = "scan.submitted")]
    action: String,
    /// An id.
    #[schema(example = "test_0123456789ab")]
    object: String,
    #[schema(value_type = Object)]
    detail: Value,
    /// The digest of the row before.
    previous: String,
    digest: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// For administrators: only of this tenant.
    #[param(value_type = Option<String>, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
    tenant_id: Option<TenantId>,
    #[param(value_type = Option<String>, min_length = 1, max_length = 1024, example = "scan.submitted")]
    action: Option<Text>,
    #[param(value_type = Option<String>, min_length = 1, max_length = 1024)]
    object: Option<Text>,
    /// Only what this one did, as `actor` names them.
    #[param(value_type = Option<String>, min_length = 1, max_length = 1024)]
    actor: Option<Text>,
    /// Only what happened at this time or later.
    #[param(format = DateTime, example = "2026-01-01T00:00:00Z")]
    since: Option<String>,
    /// Only what happened at this time or before.
    #[param(format = DateTime, example = "2027-01-01T00:00:00Z")]
    until: Option<String>,
    /// Only after this `seq`.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9_223_372_036_854_775_807i64)]
    after: Option<Seq>,
    /// At most this many.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
}

const LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 500;

/// What happened: to one's own tenant, or, for administrators, to all.
#[utoipa::path(get, path = "/v1/audit-events", tag = "access", operation_id = "listAuditEvents", params(AuditQuery),
    responses((status = 200, description = "A page", body = AuditPage), ListAnswers))]
pub(crate) async fn list(
    State(state): State<Shared>,
    Reader(caller): Reader,
    Filter(query): Filter<AuditQuery>,
) -> Result<Json<AuditPage>, Problem> {
    let limit = in_range("limit", query.limit, LIMIT, 1, MAX_LIMIT)?;
    let reach = match (&query.tenant_id, caller.role) {
        (Some(tenant), Role::Admin) => Reach::Tenant(tenant),
        (Some(tenant), Role::Tenant) if *tenant != caller.tenant => {
            return Err(Problem::new(Kind::Forbidden, "This needs the key of an administrator"));
        }
        _ => caller.reach(),
    };
    let after = query.after.unwrap_or_default().0;
    let filter = AuditFilter {
        action: query.action.map(String::from),
        object: query.object.map(String::from),
        actor: query.actor.map(String::from),
        since: moment("since", query.since.as_deref())?,
        until: moment("until", query.until.as_deref())?,
        after,
        limit: limit + 1,
    };
    let mut events = state.services.store.audit_events(reach, &filter).await?;
    let more = events.len() > limit as usize;
    events.truncate(limit as usize);
    let next_after = events.last().filter(|_| more).map(|event| event.seq);
    Ok(Json(AuditPage { items: events.into_iter().map(body).collect(), next_after }))
}

fn body(event: AuditEvent) -> AuditBody {
    AuditBody {
        seq: event.seq,
        at: rfc3339(event.at),
        tenant_id: event.tenant.to_string(),
        actor: event.actor,
        action: event.action,
        object: event.object,
        detail: event.detail,
        previous: event.previous.to_string(),
        digest: event.digest.to_string(),
    }
}
