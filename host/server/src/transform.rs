//! Transform's own paths: objects that come in, and how it stands.

use axum::Json as Answer;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use certus_model::RepoPath;
use certus_store::{Meta, NewAudit};
use certus_transform::{Error, Transform, Which};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::caller::AdminWriter;
use crate::openapi::{BodyAnswers, OpenAnswers};
use crate::problem::{FieldError, Kind, Problem};
use crate::query::{Filter, Text};
use crate::state::Shared;
use crate::trust::now;
use crate::uploads::{Received, UploadForm, receive};

/// An object that came in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RawUploaded {
    bucket: String,
    #[schema(example = "active/people.csv")]
    key: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RawQuery {
    /// Below which prefix.
    #[param(value_type = Option<String>, default = "active/", max_length = 1000)]
    prefix: Option<Text>,
}

/// How Transform stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransformStats {
    /// Scans whose publication was begun.
    total_uploads: i64,
    successful_uploads: i64,
    failed_uploads: i64,
    /// Looks at stored objects.
    privacy_scans: i64,
    artifacts_quarantined: i64,
    promotion_stats: PromotionStats,
    /// How long this process runs.
    uptime_seconds: u64,
    #[schema(format = DateTime)]
    timestamp: String,
}

/// Golden sets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PromotionStats {
    successful: i64,
    failed: i64,
}

/// Where objects are that came in and belong to no scan.
pub(crate) const ACTIVE: &str = "active/";

/// Transform, where this process is it.
pub(crate) fn transform(state: &Shared) -> Result<&Transform, Problem> {
    let none =
        || Problem::new(Kind::NoDestination, "Ask the process that publishes, or set where scans are published to");
    state.services.transform.as_ref().ok_or_else(none)
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::TooMany { .. } | Error::Reserved { .. } | Error::NoKey { .. } => refused("prefix", &error),
            Error::Golden => refused("dry_run", &error),
            Error::Store(certus_store::Error::Taken { what, .. }) => {
                Self::new(Kind::Exists, format!("There is another object at `{}` already, or in its way", shown(&what)))
            }
            Error::Store(error) => error.into(),
            Error::Busy => {
                let detail = "Another privacy scan of this tenant runs or waits; ask again once it has ended";
                Self::new(Kind::Unavailable, detail).retry_after(10)
            }
            Error::Unfinished { moved, cause } => {
                let before = format!("Objects were moved to quarantine, {moved} of them, and then it failed");
                Self::from(*cause).told_after(&before)
            }
            Error::Inspector(why) => {
                tracing::error!(why, "stored objects could not be looked at");
                Self::new(Kind::Unavailable, "The scanners could not run, so nothing is called clean; the log says why")
                    .retry_after(30)
            }
            Error::Died(error) => Self::internal(error),
        }
    }
}

/// A field that asks for what Transform does not do.
pub(crate) fn refused(field: &str, error: &Error) -> Problem {
    Problem::invalid(vec![FieldError { field: field.to_owned(), detail: format!("is refused: {error}") }])
}

fn shown(text: &str) -> String {
    certus_model::escape::one_line(text, 200)
}

/// Send an object to the raw bucket. One that is there already is never written over.
#[utoipa::path(post, path = "/v1/uploads/raw", tag = "transform", operation_id = "uploadRaw", params(RawQuery),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "It is kept", body = RawUploaded), BodyAnswers))]
pub(crate) async fn upload_raw(
    State(state): State<Shared>,
    AdminWriter(caller): AdminWriter,
    Filter(query): Filter<RawQuery>,
    request: Request,
) -> Result<(StatusCode, Answer<RawUploaded>), Problem> {
    let transform = transform(&state)?;
    let prefix = query.prefix.map_or_else(|| ACTIVE.to_owned(), String::from);
    let prefix = if prefix.ends_with('/') { prefix } else { format!("{prefix}/") };
    let received = receive(&state, request, |_| true).await?;
    let Received { filename, partial, file, sha256, size } = received;
    let key = format!("{prefix}{filename}");
    if key.parse::<RepoPath>().is_err() {
        let detail =
            format!("and the file's name make no key, `{}`; write it without `..` and empty names", shown(&key));
        return Err(Problem::invalid(vec![FieldError { field: "prefix".to_owned(), detail }]));
    }
    let meta = Meta::new(sha256, size, "application/octet-stream", &now()).field("uploaded-by", &caller.actor);
    transform.keep_raw(&key, &file, &meta).await?;
    let detail = json!({ "sha256": sha256.to_string(), "size": size });
    let (tenant, actor, object) = (caller.tenant, caller.actor, key.clone());
    state.services.store.audit(NewAudit { tenant, actor, action: "raw.received", object, detail }).await?;
    // It lies there now, and here no more.
    drop(partial);
    let (_, bucket) = which(transform, None)?;
    tracing::info!(key, size, "an object came in");
    Ok((StatusCode::CREATED, Answer(RawUploaded { bucket, key })))
}

/// How much was published and looked at; it needs no key and shows nothing of any tenant.
#[utoipa::path(get, path = "/health/stats", tag = "transform", operation_id = "getTransformStats", security(()),
    responses((status = 200, description = "The totals", body = TransformStats), OpenAnswers))]
pub(crate) async fn stats(State(state): State<Shared>) -> Result<Answer<TransformStats>, Problem> {
    let counts = state.services.store.transform_counts().await?;
    Ok(Answer(TransformStats {
        total_uploads: counts.begun,
        successful_uploads: counts.uploaded,
        failed_uploads: counts.failed,
        privacy_scans: counts.privacy_scans,
        artifacts_quarantined: counts.quarantined,
        promotion_stats: PromotionStats { successful: counts.uploaded, failed: counts.failed },
        uptime_seconds: state.started.elapsed().as_secs(),
        timestamp: now(),
    }))
}

/// Which place a client means, and what that place's bucket is called.
pub(crate) fn which(transform: &Transform, bucket: Option<&str>) -> Result<(Which, String), Problem> {
    let named = |which, word: &str| {
        let uri = transform.place(which).uri("");
        let bucket = uri.strip_prefix("s3://").and_then(|rest| rest.split('/').next()).unwrap_or(word);
        (which, bucket.to_owned())
    };
    let (raw, golden) = (named(Which::Raw, "raw"), named(Which::Golden, "golden"));
    match bucket {
        None | Some("raw") => Ok(raw),
        Some(name) if name == raw.1 => Ok(raw),
        Some(name) if name == "golden" || name == golden.1 => Ok(golden),
        Some(_) => {
            let detail = format!("is neither `{}` nor `{}`", raw.1, golden.1);
            Err(Problem::invalid(vec![FieldError { field: "bucket".to_owned(), detail }]))
        }
    }
}
