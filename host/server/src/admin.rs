//! Tenants and their users, for administrators.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use certus_model::{OnError, Role, TenantId};
use certus_signing::TenantKeyRef;
use certus_store::{NewUser, Reach, Tenant, TenantChange, User};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::Json;
use crate::caller::{AdminReader, AdminWriter};
use crate::fields::Fields;
use crate::openapi::{BodyAnswers, BodyObjectAnswers, ListAnswers};
use crate::problem::{FieldError, Kind, Problem};
use crate::query::IdPath;
use crate::state::Shared;
use crate::time::rfc3339;

/// What is written in the place of a tenant's key where the host's is to sign.
pub const NO_KEY: &str = "none";

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tenant)]
pub(crate) struct TenantBody {
    #[schema(example = "acme")]
    id: String,
    name: String,
    /// Its share of the workers beside other tenants.
    #[schema(minimum = 1, maximum = 1000)]
    weight: i64,
    /// What a decision `error` means to it: `closed` blocks, `open` does not.
    #[schema(example = "closed")]
    on_error: &'static str,
    /// The key of its own that its bundles are signed with; null where the host's signs.
    #[schema(required = true)]
    signing_key: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required = true, format = DateTime)]
    disabled_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantList {
    items: Vec<TenantBody>,
}

/// A tenant to be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "acme", "name": "Acme"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantRequest {
    #[schema(max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
    id: String,
    #[schema(min_length = 1, max_length = 255)]
    name: String,
}

/// What changes of a tenant; what is absent stays.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TenantChange, example = json!({"weight": 2}))]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantChangeBody {
    #[schema(minimum = 1, maximum = 1000)]
    weight: Option<u64>,
    on_error: Option<OnErrorWord>,
    disabled: Option<bool>,
    /// The key that its bundles are signed with: a name of the key folder, `pkcs11:…` or `awskms:///…`, never a file;
    /// `none` for the host's.
    #[schema(min_length = 1, max_length = 1024, example = "acme")]
    signing_key: Option<String>,
}

/// What a decision `error` means.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it describes the words; they are read as text")]
pub(crate) enum OnErrorWord {
    Closed,
    Open,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserBody {
    #[schema(example = "usr_0192f1c0a0b07000800000000000000a")]
    id: String,
    tenant_id: String,
    name: String,
    /// `tenant` or `admin`.
    #[schema(example = "tenant")]
    role: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required = true, format = DateTime)]
    disabled_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserList {
    items: Vec<UserBody>,
}

/// A user to be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"tenant_id": "default", "name": "ada", "role": "tenant"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct UserRequest {
    #[schema(max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
    tenant_id: String,
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    #[schema(default = "tenant")]
    role: Option<RoleWord>,
}

/// What a user may do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it describes the words; they are read as text")]
pub(crate) enum RoleWord {
    Tenant,
    Admin,
}

/// What changes of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserChange, example = json!({"disabled": false}))]
#[serde(deny_unknown_fields)]
pub(crate) struct UserChangeBody {
    /// Whether the user's keys open nothing.
    disabled: bool,
}

/// Every tenant.
#[utoipa::path(get, path = "/v1/admin/tenants", tag = "access", operation_id = "listTenants",
    responses((status = 200, description = "The tenants", body = TenantList), ListAnswers))]
pub(crate) async fn list_tenants(
    State(state): State<Shared>,
    AdminReader(caller): AdminReader,
) -> Result<Answer<TenantList>, Problem> {
    let tenants = state.services.store.tenants(caller.reach()).await?;
    Ok(Answer(TenantList { items: tenants.into_iter().map(tenant).collect() }))
}

/// Make a tenant.
#[utoipa::path(post, path = "/v1/admin/tenants", tag = "access", operation_id = "createTenant",
    request_body = TenantRequest,
    responses((status = 201, description = "It is there", body = TenantBody), BodyAnswers))]
pub(crate) async fn create_tenant(
    State(state): State<Shared>,
    AdminWriter(caller): AdminWriter,
    Json(body): Json,
) -> Result<(StatusCode, Answer<TenantBody>), Problem> {
    let read = || {
        let mut fields = Fields::of(body)?;
        let (id, name) = (fields.required::<TenantId>("id"), fields.required_text("name", 255));
        fields.finish(id.zip(name))
    };
    let (id, name) = read().map_err(Problem::invalid)?;
    let store = &state.services.store;
    if !store.create_tenant(&id, &name, &caller.actor).await? {
        return Err(Problem::new(Kind::Exists, "There is a tenant of that id"));
    }
    let made = store.tenants(Reach::Tenant(&id)).await?.pop().ok_or_else(not_found)?;
    Ok((StatusCode::CREATED, Answer(tenant(made))))
}

/// Change a tenant: its share, its stance on errors, its signing key, whether anything is accepted from it.
#[utoipa::path(patch, path = "/v1/admin/tenants/{id}", tag = "access", operation_id = "changeTenant",
    params(("id" = String, Path, description = "The tenant", example = "default")),
    request_body = TenantChangeBody,
    responses((status = 200, description = "The tenant as it is now", body = TenantBody), BodyObjectAnswers))]
pub(crate) async fn change_tenant(
    State(state): State<Shared>,
    AdminWriter(caller): AdminWriter,
    IdPath(id): IdPath,
    Json(body): Json,
) -> Result<Answer<TenantBody>, Problem> {
    let id: TenantId = id.parse().map_err(|_| not_found())?;
    let read = || {
        let mut fields = Fields::of(body)?;
        let weight = fields.number("weight", 1..=1000).and_then(|weight| i64::try_from(weight).ok());
        let on_error = fields.parsed::<OnError>("on_error");
        let disabled = fields.flag("disabled");
        let signing_key = signing_key(&mut fields);
        fields.finish(Some(TenantChange { weight, on_error, disabled, signing_key }))
    };
    let change = read().map_err(Problem::invalid)?;
    let changed = state.services.store.change_tenant(&id, &change, &caller.actor).await?;
    changed.map(|changed| Answer(tenant(changed))).ok_or_else(not_found)
}

/// What is to be of a tenant's own key; none leaves it.
fn signing_key(fields: &mut Fields) -> Option<Option<String>> {
    let text = fields.text("signing_key", 1024)?;
    if text == NO_KEY {
        return Some(None);
    }
    match text.parse::<TenantKeyRef>() {
        Ok(reference) => Some(Some(reference.to_string())),
        Err(error) => {
            fields.error("signing_key", format!("is not valid: {error}"));
            None
        }
    }
}

/// Every user.
#[utoipa::path(get, path = "/v1/admin/users", tag = "access", operation_id = "listUsers",
    responses((status = 200, description = "The users", body = UserList), ListAnswers))]
pub(crate) async fn list_users(
    State(state): State<Shared>,
    AdminReader(caller): AdminReader,
) -> Result<Answer<UserList>, Problem> {
    let users = state.services.store.users(caller.reach()).await?;
    Ok(Answer(UserList { items: users.into_iter().map(user).collect() }))
}

/// Make a user.
#[utoipa::path(post, path = "/v1/admin/users", tag = "access", operation_id = "createUser",
    request_body = UserRequest,
    responses((status = 201, description = "They are there", body = UserBody), BodyAnswers))]
pub(crate) async fn create_user(
    State(state): State<Shared>,
    AdminWriter(caller): AdminWriter,
    Json(body): Json,
) -> Result<(StatusCode, Answer<UserBody>), Problem> {
    let read = || {
        let mut fields = Fields::of(body)?;
        let tenant = fields.required::<TenantId>("tenant_id");
        let name = fields.required_text("name", 255);
        let role = fields.parsed::<Role>("role").unwrap_or(Role::Tenant);
        fields.finish(tenant.zip(name).map(|(tenant, name)| NewUser { tenant, name, role }))
    };
    let new = read().map_err(Problem::invalid)?;
    let store = &state.services.store;
    if store.tenants(Reach::Tenant(&new.tenant)).await?.is_empty() {
        let detail = "names no tenant; make it first".to_owned();
        return Err(Problem::invalid(vec![FieldError { field: "tenant_id".to_owned(), detail }]));
    }
    let made = store.create_user(&new, &caller.actor).await?;
    let made = made.ok_or_else(|| Problem::new(Kind::Exists, "The tenant has a user of that name"))?;
    Ok((StatusCode::CREATED, Answer(user(made))))
}

/// Let a user's keys open nothing, or something again.
#[utoipa::path(patch, path = "/v1/admin/users/{id}", tag = "access", operation_id = "changeUser",
    params(("id" = String, Path, description = "The user")),
    request_body = UserChangeBody,
    responses((status = 200, description = "The user as they are now", body = UserBody), BodyObjectAnswers))]
pub(crate) async fn change_user(
    State(state): State<Shared>,
    AdminWriter(caller): AdminWriter,
    IdPath(id): IdPath,
    Json(body): Json,
) -> Result<Answer<UserBody>, Problem> {
    let read = || {
        let mut fields = Fields::of(body)?;
        if fields.is_absent("disabled") {
            fields.error("disabled", "is required");
        }
        let disabled = fields.flag("disabled");
        fields.finish(disabled)
    };
    let disabled = read().map_err(Problem::invalid)?;
    let changed = state.services.store.disable_user(caller.reach(), &id, disabled, &caller.actor).await?;
    changed.map(|changed| Answer(user(changed))).ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::new(Kind::NotFound, "There is no such thing")
}

fn tenant(tenant: Tenant) -> TenantBody {
    TenantBody {
        id: tenant.id.to_string(),
        name: tenant.name,
        weight: tenant.weight,
        on_error: tenant.on_error.as_str(),
        signing_key: tenant.signing_key,
        created_at: rfc3339(tenant.created_at),
        disabled_at: tenant.disabled_at.map(rfc3339),
    }
}

fn user(user: User) -> UserBody {
    UserBody {
        id: user.id,
        tenant_id: user.tenant.to_string(),
        name: user.name,
        role: user.role.as_str(),
        created_at: rfc3339(user.created_at),
        disabled_at: user.disabled_at.map(rfc3339),
    }
}
