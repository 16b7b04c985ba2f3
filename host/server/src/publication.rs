//! Asking Trust for a scan's publication, and what became of it.

use std::time::{Duration, Instant};

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use certus_model::{ScanId, ScanStatus, Tier, UploadStatus};
use certus_store::{Publication, Reach, Scan};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::body::Json;
use crate::caller::{Reader, Writer};
use crate::fields::Fields;
use crate::openapi::{BodyObjectAnswers, ObjectAnswers};
use crate::problem::{FieldError, Kind, Problem};
use crate::query::ScanPath;
use crate::state::Shared;
use crate::time::rfc3339;

/// What is asked of Trust.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"tier": "verified"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadRequest {
    /// `basic` or `verified`; `premium` is an older word for that.
    #[schema(default = "verified")]
    tier: Option<String>,
    /// Accepted from older clients; who has signed is read from the signature.
    #[schema(max_length = 200)]
    signer: Option<String>,
}

/// What Trust has answered, where it has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadRequested {
    /// The decision's id; `null` while Trust has not answered.
    #[schema(required = true)]
    upload_permission_id: Option<String>,
    /// Where the publication is: `pending` while Trust has not answered; it is asked again.
    #[schema(example = "permitted")]
    upload_status: &'static str,
    /// Why Trust has refused, or what is in the way.
    #[schema(required = true)]
    upload_error: Option<String>,
}

/// A publication as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Upload)]
pub(crate) struct UploadBody {
    #[schema(example = "test_0123456789ab")]
    test_id: String,
    #[schema(example = "verified")]
    tier: &'static str,
    #[schema(example = "permitted")]
    upload_status: &'static str,
    #[schema(required = true)]
    upload_permission_id: Option<String>,
    requested_by: String,
    #[schema(format = DateTime)]
    requested_at: String,
    /// How often it was tried.
    attempts: i64,
    /// Whether it is tried again.
    retried: bool,
    /// Why Trust has refused, or what is in the way.
    #[schema(required = true)]
    upload_error: Option<String>,
    /// Why Trust has refused: a word of a closed set.
    #[schema(required = true)]
    reason: Option<Value>,
    #[schema(required = true)]
    detail: Option<Value>,
    /// Everything that Trust has looked at.
    #[schema(required = true, value_type = Option<Object>)]
    evidence: Option<Value>,
    #[schema(required = true, value_type = Option<Object>)]
    verification_proof: Option<Value>,
    /// The signed permit (DSSE).
    #[schema(required = true, value_type = Option<Object>)]
    permit: Option<Value>,
    /// The signed verdict (DSSE, a SLSA verification summary), of a denial too.
    #[schema(required = true, value_type = Option<Object>)]
    vsa: Option<Value>,
    #[schema(required = true, format = DateTime)]
    expires_at: Option<String>,
    /// Whether it rests on a plugin or signer that was revoked since, so that nobody should rest on it.
    tainted: bool,
    /// Where it is published.
    #[schema(required = true, value_type = Option<Object>)]
    published: Option<Value>,
    #[schema(required = true, format = DateTime)]
    uploaded_at: Option<String>,
}

/// How long a request waits for Trust's answer; it is given later just as well.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the database is asked meanwhile.
const LOOK: Duration = Duration::from_millis(100);

/// Ask Trust to permit a scan's publication. What it permits is published; nothing else ever is. While Trust does not
/// answer, the state stays `pending` and it is asked again.
#[utoipa::path(post, path = "/v1/security-scans/{test_id}/upload-request", tag = "scans",
    operation_id = "requestUpload", request_body = UploadRequest,
    params(("test_id" = String, Path, description = "The scan", example = "test_0123456789ab")),
    responses(
        (status = 202, description = "It was asked for", body = UploadRequested),
        (status = 410, description = "The bundle was removed by the rules of retention", body = crate::problem::ProblemBody,
            content_type = "application/problem+json"),
        BodyObjectAnswers
    ))]
pub(crate) async fn request(
    State(state): State<Shared>,
    Writer(caller): Writer,
    ScanPath(id): ScanPath,
    Json(body): Json,
) -> Result<(StatusCode, Answer<UploadRequested>), Problem> {
    let tier = read(body).map_err(Problem::invalid)?;
    let store = &state.services.store;
    let scan = store.scan(caller.reach(), &id).await?.ok_or_else(Problem::scan_not_found)?;
    if scan.status != ScanStatus::Succeeded {
        let status = scan.status.as_str().to_uppercase();
        let detail = format!("Scan must be SUCCEEDED to submit upload request. Current status: {status}");
        return Err(Problem::new(Kind::NotSucceeded, detail));
    }
    if scan.bundle.is_none() {
        return Err(Problem::new(Kind::Pruned, "The bundle is gone, so it cannot be published; scan again"));
    }
    store.request_upload(caller.reach(), &id, tier, &caller.actor).await?.ok_or_else(Problem::scan_not_found)?;
    state.services.publish.notify_one();
    let scan = answered(&state, caller.reach(), &id, scan).await?;
    let upload_permission_id = scan.upload_permission_id;
    let upload_status = scan.upload_status.as_str();
    Ok((
        StatusCode::ACCEPTED,
        Answer(UploadRequested { upload_permission_id, upload_status, upload_error: scan.upload_error }),
    ))
}

/// The scan, once Trust has answered or could not, or after a while.
async fn answered(state: &Shared, reach: Reach<'_>, id: &ScanId, mut scan: Scan) -> Result<Scan, Problem> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(now) = state.services.store.scan(reach, id).await? {
            scan = now;
        }
        let waits = scan.upload_status == UploadStatus::Pending && scan.upload_error.is_none();
        if !waits || Instant::now() >= deadline || *state.closing.borrow() {
            return Ok(scan);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// A scan's publication, with what Trust has decided and why.
#[utoipa::path(get, path = "/v1/security-scans/{test_id}/upload-request", tag = "scans", operation_id = "getUpload",
    params(("test_id" = String, Path, description = "The scan", example = "test_0123456789ab")),
    responses((status = 200, description = "The publication as it stands", body = UploadBody), ObjectAnswers))]
pub(crate) async fn show(
    State(state): State<Shared>,
    Reader(caller): Reader,
    ScanPath(id): ScanPath,
) -> Result<Answer<UploadBody>, Problem> {
    let store = &state.services.store;
    let scan = store.scan(caller.reach(), &id).await?.ok_or_else(Problem::scan_not_found)?;
    let publication = store.publication(caller.reach(), &id).await?;
    let none = || Problem::new(Kind::NotFound, "Nobody has asked for this scan's publication");
    let publication = publication.ok_or_else(none)?;
    let tainted = !store.tainted(caller.reach(), Some(&id)).await?.is_empty();
    Ok(Answer(body_of(scan, publication, tainted)))
}

fn body_of(scan: Scan, publication: Publication, tainted: bool) -> UploadBody {
    let answer = publication.answer.unwrap_or_default();
    let part = |name: &str| answer.get(name).filter(|part| !part.is_null()).cloned();
    UploadBody {
        test_id: scan.id.to_string(),
        tier: publication.tier.as_str(),
        upload_status: scan.upload_status.as_str(),
        upload_permission_id: publication.permit_id,
        requested_by: publication.requested_by,
        requested_at: rfc3339(publication.requested_at),
        attempts: publication.attempts,
        retried: publication.due_at.is_some(),
        upload_error: publication.last_error,
        reason: part("reason"),
        detail: part("detail"),
        evidence: part("evidence"),
        verification_proof: part("verification_proof"),
        permit: part("permit"),
        vsa: part("vsa"),
        expires_at: publication.expires_at.map(rfc3339),
        tainted,
        published: publication.published,
        uploaded_at: publication.uploaded_at.map(rfc3339),
    }
}

fn read(body: Value) -> Result<Tier, Vec<FieldError>> {
    let mut fields = Fields::of(body)?;
    let tier = match fields.text("tier", 20).as_deref() {
        None => Some(Tier::Verified),
        Some(word) => match word.parse() {
            Ok(tier) => Some(tier),
            Err(error) => {
                fields.error("tier", format!("is not valid: {error}"));
                None
            }
        },
    };
    let _ = fields.text("signer", 200);
    fields.finish(tier)
}
