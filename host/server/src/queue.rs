//! Calling a scan off, and trying again what was given up.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certus_store::{Cancel, Requeue};
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Writer;
use crate::openapi::ChangeAnswers;
use crate::problem::{Kind, Problem};
use crate::query::ScanPath;
use crate::scans::ScanBody;
use crate::state::Shared;

/// What became of calling a scan off.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cancelled {
    #[schema(example = "test_0123456789ab")]
    test_id: String,
    /// `cancelled`, or `running` where its worker has yet to stop.
    #[schema(example = "cancelled")]
    status: &'static str,
}

/// Call a scan off. One that runs ends as soon as its worker hears of it.
#[utoipa::path(post, path = "/v1/security-scans/{test_id}/cancel", tag = "scans", operation_id = "cancelScan",
    params(("test_id" = String, Path, description = "The scan", example = "test_0123456789ab")),
    responses((status = 202, description = "It is called off", body = Cancelled), ChangeAnswers))]
pub(crate) async fn cancel(
    State(state): State<Shared>,
    Writer(caller): Writer,
    ScanPath(id): ScanPath,
) -> Result<(StatusCode, Json<Cancelled>), Problem> {
    let status = match state.services.store.cancel(caller.reach(), &id, &caller.actor).await? {
        Cancel::Cancelled => "cancelled",
        Cancel::Requested => "running",
        Cancel::Ended => return Err(Problem::new(Kind::ScanEnded, "The scan has ended; there is nothing to call off")),
        Cancel::Unknown => return Err(Problem::scan_not_found()),
    };
    state.services.events.notify_one();
    tracing::info!(scan_id = %id, status, "called off");
    Ok((StatusCode::ACCEPTED, Json(Cancelled { test_id: id.to_string(), status })))
}

/// Try a scan again whose job was given up after its workers were lost.
#[utoipa::path(post, path = "/v1/security-scans/{test_id}/replay", tag = "scans", operation_id = "replayScan",
    params(("test_id" = String, Path, description = "The scan", example = "test_0123456789ab")),
    responses((status = 202, description = "It waits again", body = ScanBody), ChangeAnswers))]
pub(crate) async fn replay(
    State(state): State<Shared>,
    Writer(caller): Writer,
    ScanPath(id): ScanPath,
) -> Result<(StatusCode, Json<ScanBody>), Problem> {
    match state.services.store.requeue(caller.reach(), &id, &caller.actor).await? {
        Requeue::Requeued => {}
        Requeue::NotDead => {
            let detail = "Only a scan whose job was given up can be replayed; submit it anew";
            return Err(Problem::new(Kind::NotDeadLetter, detail));
        }
        Requeue::Unknown => return Err(Problem::scan_not_found()),
    }
    state.services.wake.notify_one();
    tracing::info!(scan_id = %id, "replayed");
    let scan = state.services.store.scan(caller.reach(), &id).await?.ok_or_else(Problem::scan_not_found)?;
    Ok((StatusCode::ACCEPTED, Json(crate::scans::body(scan))))
}
