//! `POST /v1/security-scans`: what is accepted is kept for good before the client hears of it.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as Answer};
use certus_model::request::RequestedSource;
use certus_model::{Lane, Sha256, canonical_json};
use certus_store::{Idempotency, NewScan, Reach, Scan, Submitted};
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::body::Json;
use crate::caller::{Caller, Writer};
use crate::entropy;
use crate::fields::Fields;
use crate::observe::RequestId;
use crate::openapi::BodyAnswers;
use crate::problem::{FieldError, Kind, Problem, ProblemBody};
use crate::state::Shared;

mod source;
mod wanted;

use wanted::{SubmitBody, Wanted};

/// An accepted scan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    #[schema(example = "test_0123456789ab")]
    test_id: String,
    workspace_id: String,
    component_id: String,
    assessment_id: String,
    #[schema(example = "queued")]
    status: &'static str,
    #[schema(example = "light")]
    profile: String,
    /// SHA-256 of the manifest, where it was sent along.
    #[schema(required = true)]
    manifest_digest: Option<String>,
    #[schema(example = "/v1/security-scans/test_0123456789ab/stream")]
    stream_url: String,
}

/// Several scans.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchBody {
    /// Each as one submit; `priority` is `batch` where it is not given.
    #[schema(min_items = 1, max_items = 100)]
    scans: Vec<SubmitBody>,
}

/// What became of each.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchAnswer {
    /// In the order of the request.
    items: Vec<BatchItem>,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchItem {
    /// Its place in the request, from 0.
    index: usize,
    /// What a submit of its own would have been answered with.
    #[schema(example = 202)]
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan: Option<Accepted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemBody>,
}

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const MOST: usize = 100;

/// Submit a scan. It is answered once it is kept; follow it at `stream_url`. Without a manifest the built-in profile
/// runs. The same `Idempotency-Key` with the same body gives the scan of the first time.
#[utoipa::path(post, path = "/v1/security-scans", tag = "scans", operation_id = "submitScan",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters, kept for a day; required where the operator says so", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = SubmitBody,
    responses(
        (status = 202, description = "Accepted", body = Accepted, headers(
            ("Location" = String, description = "The scan"),
            ("Idempotency-Replayed" = Option<String>, description = "`true`: this is the scan of the first time"))),
        BodyAnswers
    ))]
pub(crate) async fn submit(
    State(state): State<Shared>,
    Writer(caller): Writer,
    headers: HeaderMap,
    Json(body): Json,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &state)?;
    let (scan, replayed) = accept(&state, &caller, key, body, Lane::Interactive).await?;
    let location = format!("/v1/security-scans/{}", scan.id);
    let mut response = (StatusCode::ACCEPTED, [(header::LOCATION, location)], Answer(accepted(&scan))).into_response();
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Submit up to 100 scans. Each is accepted or refused on its own; with an `Idempotency-Key` each is safe to repeat.
#[utoipa::path(post, path = "/v1/security-scans/batch", tag = "scans", operation_id = "submitScans",
    params(("Idempotency-Key" = Option<String>, Header, description = "As for one scan", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = BatchBody,
    responses((status = 200, description = "What became of each", body = BatchAnswer), BodyAnswers))]
pub(crate) async fn submit_batch(
    State(state): State<Shared>,
    Writer(caller): Writer,
    Extension(RequestId(request_id)): Extension<RequestId>,
    headers: HeaderMap,
    Json(body): Json,
) -> Result<Answer<BatchAnswer>, Problem> {
    let key = idempotency_key(&headers, &state)?;
    let scans = read_batch(body).map_err(Problem::invalid)?;
    let (state, caller, request_id) = (&state, &caller, &request_id);
    let each = scans.into_iter().enumerate().map(|(index, scan)| {
        // No client can send this separator, so no key of a batch is one of a single submit.
        let key = key.as_ref().map(|key| format!("{key}\u{1f}{index}"));
        async move {
            match accept(state, caller, key, scan, Lane::Batch).await {
                Ok((scan, _)) => BatchItem { index, status: 202, scan: Some(accepted(&scan)), problem: None },
                Err(problem) => {
                    if let Some(cause) = problem.cause() {
                        tracing::error!(index, error = cause, "a submit failed");
                    }
                    let status = problem.kind().status().as_u16();
                    BatchItem { index, status, scan: None, problem: Some(problem.body(request_id)) }
                }
            }
        }
    });
    Ok(Answer(BatchAnswer { items: join_all(each).await }))
}

fn read_batch(body: Value) -> Result<Vec<Value>, Vec<FieldError>> {
    let mut fields = Fields::of(body)?;
    let scans = match fields.take("scans") {
        Some(Value::Array(scans)) if (1..=MOST).contains(&scans.len()) => Some(scans),
        _ => {
            fields.error("scans", format!("has to be a list of 1 to {MOST} scans"));
            None
        }
    };
    fields.finish(scans)
}

fn idempotency_key(headers: &HeaderMap, state: &Shared) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return if state.config.require_idempotency_key {
            Err(Problem::new(Kind::KeyMissing, "Send an `Idempotency-Key` of your own for each scan you want"))
        } else {
            Ok(None)
        };
    };
    let key =
        key.to_str().ok().filter(|key| (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()));
    let invalid = || Problem::new(Kind::KeyInvalid, "An `Idempotency-Key` has 1 to 255 visible characters");
    key.map(|key| Some(key.to_owned())).ok_or_else(invalid)
}

/// The scan, and whether it was there before.
async fn accept(
    state: &Shared,
    caller: &Caller,
    key: Option<String>,
    body: Value,
    lane: Lane,
) -> Result<(Box<Scan>, bool), Problem> {
    let wanted = wanted::read(body, &state.config, lane).map_err(Problem::invalid)?;
    let _held = match &key {
        None => None,
        Some(key) => {
            let busy = || Problem::new(Kind::KeyInProgress, "Wait for the answer to the first one").retry_after(1);
            Some(state.hold_key(&caller.tenant, key).ok_or_else(busy)?)
        }
    };
    let fingerprint = fingerprint(&wanted)?;
    let idempotency = key.map(|key| Idempotency { key, fingerprint });
    check(state, caller, &wanted).await?;
    let Wanted { workspace, component, assessment, request, requested_by, timeout_ms, lane, manifest_digest } = wanted;
    let new = NewScan {
        id: entropy::scan_id()?,
        tenant: caller.tenant.clone(),
        workspace,
        component,
        assessment,
        request,
        requested_by,
        mode: if state.config.sample { "sample" } else { "production" },
        timeout_ms,
        lane,
        manifest_digest,
        actor: caller.actor.clone(),
        trace: (state.config.tracing.current)(),
        idempotency,
    };
    match state.services.store.submit(new).await? {
        Submitted::New(scan) => {
            state.services.wake.notify_one();
            let digest = scan.manifest_digest.map(|digest| digest.to_string());
            tracing::info!(scan_id = %scan.id, workspace_id = %scan.workspace, manifest_digest = digest, "accepted");
            Ok((scan, false))
        }
        Submitted::Replayed(scan) => Ok((scan, true)),
        Submitted::Mismatch => {
            Err(Problem::new(Kind::KeyMismatch, "The key was sent with another body before; take a new one"))
        }
        Submitted::NoTenant => Err(Problem::new(Kind::Forbidden, "The tenant does not exist or is disabled")),
    }
}

/// What needs more than the request itself.
async fn check(state: &Shared, caller: &Caller, wanted: &Wanted) -> Result<(), Problem> {
    let mut errors: Vec<FieldError> = Vec::new();
    if let RequestedSource::Upload { id } = &wanted.request.source {
        let reach = Reach::Tenant(&caller.tenant);
        if state.services.store.upload(reach, id).await?.is_none() {
            let detail = "names no upload; send the archive to `/v1/security-scans/upload-archive` first".to_owned();
            errors.push(FieldError { field: "archive_path".to_owned(), detail });
        }
    }
    if let RequestedSource::Git { url, credential: Some(name), .. } = &wanted.request.source {
        let kept = state.services.store.git_credential(&caller.tenant, name).await?;
        let detail = match kept {
            None => Some("names no stored login; keep it with `/v1/git-credentials` first"),
            Some(kept) if !state.services.checks.is_on(url, &kept.host) => {
                Some("is for another host than the repository's, and is shown to no other")
            }
            Some(_) => None,
        };
        let error = |detail: &str| FieldError { field: "git_credential".to_owned(), detail: detail.to_owned() };
        errors.extend(detail.map(error));
    }
    let refused = state.services.checks.request(&wanted.request);
    errors.extend(refused.into_iter().map(|one| FieldError { field: one.field.to_owned(), detail: one.detail }));
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

/// SHA-256 over all that was asked for, in one form however it was written.
fn fingerprint(wanted: &Wanted) -> Result<Sha256, Problem> {
    canonical_json(wanted).map(|text| Sha256::of(&text)).map_err(Problem::internal)
}

fn accepted(scan: &Scan) -> Accepted {
    Accepted {
        test_id: scan.id.to_string(),
        workspace_id: scan.workspace.to_string(),
        component_id: scan.component.to_string(),
        assessment_id: scan.assessment.to_string(),
        status: scan.status.as_str(),
        profile: scan.request.profile.clone(),
        manifest_digest: scan.manifest_digest.map(|digest| digest.to_string()),
        stream_url: crate::scans::stream_url(&scan.id),
    }
}
