//! Totals, for everybody: of no tenant's own.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use certus_model::ScanStatus;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::Shared;
use crate::time::{now, rfc3339};

/// Totals over all scans.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsBody {
    /// Every scan that was ever accepted.
    #[schema(example = 42)]
    total_scans: i64,
    scans_by_status: ScansByStatus,
    upload_stats: UploadStats,
    /// Live sockets and event streams of this process.
    #[schema(example = 1)]
    active_streams: usize,
    /// When this was counted.
    #[schema(example = "2026-11-22T05:37:24.123Z", format = DateTime)]
    timestamp: String,
}

/// Scans by state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScansByStatus {
    queued: i64,
    running: i64,
    succeeded: i64,
    failed: i64,
    cancelled: i64,
}

/// What became of the results.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadStats {
    /// Succeeded scans that were not yet submitted to Trust.
    pending: i64,
    /// Scans that Trust has ever permitted, published ones included.
    permitted: i64,
    /// Published.
    uploaded: i64,
    /// Refused by Trust.
    denied: i64,
    /// Permitted, but could not be published.
    upload_failed: i64,
}

/// Totals over all scans, for dashboards and probes; it needs no key and shows nothing of any tenant.
#[utoipa::path(get, path = "/stats", tag = "service", operation_id = "getStats", security(()),
    responses((status = 200, description = "The totals", body = StatsBody), crate::openapi::OpenAnswers))]
pub(crate) async fn get_stats(State(state): State<Shared>) -> Result<Json<StatsBody>, Problem> {
    let stats = state.services.store.stats().await?;
    let of = |status| stats.scans.get(&status).copied().unwrap_or(0);
    Ok(Json(StatsBody {
        total_scans: stats.scans.values().sum(),
        scans_by_status: ScansByStatus {
            queued: of(ScanStatus::Queued),
            running: of(ScanStatus::Running),
            succeeded: of(ScanStatus::Succeeded),
            failed: of(ScanStatus::Failed),
            cancelled: of(ScanStatus::Cancelled),
        },
        upload_stats: UploadStats {
            pending: stats.pending,
            permitted: stats.permitted,
            uploaded: stats.uploaded,
            denied: stats.denied,
            upload_failed: stats.upload_failed,
        },
        active_streams: state.hub.live(),
        timestamp: rfc3339(now()),
    }))
}

/// The same and more, as Prometheus reads it.
#[utoipa::path(get, path = "/metrics", tag = "service", operation_id = "getMetrics", security(()),
    responses((status = 200, description = "Counters in the text format", body = String, content_type = "text/plain"), crate::openapi::OpenAnswers))]
pub(crate) async fn get_metrics(State(state): State<Shared>) -> Result<impl IntoResponse, Problem> {
    let stats = state.services.store.stats().await?;
    let depth = state.services.store.queue_depth().await?;
    let text = state.services.metrics.render(&stats, &depth, state.hub.live());
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
