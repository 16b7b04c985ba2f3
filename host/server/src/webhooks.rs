//! Where a tenant is told of ended scans, by the Standard Webhooks rules.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certus_store::{Reach, Webhook};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::body::Json;
use crate::caller::{Reader, Writer};
use crate::entropy;
use crate::fields::Fields;
use crate::git_credentials::master_key;
use crate::openapi::{BodyAnswers, ListAnswers, ObjectAnswers};
use crate::problem::{FieldError, Kind, Problem};
use crate::query::IdPath;
use crate::state::Shared;
use crate::time::rfc3339;

/// An address that is told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookBody {
    #[schema(example = "wh_019abcdef0127000800000000000abcd")]
    id: String,
    tenant_id: String,
    #[schema(example = "https://ci.example.com/certus")]
    url: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// Why nothing is told there any more.
    #[schema(required = true)]
    stopped: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookList {
    items: Vec<WebhookBody>,
}

/// An address that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewWebhookBody {
    #[serde(flatten)]
    webhook: WebhookBody,
    /// What to verify messages with. It is shown this once.
    #[schema(example = "whsec_…")]
    secret: String,
}

/// An address to be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"url": "https://ci.example.com/certus"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookRequest {
    /// An `https` address; redirects are not followed.
    #[schema(min_length = 1, max_length = 2048)]
    url: String,
}

/// Bytes of a secret: as many as the code over a message has.
const SECRET: usize = 32;
/// How many addresses a tenant may have.
const MOST: usize = 20;

/// The tenant's addresses.
#[utoipa::path(get, path = "/v1/webhooks", tag = "access", operation_id = "listWebhooks",
    responses((status = 200, description = "The addresses, without their secrets", body = WebhookList), ListAnswers))]
pub(crate) async fn list(State(state): State<Shared>, Reader(caller): Reader) -> Result<Answer<WebhookList>, Problem> {
    let kept = state.services.store.webhooks(Reach::Tenant(&caller.tenant)).await?;
    Ok(Answer(WebhookList { items: kept.into_iter().map(body_of).collect() }))
}

/// Be told of every scan that ends from now on.
#[utoipa::path(post, path = "/v1/webhooks", tag = "access", operation_id = "createWebhook",
    request_body = WebhookRequest,
    responses((status = 201, description = "The address, with its secret this once", body = NewWebhookBody), BodyAnswers))]
pub(crate) async fn create(
    State(state): State<Shared>,
    Writer(caller): Writer,
    Json(body): Json,
) -> Result<(StatusCode, Answer<NewWebhookBody>), Problem> {
    let url = read(body, &state).map_err(Problem::invalid)?;
    let key = master_key(&state)?;
    let store = &state.services.store;
    if store.webhooks(Reach::Tenant(&caller.tenant)).await?.len() >= MOST {
        let detail = format!("A tenant has at most {MOST} webhooks; take one away first");
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    let secret = format!("whsec_{}", STANDARD.encode(entropy::bytes::<SECRET>()?));
    let webhook = store.create_webhook(&caller.tenant, &url, &secret, key, &caller.actor).await?;
    Ok((StatusCode::CREATED, Answer(NewWebhookBody { webhook: body_of(webhook), secret })))
}

/// Be told no more, at once.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "access", operation_id = "dropWebhook",
    params(("id" = String, Path, description = "Its id", example = "wh_019abcdef0127000800000000000abcd")),
    responses((status = 204, description = "Nothing is told there any more"), ObjectAnswers))]
pub(crate) async fn drop(
    State(state): State<Shared>,
    Writer(caller): Writer,
    IdPath(id): IdPath,
) -> Result<StatusCode, Problem> {
    match state.services.store.drop_webhook(Reach::Tenant(&caller.tenant), &id, &caller.actor).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(Kind::NotFound, "There is no such webhook")),
    }
}

fn read(body: Value, state: &Shared) -> Result<String, Vec<FieldError>> {
    let mut fields = Fields::of(body)?;
    let url = fields.required_text("url", 2048);
    if let Some(url) = &url
        && let Some(problem) = state.services.checks.url(url)
    {
        fields.error("url", problem);
    }
    fields.finish(url)
}

fn body_of(webhook: Webhook) -> WebhookBody {
    WebhookBody {
        id: webhook.id,
        tenant_id: webhook.tenant.to_string(),
        url: webhook.url,
        created_at: rfc3339(webhook.created_at),
        stopped: webhook.stopped,
    }
}
