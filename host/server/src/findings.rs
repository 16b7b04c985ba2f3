//! What a scan found, by what it is.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderName, HeaderValue};
use certus_model::{ScanStatus, Severity};
use certus_store::{FindingFilter, FindingRow};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::caller::Reader;
use crate::openapi::ObjectAnswers;
use crate::page::{next_link, number_cursor, read_number_cursor};
use crate::problem::{Kind, Problem};
use crate::query::{Filter, ScanPath, Text};
use crate::scans::in_range;
use crate::state::Shared;

/// A page of findings, in the order of the report.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingPage {
    items: Vec<FindingBody>,
    /// Send it as `cursor` for the next page; `null` on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// A finding.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingBody {
    /// What stays the same from scan to scan.
    fingerprint: String,
    #[schema(example = "certus.secrets")]
    plugin: String,
    #[schema(example = "aws-access-key")]
    rule: String,
    /// `critical`, `high`, `medium`, `low` or `info`.
    #[schema(example = "high")]
    severity: &'static str,
    /// Its first place.
    #[schema(required = true, example = "src/settings.py")]
    path: Option<String>,
    #[schema(required = true)]
    line: Option<i64>,
    /// Whether a baseline covers it.
    suppressed: bool,
    /// The finding as `findings.json` has it.
    #[schema(value_type = Object)]
    finding: Value,
}

/// How bad.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it describes the words; they are read as text")]
pub(crate) enum SeverityWord {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FindingQuery {
    #[param(value_type = Option<SeverityWord>)]
    severity: Option<Severity>,
    #[param(value_type = Option<String>, min_length = 1, max_length = 1024, example = "certus.secrets")]
    plugin: Option<Text>,
    #[param(value_type = Option<String>, min_length = 1, max_length = 1024)]
    rule: Option<Text>,
    #[param(value_type = Option<String>, min_length = 1, max_length = 1024)]
    fingerprint: Option<Text>,
    /// Exactly this path.
    #[param(value_type = Option<String>, min_length = 1, max_length = 1024)]
    path: Option<Text>,
    suppressed: Option<bool>,
    /// At most this many.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
}

const LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 500;
const LIST: &str = "f1";

/// What a scan found. While it runs, and where it ended without a report, there is no list: an empty one would say
/// that nothing was found.
#[utoipa::path(get, path = "/v1/security-scans/{test_id}/findings", tag = "scans", operation_id = "listFindings",
    params(("test_id" = String, Path, description = "The scan", example = "test_0123456789ab"), FindingQuery),
    responses(
        (status = 200, description = "A page", body = FindingPage, headers(
            ("Link" = Option<String>, description = "The next page, `rel=\"next\"`"))),
        (status = 409, description = "The scan has no report (yet)", body = crate::problem::ProblemBody, content_type = "application/problem+json"),
        ObjectAnswers
    ))]
pub(crate) async fn list(
    State(state): State<Shared>,
    Reader(caller): Reader,
    ScanPath(id): ScanPath,
    OriginalUri(uri): OriginalUri,
    Filter(query): Filter<FindingQuery>,
) -> Result<(Option<[(HeaderName, HeaderValue); 1]>, Json<FindingPage>), Problem> {
    let filter = FindingFilter {
        severity: query.severity,
        plugin: query.plugin.map(String::from),
        rule: query.rule.map(String::from),
        fingerprint: query.fingerprint.map(String::from),
        path: query.path.map(String::from),
        suppressed: query.suppressed,
        from: query.cursor.as_deref().map_or(Ok(0), |cursor| read_number_cursor(LIST, cursor))?,
        limit: in_range("limit", query.limit, LIMIT, 1, MAX_LIMIT)?,
    };
    let store = &state.services.store;
    let scan = store.scan(caller.reach(), &id).await?.ok_or_else(Problem::scan_not_found)?;
    match scan.status {
        ScanStatus::Succeeded => {}
        ScanStatus::Queued | ScanStatus::Running => {
            return Err(Problem::new(Kind::NotFinished, "The scan has not ended; follow its stream"));
        }
        ScanStatus::Failed | ScanStatus::Cancelled => {
            return Err(Problem::new(Kind::NoReport, "The scan ended without a report"));
        }
    }
    let page = store.findings(caller.reach(), &id, &filter).await?;
    let last = page.items.last().filter(|_| page.more);
    let cursor = last.map(|row| number_cursor(LIST, row.ordinal + 1));
    let link = cursor.as_deref().and_then(|cursor| next_link(uri.path(), uri.query(), cursor));
    let items = page.items.into_iter().map(finding).collect();
    Ok((link.map(|link| [link]), Json(FindingPage { items, next_cursor: cursor })))
}

fn finding(row: FindingRow) -> FindingBody {
    FindingBody {
        fingerprint: row.fingerprint,
        plugin: row.plugin,
        rule: row.rule,
        severity: row.severity.as_str(),
        path: row.path,
        line: row.line,
        suppressed: row.suppressed,
        finding: row.body,
    }
}
