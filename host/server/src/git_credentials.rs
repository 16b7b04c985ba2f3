//! Logins for private repositories, by name. What is stored is never told again.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use certus_model::CredentialName;
use certus_store::{GitCredential, MasterKey, NewGitCredential, Reach};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::body::Json;
use crate::caller::{Caller, Reader, Writer};
use crate::fields::Fields;
use crate::openapi::{BodyAnswers, ListAnswers, ObjectAnswers};
use crate::problem::{FieldError, Kind, Problem};
use crate::query::IdPath;
use crate::state::Shared;
use crate::time::rfc3339;

/// A login; its secret is sealed and not told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GitCredential)]
pub(crate) struct CredentialBody {
    #[schema(example = "ci")]
    name: String,
    tenant_id: String,
    /// The one host that it is shown to.
    #[schema(example = "git.example.com")]
    host: String,
    #[schema(format = DateTime)]
    created_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CredentialList {
    items: Vec<CredentialBody>,
}

/// A login to be kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "ci", "host": "git.example.com", "token": "…"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialRequest {
    /// What a submit names as `git_credential`; a name that is there gets this login.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
    name: String,
    /// The one host that it is shown to: `name`, or `name:port`.
    #[schema(min_length = 1, max_length = 255)]
    host: String,
    /// With a password; a token needs none.
    #[schema(min_length = 1, max_length = 255)]
    username: Option<String>,
    /// The token, or the password.
    #[schema(min_length = 1, max_length = 4096)]
    token: String,
}

/// The tenant's logins, without their secrets.
#[utoipa::path(get, path = "/v1/git-credentials", tag = "access", operation_id = "listGitCredentials",
    responses((status = 200, description = "The logins", body = CredentialList), ListAnswers))]
pub(crate) async fn list(
    State(state): State<Shared>,
    Reader(caller): Reader,
) -> Result<Answer<CredentialList>, Problem> {
    let kept = state.services.store.git_credentials(Reach::Tenant(&caller.tenant)).await?;
    Ok(Answer(CredentialList { items: kept.into_iter().map(body_of).collect() }))
}

/// Keep a login, in place of the one of that name. It is sealed with the operator's master key.
#[utoipa::path(post, path = "/v1/git-credentials", tag = "access", operation_id = "keepGitCredential",
    request_body = CredentialRequest,
    responses((status = 201, description = "It is kept", body = CredentialBody), BodyAnswers))]
pub(crate) async fn keep(
    State(state): State<Shared>,
    Writer(caller): Writer,
    Json(body): Json,
) -> Result<(StatusCode, Answer<CredentialBody>), Problem> {
    let new = read(body, &state, &caller).map_err(Problem::invalid)?;
    let key = master_key(&state)?;
    let kept = state.services.store.keep_git_credential(&new, key, &caller.actor).await?;
    Ok((StatusCode::CREATED, Answer(body_of(kept))))
}

/// Forget a login, at once.
#[utoipa::path(delete, path = "/v1/git-credentials/{id}", tag = "access", operation_id = "dropGitCredential",
    params(("id" = String, Path, description = "Its name", example = "ci")),
    responses((status = 204, description = "It is forgotten"), ObjectAnswers))]
pub(crate) async fn drop(
    State(state): State<Shared>,
    Writer(caller): Writer,
    IdPath(name): IdPath,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::new(Kind::NotFound, "There is no such login");
    let name: CredentialName = name.parse().map_err(|_| unknown())?;
    match state.services.store.drop_git_credential(&caller.tenant, &name, &caller.actor).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(unknown()),
    }
}

/// # Errors
/// A service that can seal nothing.
pub(crate) fn master_key(state: &Shared) -> Result<&MasterKey, Problem> {
    let missing =
        || Problem::new(Kind::NoMasterKey, "The operator has set no master key, so nothing secret is kept here");
    state.config.master_key.as_ref().ok_or_else(missing)
}

fn read(body: Value, state: &Shared, caller: &Caller) -> Result<NewGitCredential, Vec<FieldError>> {
    let mut fields = Fields::of(body)?;
    let name = fields.required("name");
    let host = fields.required_text("host", 255);
    let user = fields.text("username", 255);
    let secret = fields.required_text("token", 4096);
    if let Some(host) = &host
        && let Some(problem) = state.services.checks.host(host)
    {
        fields.error("host", problem);
    }
    let tenant = caller.tenant.clone();
    let new = || Some(NewGitCredential { tenant, name: name?, host: host?, user, secret: secret? });
    fields.finish(new())
}

fn body_of(kept: GitCredential) -> CredentialBody {
    CredentialBody {
        name: kept.name.to_string(),
        tenant_id: kept.tenant.to_string(),
        host: kept.host,
        created_at: rfc3339(kept.created_at),
    }
}
