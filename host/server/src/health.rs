//! Whether the service is there, for probes.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::Shared;

/// The service as it is set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
    /// `sample` or `production`.
    #[schema(example = "production")]
    scanning_mode: &'static str,
    /// Whether plugins can be run: `True` or `False`, as the service that this one replaces spelt them.
    #[schema(example = "True")]
    security_module_available: &'static str,
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// That the process lives, or that it can answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    #[schema(example = "ok")]
    status: &'static str,
}

/// How the service is set. It looks at nothing.
#[utoipa::path(get, path = "/health", tag = "service", operation_id = "getHealth", security(()),
    responses((status = 200, description = "How it is set", body = Health)))]
pub(crate) async fn health(State(state): State<Shared>) -> Json<Health> {
    let config = &state.config;
    Json(Health {
        status: "ok",
        scanning_mode: if config.sample { "sample" } else { "production" },
        security_module_available: if config.security_module_available { "True" } else { "False" },
        version: config.version,
    })
}

/// That the process lives.
#[utoipa::path(get, path = "/livez", tag = "service", operation_id = "getLive", security(()),
    responses((status = 200, description = "It lives", body = Alive)))]
pub(crate) async fn livez() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

/// That the database and the store of blobs answer, so that requests may be sent here.
#[utoipa::path(get, path = "/readyz", tag = "service", operation_id = "getReady", security(()),
    responses((status = 200, description = "It can answer", body = Alive), crate::openapi::OpenAnswers))]
pub(crate) async fn readyz(State(state): State<Shared>) -> Result<Json<Alive>, Problem> {
    // Whatever is wrong with it: a probe asks whether to send requests here, not whose fault it is.
    state.services.store.ping().await.map_err(|error| Problem::unavailable(error, 1))?;
    state.blobs_answer().await.map_err(|error| Problem::unavailable(error, 1))?;
    Ok(Json(Alive { status: "ok" }))
}
