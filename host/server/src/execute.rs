//! Publications carried out on a client's word: each with the permission that Trust gave it, and no other.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use certus_model::{ScanId, Sha256, Tier};
use certus_store::Publication;
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::body::Json;
use crate::caller::{Caller, Writer};
use crate::fields::Fields;
use crate::openapi::{BodyAnswers, BodyObjectAnswers};
use crate::problem::{FieldError, Kind, Problem};
use crate::state::Shared;
use crate::time::rfc3339;
use crate::trust::now;

/// A publication to be carried out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"upload_permission_id": "0197a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
    "scan_id": "test_0123456789ab", "tier": "verified"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct ExecuteRequest {
    /// The permission, as Trust's answer names it.
    #[schema(max_length = 64)]
    upload_permission_id: String,
    #[schema(pattern = "^test_[0-9a-f]{12}$")]
    scan_id: String,
    /// `basic` or `verified`.
    #[schema(example = "verified")]
    tier: String,
    /// What is to be published: `name` and `hash` (`sha256:…`) of each. What the permission does not name is refused.
    #[schema(value_type = Option<Vec<Object>>)]
    artifacts: Option<Vec<Value>>,
    /// Accepted from older clients; what is on record counts.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    /// As `metadata`.
    #[schema(value_type = Option<Object>)]
    verification_proof: Option<Value>,
    /// As `metadata`.
    #[schema(value_type = Option<Object>)]
    storage_config: Option<Value>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Executed {
    upload_permission_id: String,
    scan_id: String,
    /// `success`, `failed`, or `pending` while it goes on.
    #[schema(example = "success")]
    status: &'static str,
    uploaded_artifacts: Vec<UploadedArtifact>,
    /// Below which prefix the artifacts lie.
    #[schema(required = true)]
    s3_prefix: Option<String>,
    /// The artifact in the registry, if there is one.
    #[schema(required = true)]
    oci_reference: Option<String>,
    /// Why it has failed, or what is in the way.
    #[schema(required = true)]
    error_detail: Option<String>,
    #[schema(format = DateTime)]
    timestamp: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadedArtifact {
    name: String,
    /// Where readers find it.
    s3_path: String,
    #[schema(required = true)]
    oci_reference: Option<String>,
    /// `sha256:…`; none for what Trust adds to the files of the bundle.
    #[schema(required = true)]
    hash: Option<String>,
    #[schema(format = DateTime)]
    uploaded_at: String,
}

/// Several publications.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExecuteBatch {
    /// At most 100.
    scans: Vec<ExecuteRequest>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExecutedBatch {
    total_scans: usize,
    successful: usize,
    failed: usize,
    /// Those that go on.
    pending: usize,
    /// In their order.
    results: Vec<Executed>,
    #[schema(format = DateTime)]
    timestamp: String,
}

impl Executed {
    /// Where readers find each file, if it is published.
    pub(crate) fn golden(self) -> Option<BTreeMap<String, String>> {
        let places = self.uploaded_artifacts.into_iter().map(|artifact| (artifact.name, artifact.s3_path));
        (self.status == "success").then(|| places.collect())
    }
}

/// A request that was read.
struct Wanted {
    permission: String,
    scan: ScanId,
    tier: Tier,
    artifacts: Vec<(String, Sha256)>,
}

/// Publications that one batch may ask for.
const MOST: usize = 100;
/// How long a request waits for the end of a publication, which goes on just as well.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the database is asked meanwhile.
const LOOK: Duration = Duration::from_millis(200);

/// Carry out a publication that Trust has permitted, or wait for it, and tell where everything is.
#[utoipa::path(post, path = "/v1/execute-upload", tag = "transform", operation_id = "executeUpload",
    request_body = ExecuteRequest,
    responses((status = 202, description = "What came of it", body = Executed),
        (status = 409, description = "The permission is not this scan's, or it has run out", body = crate::problem::ProblemBody,
            content_type = "application/problem+json"),
        BodyObjectAnswers))]
pub(crate) async fn execute_upload(
    State(state): State<Shared>,
    Writer(caller): Writer,
    Json(body): Json,
) -> Result<(StatusCode, Answer<Executed>), Problem> {
    let wanted = read(body).map_err(Problem::invalid)?;
    Ok((StatusCode::ACCEPTED, Answer(execute(&state, &caller, wanted).await?)))
}

/// Carry out several publications side by side. One that is refused or fails is told of in its place and keeps none of
/// the others from its end.
#[utoipa::path(post, path = "/v1/execute-upload/batch", tag = "transform", operation_id = "executeUploads",
    request_body = ExecuteBatch,
    responses((status = 202, description = "What came of each", body = ExecutedBatch), BodyAnswers))]
pub(crate) async fn execute_uploads(
    State(state): State<Shared>,
    Writer(caller): Writer,
    Json(body): Json,
) -> Result<(StatusCode, Answer<ExecutedBatch>), Problem> {
    let all = read_batch(body).map_err(Problem::invalid)?;
    let each = all.into_iter().map(|wanted| async {
        let (permission, scan) = (wanted.permission.clone(), wanted.scan.clone());
        let executed = execute(&state, &caller, wanted).await;
        executed.unwrap_or_else(|problem| refused(permission, &scan, &problem))
    });
    let results = join_all(each).await;
    let count = |status| results.iter().filter(|result| result.status == status).count();
    let (successful, failed, pending) = (count("success"), count("failed"), count("pending"));
    let (total_scans, timestamp) = (results.len(), now());
    let batch = ExecutedBatch { total_scans, successful, failed, pending, results, timestamp };
    Ok((StatusCode::ACCEPTED, Answer(batch)))
}

/// Sees a publication to its end, or for as long as a request waits.
async fn execute(state: &Shared, caller: &Caller, wanted: Wanted) -> Result<Executed, Problem> {
    let store = &state.services.store;
    let found = store.publication(caller.reach(), &wanted.scan).await?.ok_or_else(Problem::scan_not_found)?;
    check(&found, &wanted)?;
    if store.resume_upload(caller.reach(), &wanted.scan, &wanted.permission, &caller.actor).await? {
        state.services.publish.notify_one();
    }
    see_through(state, caller, wanted.scan).await
}

/// The publication of a scan at its end, or as it stands after a while.
pub(crate) async fn see_through(state: &Shared, caller: &Caller, scan: ScanId) -> Result<Executed, Problem> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let publication = state.services.store.publication(caller.reach(), &scan).await?;
        let publication = publication.ok_or_else(Problem::scan_not_found)?;
        let waits = publication.due_at.is_some() && publication.uploaded_at.is_none();
        if !waits || Instant::now() >= deadline || *state.closing.borrow() {
            return Ok(executed(publication));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether the request is about this publication and nothing but it.
fn check(found: &Publication, wanted: &Wanted) -> Result<(), Problem> {
    let other = |detail| Err(Problem::new(Kind::OtherPermission, detail));
    if found.permit_id.as_ref() != Some(&wanted.permission) || found.tier != wanted.tier {
        return other("That is not the permission of this scan and tier; `upload_permission_id` of the scan is");
    }
    let hashes = hashes(found);
    for (name, sha256) in &wanted.artifacts {
        let hash = hashes.and_then(|hashes| hashes.get(name)).and_then(Value::as_str);
        if hash != Some(&*format!("sha256:{sha256}")) {
            return other("An artifact is not one of those that were permitted; leave `artifacts` out, or scan again");
        }
    }
    let now = crate::time::now();
    match found.expires_at {
        Some(end) if found.uploaded_at.is_none() && found.due_at.is_none() && end <= now => {
            other("The permission has run out; ask for another one with `upload-request`")
        }
        _ => Ok(()),
    }
}

/// The permitted files with their hashes, as Trust's proof names them.
fn hashes(publication: &Publication) -> Option<&serde_json::Map<String, Value>> {
    publication.answer.as_ref()?.pointer("/verification_proof/verification_details/artifact_hashes")?.as_object()
}

fn executed(publication: Publication) -> Executed {
    let status = match (publication.uploaded_at, publication.due_at) {
        (Some(_), _) => "success",
        (None, Some(_)) => "pending",
        (None, None) => "failed",
    };
    let published = publication.published.as_ref().filter(|_| status == "success");
    let text = |pointer: &str| published.and_then(|all| all.pointer(pointer)).and_then(Value::as_str);
    let oci_reference = text("/registry/image_reference").map(str::to_owned);
    let uploaded_at = publication.uploaded_at.map(rfc3339).unwrap_or_default();
    let hashes = hashes(&publication);
    let golden = published.and_then(|all| all.pointer("/remote_artifacts/golden")?.as_object());
    let uploaded_artifacts = golden.into_iter().flatten().map(|(name, uri)| UploadedArtifact {
        name: name.clone(),
        s3_path: uri.as_str().unwrap_or_default().to_owned(),
        oci_reference: oci_reference.clone(),
        hash: hashes.and_then(|hashes| hashes.get(name)?.as_str()).map(str::to_owned),
        uploaded_at: uploaded_at.clone(),
    });
    Executed {
        uploaded_artifacts: uploaded_artifacts.collect(),
        s3_prefix: text("/marker")
            .and_then(|marker| marker.rsplit_once('/'))
            .map(|(prefix, _)| format!("{prefix}/golden/")),
        oci_reference,
        upload_permission_id: publication.permit_id.unwrap_or_default(),
        scan_id: publication.scan.to_string(),
        status,
        error_detail: publication.last_error.or_else(|| {
            let nowhere = "it is permitted, and there is nowhere to publish it to; the operator sets a destination";
            (status == "failed").then(|| nowhere.to_owned())
        }),
        timestamp: now(),
    }
}

/// What is told in the place of one that was not carried out.
fn refused(permission: String, scan: &ScanId, problem: &Problem) -> Executed {
    if let Some(cause) = problem.cause() {
        tracing::error!(scan_id = %scan, error = cause, "a publication could not be looked at");
    }
    Executed {
        upload_permission_id: permission,
        scan_id: scan.to_string(),
        status: "failed",
        uploaded_artifacts: Vec::new(),
        s3_prefix: None,
        oci_reference: None,
        error_detail: Some(problem.detail().to_owned()),
        timestamp: now(),
    }
}

fn read(body: Value) -> Result<Wanted, Vec<FieldError>> {
    let mut fields = Fields::of(body)?;
    let permission = fields.required_text("upload_permission_id", 64);
    let scan = fields.required("scan_id");
    let tier = fields.required("tier");
    let artifacts = match fields.take("artifacts") {
        None => Some(Vec::new()),
        Some(Value::Array(all)) => all.into_iter().map(artifact).collect(),
        Some(_) => None,
    };
    if artifacts.is_none() {
        fields.error("artifacts", "has to be a list of objects with `name` and `hash` (`sha256:…`)");
    }
    for older in ["metadata", "verification_proof", "storage_config"] {
        fields.take(older);
    }
    let wanted = permission.zip(scan).zip(tier).zip(artifacts);
    let wanted = wanted.map(|(((permission, scan), tier), artifacts)| Wanted { permission, scan, tier, artifacts });
    fields.finish(wanted)
}

fn artifact(value: Value) -> Option<(String, Sha256)> {
    let name = value.get("name")?.as_str()?.to_owned();
    Some((name, value.get("hash")?.as_str()?.strip_prefix("sha256:")?.parse().ok()?))
}

fn read_batch(body: Value) -> Result<Vec<Wanted>, Vec<FieldError>> {
    let mut fields = Fields::of(body)?;
    let scans = match fields.take("scans") {
        Some(Value::Array(scans)) if (1..=MOST).contains(&scans.len()) => Some(scans),
        _ => {
            fields.error("scans", format!("has to be a list of 1 to {MOST} publications"));
            None
        }
    };
    let scans = fields.finish(scans)?;
    let within = |index: usize, errors: Vec<FieldError>| {
        let named = |error: FieldError| FieldError { field: format!("scans[{index}].{}", error.field), ..error };
        errors.into_iter().map(named).collect()
    };
    let each = scans.into_iter().enumerate();
    each.map(|(index, scan)| read(scan).map_err(|errors| within(index, errors))).collect()
}
