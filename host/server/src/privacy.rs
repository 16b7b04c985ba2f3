//! Looks at stored objects for personal data, and what is released of what they held back.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use certus_model::{RepoPath, ScanId, Sha256};
use certus_store::Release;
use certus_transform::{Ask, Error, Looked, PrivacyScan, QUARANTINE, Which};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::body::Json;
use crate::caller::{AdminReader, AdminWriter, Writer};
use crate::fields::Fields;
use crate::openapi::{BodyAnswers, BodyObjectAnswers, ListAnswers};
use crate::problem::{FieldError, Kind, Problem};
use crate::state::Shared;
use crate::time::rfc3339;
use crate::transform::{ACTIVE, refused, transform, which};

/// A look at stored objects.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"scan_id": "test_0123456789ab", "dry_run": true}))]
#[serde(deny_unknown_fields)]
pub(crate) struct PrivacyRequest {
    /// The raw bucket where none is named; the golden one with `dry_run` only.
    #[schema(min_length = 1, max_length = 255)]
    bucket: Option<String>,
    /// Below which prefix; `active/` where neither this nor a scan is named.
    #[schema(min_length = 1, max_length = 1000)]
    prefix: Option<String>,
    /// What came in of one scan; the key of a tenant has to name one.
    #[schema(pattern = "^test_[0-9a-f]{12}$")]
    scan_id: Option<String>,
    /// Accepted from older clients, as `quarantine/`; objects are put below no other prefix.
    #[schema(example = "quarantine/")]
    quarantine_prefix: Option<String>,
    /// Where a report is written to, line by line, in the same bucket. For administrators.
    #[schema(min_length = 1, max_length = 1000)]
    report_key: Option<String>,
    /// Only look.
    #[schema(default = false)]
    dry_run: Option<bool>,
}

/// What was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PrivacyAnswer {
    id: String,
    #[schema(example = "raw")]
    bucket: String,
    prefix: String,
    #[schema(example = "quarantine/")]
    quarantine_prefix: &'static str,
    dry_run: bool,
    scanned: usize,
    /// Objects that are not clean. They were moved, unless it was a dry run.
    quarantined: usize,
    clean: usize,
    /// The address of the report.
    #[schema(required = true)]
    report_object: Option<String>,
    results: Vec<PrivacyResult>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PrivacyResult {
    key: String,
    sha256: String,
    /// Whether it is not clean.
    quarantined: bool,
    findings: Vec<PrivacyFinding>,
    /// Why no scanner, or not every one, has looked at it. Then it is not clean.
    #[schema(required = true)]
    not_examined: Option<String>,
    /// Whether this content was released, and is clean for that.
    released: bool,
    /// Where it lies now.
    #[schema(required = true)]
    moved_to: Option<String>,
}

/// What was found, without what it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PrivacyFinding {
    #[schema(example = "privacy/payment-card")]
    rule: String,
    count: u64,
}

/// Content that a person has looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "reason": "numbers of a public test set"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseRequest {
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// Why it is no personal data, or may stay although it is.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReleaseBody {
    sha256: String,
    reason: String,
    actor: String,
    #[schema(format = DateTime)]
    at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReleaseList {
    items: Vec<ReleaseBody>,
}

/// Look at stored objects for personal data, and put what is not clean into quarantine. What no scanner could read is
/// not clean.
#[utoipa::path(post, path = "/v1/privacy/scan", tag = "transform", operation_id = "scanPrivacy",
    request_body = PrivacyRequest,
    responses((status = 200, description = "What was looked at, and what was moved", body = PrivacyAnswer),
        (status = 409, description = "This process looks after no stored objects, or the report is there already",
            body = crate::problem::ProblemBody, content_type = "application/problem+json"),
        BodyObjectAnswers))]
pub(crate) async fn scan(
    State(state): State<Shared>,
    Writer(caller): Writer,
    Json(body): Json,
) -> Result<Answer<PrivacyAnswer>, Problem> {
    let wanted = read(body).map_err(Problem::invalid)?;
    if !caller.is_admin() && (wanted.scan.is_none() || wanted.report_key.is_some() || wanted.prefix.is_some()) {
        let detail = "Name a scan of yours with `scan_id` alone; anything else needs the key of an administrator";
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    if let Some(scan) = &wanted.scan {
        state.services.store.scan(caller.reach(), scan).await?.ok_or_else(Problem::scan_not_found)?;
    }
    let transform = transform(&state)?.clone();
    let (which, bucket) = which(&transform, wanted.bucket.as_deref())?;
    let prefix = match (&wanted.scan, wanted.prefix, which) {
        (Some(scan), None, Which::Raw) => format!("{scan}/incoming/"),
        (Some(scan), None, Which::Golden) => format!("{scan}/golden/"),
        (_, prefix, _) => prefix.unwrap_or_else(|| ACTIVE.to_owned()),
    };
    // What was begun is ended and put on record, whether or not somebody still waits for it. It is no more than one of
    // a tenant, for another one is refused.
    let done = tokio::spawn(async move {
        let report_key = wanted.report_key.as_deref();
        let ask = Ask { which, prefix: &prefix, dry_run: wanted.dry_run, report_key };
        let done = transform.privacy_scan(&ask, &caller.tenant, &caller.actor).await?;
        let report_object = report_key.map(|key| transform.place(which).uri(key));
        Ok::<_, Error>(answer(done, bucket, report_object))
    });
    match done.await.map_err(Problem::internal)? {
        Ok(answered) => Ok(Answer(answered)),
        // The prefix is nobody's choice of a key.
        Err(error @ (Error::Reserved { .. } | Error::NoKey { .. })) => Err(refused("report_key", &error)),
        Err(error) => Err(error.into()),
    }
}

/// What was released from quarantine, by its content.
#[utoipa::path(get, path = "/v1/privacy/releases", tag = "transform", operation_id = "listReleases",
    responses((status = 200, description = "Every release, the oldest first", body = ReleaseList), ListAnswers))]
pub(crate) async fn releases(
    State(state): State<Shared>,
    AdminReader(_caller): AdminReader,
) -> Result<Answer<ReleaseList>, Problem> {
    let items = state.services.store.released_content().await?.into_iter().map(release_body).collect();
    Ok(Answer(ReleaseList { items }))
}

/// Release content: it is clean from now on, wherever it lies. What lies in quarantine stays there.
#[utoipa::path(post, path = "/v1/privacy/releases", tag = "transform", operation_id = "release",
    request_body = ReleaseRequest,
    responses((status = 201, description = "It is released", body = ReleaseList), BodyAnswers))]
pub(crate) async fn release(
    State(state): State<Shared>,
    AdminWriter(caller): AdminWriter,
    Json(body): Json,
) -> Result<(StatusCode, Answer<ReleaseList>), Problem> {
    let mut fields = Fields::of(body).map_err(Problem::invalid)?;
    let given = fields.required::<Sha256>("sha256").zip(fields.required_text("reason", 500));
    let (sha256, reason) = fields.finish(given).map_err(Problem::invalid)?;
    let store = &state.services.store;
    store.release_content(sha256, &reason, &caller.tenant, &caller.actor).await?;
    let items = store.released_content().await?.into_iter().filter(|one| one.sha256 == sha256);
    Ok((StatusCode::CREATED, Answer(ReleaseList { items: items.map(release_body).collect() })))
}

/// A request that was read.
struct Wanted {
    bucket: Option<String>,
    prefix: Option<String>,
    scan: Option<ScanId>,
    report_key: Option<String>,
    dry_run: bool,
}

fn read(body: Value) -> Result<Wanted, Vec<FieldError>> {
    let mut fields = Fields::of(body)?;
    let (bucket, prefix) = (fields.text("bucket", 255), fields.text("prefix", 1000));
    let (scan, report_key) = (fields.parsed("scan_id"), fields.text("report_key", 1000));
    let dry_run = fields.flag("dry_run").unwrap_or_default();
    if fields.text("quarantine_prefix", 1000).is_some_and(|prefix| prefix.trim_end_matches('/') != "quarantine") {
        fields.error("quarantine_prefix", format!("is `{QUARANTINE}`, where publications look; leave it out"));
    }
    if scan.is_some() && prefix.is_some() {
        fields.error("prefix", "goes without `scan_id`; name one of them");
    }
    let is_path = |text: &str| text.parse::<RepoPath>().is_ok();
    if prefix.as_deref().is_some_and(|prefix| !is_path(prefix.trim_end_matches('/'))) {
        fields.error("prefix", "is no key; write it without a slash at its beginning, `..` and empty names");
    }
    if report_key.as_deref().is_some_and(|key| !is_path(key)) {
        fields.error("report_key", "is no key; write it without a slash at its beginning or end, `..` and empty names");
    }
    fields.finish(Some(Wanted { bucket, prefix, scan, report_key, dry_run }))
}

fn answer(scan: PrivacyScan, bucket: String, report_object: Option<String>) -> PrivacyAnswer {
    let (scanned, quarantined) = (scan.objects.len(), scan.quarantined());
    PrivacyAnswer {
        id: scan.id,
        bucket,
        prefix: scan.prefix,
        quarantine_prefix: QUARANTINE,
        dry_run: scan.dry_run,
        scanned,
        quarantined,
        clean: scanned - quarantined,
        report_object,
        results: scan.objects.into_iter().map(result).collect(),
    }
}

fn result(object: Looked) -> PrivacyResult {
    let quarantined = !object.is_clean();
    let findings = object.seen.findings.into_iter().map(|(rule, count)| PrivacyFinding { rule, count });
    PrivacyResult {
        key: object.key,
        sha256: object.sha256.to_string(),
        quarantined,
        findings: findings.collect(),
        not_examined: object.seen.gap,
        released: object.released,
        moved_to: object.moved_to,
    }
}

fn release_body(release: Release) -> ReleaseBody {
    ReleaseBody {
        sha256: release.sha256.to_string(),
        reason: release.reason,
        actor: release.actor,
        at: rfc3339(release.at),
    }
}
