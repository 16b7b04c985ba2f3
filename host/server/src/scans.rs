//! Scans, one and many, as clients read them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderName, HeaderValue};
use certus_model::request::RequestedSource;
use certus_model::{AssessmentId, ComponentId, ScanId, ScanStatus, WorkspaceId};
use certus_store::{Position, Scan, ScanFilter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::caller::Reader;
use crate::openapi::{ListAnswers, ObjectAnswers};
use crate::page::{next_link, read_scan_cursor, scan_cursor};
use crate::problem::{Kind, Problem};
use crate::query::{Filter, ScanPath, Text, moment};
use crate::state::Shared;
use crate::time::rfc3339;

/// A scan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScanBody {
    #[schema(example = "test_0123456789ab")]
    test_id: String,
    #[schema(example = "default")]
    tenant_id: String,
    workspace_id: String,
    component_id: String,
    assessment_id: String,
    /// `succeeded` means that there is a signed report, whatever the decision.
    status: Status,
    /// `sample` is never anything but the sample workspace.
    #[schema(example = "production")]
    mode: String,
    /// `git`, `directory` or `archive`.
    #[schema(example = "git")]
    source_type: &'static str,
    #[schema(required = true)]
    git_url: Option<String>,
    /// As it was asked for.
    #[schema(required = true)]
    branch: Option<String>,
    /// As it was asked for; `resolved_commit` is what was scanned.
    #[schema(required = true)]
    requested_commit: Option<String>,
    #[schema(required = true)]
    directory_path: Option<String>,
    /// The upload's id, or the path.
    #[schema(required = true)]
    archive_path: Option<String>,
    /// The commit that was scanned, once it is known.
    #[schema(required = true)]
    commit: Option<String>,
    /// The same.
    #[schema(required = true)]
    resolved_commit: Option<String>,
    /// What identifies the content that was scanned: a commit, or a digest.
    #[schema(required = true)]
    provenance_id: Option<String>,
    #[schema(required = true)]
    requested_by: Option<String>,
    #[schema(example = "light")]
    profile: String,
    timeout_seconds: i64,
    /// How often a worker has taken it.
    attempts: i64,
    /// Whether it was called off and its worker has yet to stop.
    cancel_requested: bool,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required = true, format = DateTime)]
    started_at: Option<String>,
    #[schema(required = true, format = DateTime)]
    completed_at: Option<String>,
    /// `pass`, `fail` or `error`, once there is one.
    #[schema(required = true)]
    decision: Option<String>,
    /// Why there is no report.
    #[schema(required = true)]
    failure: Option<String>,
    /// What the decision `error` means to the tenant: `closed` blocks, `open` does not.
    on_error: &'static str,
    /// SHA-256 over the result; equal ones mean equal results.
    #[schema(required = true)]
    result_digest: Option<String>,
    /// Key to path within the bundle.
    artifacts: BTreeMap<String, String>,
    /// When the bundle was removed by the rules of retention.
    #[schema(required = true, format = DateTime)]
    bundle_pruned_at: Option<String>,
    warnings: Vec<String>,
    errors: Vec<String>,
    /// Where the bundle is published.
    #[schema(required = true, value_type = Option<Object>)]
    remote_artifacts: Option<Value>,
    /// The images of it in a registry.
    #[schema(required = true, value_type = Option<Object>)]
    registry: Option<Value>,
    #[schema(example = "pending")]
    upload_status: &'static str,
    /// What keeps it from being published, or why Trust has refused.
    #[schema(required = true)]
    upload_error: Option<String>,
    #[schema(required = true)]
    upload_permission_id: Option<String>,
    #[schema(required = true, value_type = Option<Object>)]
    verification_proof: Option<Value>,
    #[schema(required = true)]
    manifest_digest: Option<String>,
    #[schema(required = true, value_type = Option<Object>)]
    manifest_metadata: Option<Value>,
    #[schema(example = "/v1/security-scans/test_0123456789ab/stream")]
    stream_url: String,
}

/// Where a scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ScanStatus)]
pub(crate) enum Status {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

/// A page of scans, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScanPage {
    items: Vec<ScanBody>,
    /// Send it as `cursor` for the next page; `null` on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScanQuery {
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    workspace_id: Option<WorkspaceId>,
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    component_id: Option<ComponentId>,
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    assessment_id: Option<AssessmentId>,
    #[param(value_type = Option<Status>)]
    status: Option<ScanStatus>,
    #[param(value_type = Option<String>, min_length = 1, max_length = 1024, example = "light")]
    profile: Option<Text>,
    /// Only accepted at this time or later (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime, example = "2026-01-01T00:00:00Z")]
    since: Option<String>,
    /// At most this many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// Leave out this many; a cursor is better.
    #[param(minimum = 0, maximum = 10000)]
    offset: Option<u32>,
}

const LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;
const MAX_OFFSET: u32 = 10_000;

/// One scan.
#[utoipa::path(get, path = "/v1/security-scans/{test_id}", tag = "scans", operation_id = "getScan",
    params(("test_id" = String, Path, description = "The scan", example = "test_0123456789ab")),
    responses((status = 200, description = "The scan as it stands", body = ScanBody), ObjectAnswers))]
pub(crate) async fn show(
    State(state): State<Shared>,
    Reader(caller): Reader,
    ScanPath(id): ScanPath,
) -> Result<Json<ScanBody>, Problem> {
    let scan = state.services.store.scan(caller.reach(), &id).await?;
    scan.map(|scan| Json(body(scan))).ok_or_else(Problem::scan_not_found)
}

/// Scans, the newest first.
#[utoipa::path(get, path = "/v1/security-scans", tag = "scans", operation_id = "listScans", params(ScanQuery),
    responses(
        (status = 200, description = "A page", body = ScanPage, headers(
            ("Link" = Option<String>, description = "The next page, `rel=\"next\"`"))),
        ListAnswers
    ))]
pub(crate) async fn list(
    State(state): State<Shared>,
    Reader(caller): Reader,
    OriginalUri(uri): OriginalUri,
    Filter(query): Filter<ScanQuery>,
) -> Result<(Option<[(HeaderName, HeaderValue); 1]>, Json<ScanPage>), Problem> {
    let since = moment("since", query.since.as_deref())?;
    let filter = ScanFilter {
        workspace: query.workspace_id,
        component: query.component_id,
        assessment: query.assessment_id,
        status: query.status,
        profile: query.profile.map(String::from),
        since,
        after: query.cursor.as_deref().map(read_scan_cursor).transpose()?,
        offset: in_range("offset", query.offset, 0, 0, MAX_OFFSET)?,
        limit: in_range("limit", query.limit, LIMIT, 1, MAX_LIMIT)?,
    };
    let page = state.services.store.scans(caller.reach(), &filter).await?;
    let last = page.items.last().filter(|_| page.more);
    let cursor = last.map(|scan| scan_cursor(&Position { created_at: scan.created_at, id: scan.id.clone() }));
    let link = cursor.as_deref().and_then(|cursor| next_link(uri.path(), uri.query(), cursor));
    let items = page.items.into_iter().map(body).collect();
    Ok((link.map(|link| [link]), Json(ScanPage { items, next_cursor: cursor })))
}

/// # Errors
/// A number outside of what the parameter may be.
pub(crate) fn in_range(name: &str, given: Option<u32>, default: u32, min: u32, max: u32) -> Result<u32, Problem> {
    let value = given.unwrap_or(default);
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(Problem::new(Kind::BadQuery, format!("`{name}` has to be a whole number from {min} to {max}")))
}

pub(crate) fn stream_url(id: &ScanId) -> String {
    format!("/v1/security-scans/{id}/stream")
}

pub(crate) fn body(scan: Scan) -> ScanBody {
    let source_type = scan.request.source.kind();
    let (mut git_url, mut branch, mut requested_commit) = (None, None, None);
    let (mut directory_path, mut archive_path) = (None, None);
    match scan.request.source {
        RequestedSource::Git { url, branch: name, commit, .. } => {
            (git_url, branch, requested_commit) = (Some(url), name, commit)
        }
        RequestedSource::Directory { path } => directory_path = Some(path),
        RequestedSource::Upload { id } => archive_path = Some(id.to_string()),
        RequestedSource::Archive { path } => archive_path = Some(path),
        RequestedSource::Sample => {}
    }
    ScanBody {
        test_id: scan.id.to_string(),
        tenant_id: scan.tenant.to_string(),
        workspace_id: scan.workspace.to_string(),
        component_id: scan.component.to_string(),
        assessment_id: scan.assessment.to_string(),
        status: status(scan.status),
        mode: scan.mode,
        source_type,
        git_url,
        branch,
        requested_commit,
        directory_path,
        archive_path,
        commit: scan.resolved_commit.clone(),
        resolved_commit: scan.resolved_commit,
        provenance_id: scan.provenance_id,
        requested_by: scan.requested_by,
        profile: scan.request.profile,
        timeout_seconds: scan.timeout_ms / 1000,
        attempts: scan.attempts,
        cancel_requested: scan.cancel_requested && !scan.status.is_final(),
        created_at: rfc3339(scan.created_at),
        started_at: scan.started_at.map(rfc3339),
        completed_at: scan.completed_at.map(rfc3339),
        decision: scan.decision.map(|decision| decision.to_string()),
        failure: scan.failure,
        on_error: scan.on_error.as_str(),
        result_digest: scan.result_digest.map(|digest| digest.to_string()),
        artifacts: scan.artifacts,
        bundle_pruned_at: scan.pruned_at.map(rfc3339),
        warnings: scan.warnings,
        errors: scan.errors,
        remote_artifacts: scan.published.as_ref().and_then(|published| published.get("remote_artifacts").cloned()),
        registry: scan.published.as_ref().and_then(|published| published.get("registry").cloned()),
        upload_status: scan.upload_status.as_str(),
        upload_error: scan.upload_error,
        upload_permission_id: scan.upload_permission_id,
        verification_proof: scan.verification_proof,
        manifest_digest: scan.manifest_digest.map(|digest| digest.to_string()),
        manifest_metadata: scan.manifest_metadata,
        stream_url: stream_url(&scan.id),
    }
}

fn status(status: ScanStatus) -> Status {
    match status {
        ScanStatus::Queued => Status::Queued,
        ScanStatus::Running => Status::Running,
        ScanStatus::Succeeded => Status::Succeeded,
        ScanStatus::Failed => Status::Failed,
        ScanStatus::Cancelled => Status::Cancelled,
    }
}
