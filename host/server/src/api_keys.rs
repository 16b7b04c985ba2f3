//! API keys: administrators have all of them in hand, everybody else those of their own tenant.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use certus_model::{Role, Scope};
use certus_store::{ApiKey, Reach};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::body::Json;
use crate::caller::{AdminReader, AdminWriter, Caller, Reader, Writer};
use crate::fields::Fields;
use crate::key::{KeyRequest, new_key};
use crate::openapi::{BodyAnswers, ListAnswers, ObjectAnswers};
use crate::problem::{FieldError, Kind, Problem};
use crate::query::IdPath;
use crate::state::Shared;
use crate::time::rfc3339;

/// A key; its secret is not kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct KeyBody {
    #[schema(example = "0123456789ab")]
    id: String,
    tenant_id: String,
    user_id: String,
    name: String,
    /// `read` or `write`.
    #[schema(example = "write")]
    scope: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    #[schema(required = true, format = DateTime)]
    revoked_at: Option<String>,
    /// To the minute.
    #[schema(required = true, format = DateTime)]
    last_used_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyList {
    items: Vec<KeyBody>,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKeyBody {
    #[serde(flatten)]
    key: KeyBody,
    /// What to send. It is shown this once.
    #[schema(example = "certus_0123456789ab_…")]
    api_key: String,
}

/// A key to be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "ci", "scope": "read"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnKeyRequest {
    /// For people.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    #[schema(default = "write")]
    scope: Option<ScopeWord>,
    #[schema(default = 90, minimum = 1, maximum = 3650)]
    expires_in_days: Option<u64>,
}

/// A key to be, of any user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnyKeyRequest {
    /// Who sends it.
    #[schema(min_length = 1, max_length = 64)]
    user_id: String,
    /// For people.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    #[schema(default = "write")]
    scope: Option<ScopeWord>,
    #[schema(default = 90, minimum = 1, maximum = 3650)]
    expires_in_days: Option<u64>,
}

/// What a key may be used for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it describes the words; they are read as text")]
pub(crate) enum ScopeWord {
    Read,
    Write,
}

const DAYS: u64 = 90;
const DAY: u64 = 24 * 60 * 60;

/// The keys of one's own tenant.
#[utoipa::path(get, path = "/v1/api-keys", tag = "access", operation_id = "listOwnKeys",
    responses((status = 200, description = "The keys, without their secrets", body = KeyList), ListAnswers))]
pub(crate) async fn list_own(State(state): State<Shared>, Reader(caller): Reader) -> Result<Answer<KeyList>, Problem> {
    list(&state, Reach::Tenant(&caller.tenant)).await
}

/// Make a key for oneself.
#[utoipa::path(post, path = "/v1/api-keys", tag = "access", operation_id = "createOwnKey", request_body = OwnKeyRequest,
    responses((status = 201, description = "The key, with its secret this once", body = NewKeyBody), BodyAnswers))]
pub(crate) async fn create_own(
    State(state): State<Shared>,
    Writer(caller): Writer,
    Json(body): Json,
) -> Result<(StatusCode, Answer<NewKeyBody>), Problem> {
    // For nobody else, so that no tenant makes itself a key of an administrator.
    let Some(user) = caller.user.clone() else {
        let detail = "Without keys nobody is anybody's user; make keys with `/v1/admin/api-keys`";
        return Err(Problem::new(Kind::Forbidden, detail));
    };
    let request = read(body, Some(user)).map_err(Problem::invalid)?;
    create(&state, Reach::Tenant(&caller.tenant), &caller, request).await
}

/// Take a key of one's own tenant back, at once and for good.
#[utoipa::path(delete, path = "/v1/api-keys/{id}", tag = "access", operation_id = "revokeOwnKey",
    params(("id" = String, Path, description = "The key's id", example = "0123456789ab")),
    responses((status = 200, description = "It opens nothing any more", body = KeyBody), ObjectAnswers))]
pub(crate) async fn revoke_own(
    State(state): State<Shared>,
    Writer(caller): Writer,
    IdPath(id): IdPath,
) -> Result<Answer<KeyBody>, Problem> {
    let reach = Reach::Tenant(&caller.tenant);
    if caller.role != Role::Admin {
        let store = &state.services.store;
        let key = store.keys(reach).await?.into_iter().find(|key| key.id == id).ok_or_else(not_found)?;
        let owner = store.users(reach).await?.into_iter().find(|user| user.id == key.user);
        if owner.is_none_or(|owner| owner.role == Role::Admin) {
            return Err(Problem::new(Kind::Forbidden, "An administrator's key is revoked by administrators"));
        }
    }
    revoke(&state, reach, &id, &caller).await
}

/// Every key.
#[utoipa::path(get, path = "/v1/admin/api-keys", tag = "access", operation_id = "listKeys",
    responses((status = 200, description = "The keys, without their secrets", body = KeyList), ListAnswers))]
pub(crate) async fn list_all(
    State(state): State<Shared>,
    AdminReader(caller): AdminReader,
) -> Result<Answer<KeyList>, Problem> {
    list(&state, caller.reach()).await
}

/// Make a key for a user.
#[utoipa::path(post, path = "/v1/admin/api-keys", tag = "access", operation_id = "createKey",
    request_body = AnyKeyRequest,
    responses((status = 201, description = "The key, with its secret this once", body = NewKeyBody), BodyAnswers))]
pub(crate) async fn create_any(
    State(state): State<Shared>,
    AdminWriter(caller): AdminWriter,
    Json(body): Json,
) -> Result<(StatusCode, Answer<NewKeyBody>), Problem> {
    let request = read(body, None).map_err(Problem::invalid)?;
    create(&state, caller.reach(), &caller, request).await
}

/// Take a key back, at once and for good.
#[utoipa::path(delete, path = "/v1/admin/api-keys/{id}", tag = "access", operation_id = "revokeKey",
    params(("id" = String, Path, description = "The key's id", example = "0123456789ab")),
    responses((status = 200, description = "It opens nothing any more", body = KeyBody), ObjectAnswers))]
pub(crate) async fn revoke_any(
    State(state): State<Shared>,
    AdminWriter(caller): AdminWriter,
    IdPath(id): IdPath,
) -> Result<Answer<KeyBody>, Problem> {
    revoke(&state, caller.reach(), &id, &caller).await
}

fn read(body: Value, user: Option<String>) -> Result<KeyRequest, Vec<FieldError>> {
    let mut fields = Fields::of(body)?;
    let user = user.or_else(|| fields.required_text("user_id", 64));
    let name = fields.required_text("name", 255);
    let scope = fields.parsed("scope").unwrap_or(Scope::Write);
    let days = fields.number("expires_in_days", 1..=3650).unwrap_or(DAYS);
    let lifetime = Duration::from_secs(days * DAY);
    fields.finish(user.zip(name).map(|(user, name)| KeyRequest { user, name, scope, lifetime }))
}

async fn list(state: &Shared, reach: Reach<'_>) -> Result<Answer<KeyList>, Problem> {
    let keys = state.services.store.keys(reach).await?;
    Ok(Answer(KeyList { items: keys.into_iter().map(body_of).collect() }))
}

async fn create(
    state: &Shared,
    reach: Reach<'_>,
    caller: &Caller,
    request: KeyRequest,
) -> Result<(StatusCode, Answer<NewKeyBody>), Problem> {
    let (key, new) = new_key(request)?;
    let Some(kept) = state.services.store.create_key(reach, &new, &caller.actor).await? else {
        let detail = "names no user".to_owned();
        return Err(Problem::invalid(vec![FieldError { field: "user_id".to_owned(), detail }]));
    };
    Ok((StatusCode::CREATED, Answer(NewKeyBody { key: body_of(kept), api_key: key.reveal() })))
}

async fn revoke(state: &Shared, reach: Reach<'_>, id: &str, caller: &Caller) -> Result<Answer<KeyBody>, Problem> {
    let revoked = state.services.store.revoke_key(reach, id, &caller.actor).await?;
    revoked.map(|key| Answer(body_of(key))).ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::new(Kind::NotFound, "There is no such key")
}

fn body_of(key: ApiKey) -> KeyBody {
    KeyBody {
        id: key.id,
        tenant_id: key.tenant.to_string(),
        user_id: key.user,
        name: key.name,
        scope: key.scope.as_str(),
        created_at: rfc3339(key.created_at),
        expires_at: rfc3339(key.expires_at),
        revoked_at: key.revoked_at.map(rfc3339),
        last_used_at: key.last_used_at.map(rfc3339),
    }
}
