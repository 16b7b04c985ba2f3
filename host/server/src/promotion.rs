//! Golden copies by key, as older clients ask for them.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use certus_model::ScanId;
use futures_util::future::try_join_all;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::body::Json;
use crate::caller::{Caller, Writer};
use crate::execute::see_through;
use crate::fields::Fields;
use crate::openapi::BodyObjectAnswers;
use crate::problem::{FieldError, Kind, Problem};
use crate::state::Shared;

/// Objects to be copied to golden.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"keys": ["test_0123456789ab/incoming/scan.json"]}))]
#[serde(deny_unknown_fields)]
pub(crate) struct PromotionRequest {
    /// Raw keys, as `TEST_ID/incoming/PATH`; at most 1,000.
    keys: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Promoted {
    /// Where readers find them, in the order of the keys.
    promoted: Vec<String>,
}

/// Keys that one request may name.
const MOST: usize = 1_000;

/// Copy objects to golden, for older clients; `execute-upload` is the word for it now. Nothing is copied but by the
/// permit of its scan, and a golden set is whole: all files of the scan come to be there, or none.
#[utoipa::path(post, path = "/v1/promotions/golden", tag = "transform", operation_id = "promote",
    request_body = PromotionRequest,
    responses((status = 200, description = "They are in golden", body = Promoted),
        (status = 409, description = "Trust has not permitted one of them, or it could not be published",
            body = crate::problem::ProblemBody, content_type = "application/problem+json"),
        BodyObjectAnswers))]
pub(crate) async fn promote(
    State(state): State<Shared>,
    Writer(caller): Writer,
    Json(body): Json,
) -> Result<(StatusCode, Answer<Promoted>), Problem> {
    let keys = read(body).map_err(Problem::invalid)?;
    let mut scans: BTreeMap<&ScanId, BTreeMap<String, String>> =
        keys.iter().map(|(scan, _)| (scan, BTreeMap::new())).collect();
    // Refusals first, so that none of them comes when others are published already.
    for scan in scans.keys() {
        assert_permitted(&state, &caller, scan).await?;
    }
    let golden = try_join_all(scans.keys().map(|scan| golden(&state, &caller, scan))).await?;
    scans.values_mut().zip(golden).for_each(|(places, golden)| *places = golden);
    let place = |(scan, path): &(ScanId, String)| {
        let place = scans.get(scan).and_then(|places| places.get(path)).cloned();
        place.ok_or_else(|| not_permitted(scan, "has no such file among those that were permitted"))
    };
    Ok((StatusCode::OK, Answer(Promoted { promoted: keys.iter().map(place).collect::<Result<_, _>>()? })))
}

async fn assert_permitted(state: &Shared, caller: &Caller, scan: &ScanId) -> Result<(), Problem> {
    let store = &state.services.store;
    store.scan(caller.reach(), scan).await?.ok_or_else(Problem::scan_not_found)?;
    let publication = store.publication(caller.reach(), scan).await?;
    match publication {
        Some(found) if found.expires_at.is_some() => Ok(()),
        _ => Err(not_permitted(scan, "has no permit; ask for one with `upload-request`")),
    }
}

/// The scan's golden files by their path, once they are published.
async fn golden(state: &Shared, caller: &Caller, scan: &ScanId) -> Result<BTreeMap<String, String>, Problem> {
    let store = &state.services.store;
    let permit = store.publication(caller.reach(), scan).await?.and_then(|found| found.permit_id);
    if let Some(permit) = permit
        && store.resume_upload(caller.reach(), scan, &permit, &caller.actor).await?
    {
        state.services.publish.notify_one();
    }
    let executed = see_through(state, caller, scan.clone()).await?;
    executed.golden().ok_or_else(|| not_permitted(scan, "is not published yet; its `upload-request` says why"))
}

fn not_permitted(scan: &ScanId, why: &str) -> Problem {
    Problem::new(Kind::NotPermitted, format!("{scan} {why}"))
}

fn read(body: Value) -> Result<Vec<(ScanId, String)>, Vec<FieldError>> {
    let mut fields = Fields::of(body)?;
    let keys = match fields.take("keys") {
        Some(Value::Array(keys)) if (1..=MOST).contains(&keys.len()) => keys.iter().map(key).collect(),
        _ => None,
    };
    if keys.is_none() {
        fields.error("keys", format!("has to be a list of 1 to {MOST} keys such as `TEST_ID/incoming/PATH`"));
    }
    fields.finish(keys)
}

fn key(value: &Value) -> Option<(ScanId, String)> {
    let (scan, path) = value.as_str()?.split_once("/incoming/")?;
    Some((scan.parse().ok()?, path.to_owned()))
}
