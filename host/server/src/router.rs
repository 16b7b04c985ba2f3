//! Which path leads where. Path and description come from one attribute at each handler.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::observe::{observe, panicked, unknown_method, unknown_path};
use crate::state::Shared;
use crate::{
    admin, api_keys, artifacts, audit, execute, findings, git_credentials, health, notary, openapi, privacy, promotion,
    provenance, publication, queue, scans, stats, stream, submit, transform, trust, uploads, webhooks,
};

/// The service without a socket.
pub(crate) fn router(state: Shared) -> Router {
    let (router, api) = described();
    finished(router.merge(SwaggerUi::new("/docs").url("/openapi.json", api)), state)
}

/// What needs no key, alone.
pub(crate) fn probes(state: Shared) -> Router {
    let (router, _) = probe_routes().split_for_parts();
    finished(router, state)
}

fn probe_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(stats::get_stats))
        .routes(routes!(stats::get_metrics))
        .routes(routes!(health::health))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
}

/// What every request goes through.
fn finished(router: Router<Shared>, state: Shared) -> Router {
    let state_of_observer = state.clone();
    router
        .with_state(state)
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(state_of_observer, observe))
        // Bodies are limited where they are read, each kind by its own measure.
        .layer(DefaultBodyLimit::disable())
}

/// Trust's own paths, and what needs no key.
pub(crate) fn trust_alone(state: Shared) -> Router {
    let (router, _) = trust_routes().merge(probe_routes()).split_for_parts();
    finished(router, state)
}

/// Transform's own paths, and what needs no key.
pub(crate) fn transform_alone(state: Shared) -> Router {
    let (router, _) = transform_routes().merge(probe_routes()).split_for_parts();
    finished(router, state)
}

fn transform_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(execute::execute_upload))
        .routes(routes!(execute::execute_uploads))
        .routes(routes!(promotion::promote))
        .routes(routes!(privacy::scan))
        .routes(routes!(privacy::releases, privacy::release))
        .routes(routes!(transform::upload_raw))
        .routes(routes!(transform::stats))
}

fn trust_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(trust::permit))
        .routes(routes!(notary::sign))
        .routes(routes!(notary::verify))
        .routes(routes!(notary::transparency))
        .routes(routes!(notary::entry))
        .routes(routes!(notary::sign_artifact))
        .routes(routes!(notary::verify_chain))
        .routes(routes!(provenance::provenance))
        .routes(routes!(trust::stats))
        .routes(routes!(trust::health))
        .routes(routes!(trust::ready))
        .routes(routes!(trust::revocations, trust::revoke))
        .routes(routes!(trust::tainted))
}

/// The routes and their description.
pub(crate) fn described() -> (Router<Shared>, OpenApi) {
    let (router, mut api) = OpenApiRouter::with_openapi(openapi::Document::openapi())
        .routes(routes!(submit::submit, scans::list))
        .routes(routes!(submit::submit_batch))
        .routes(routes!(uploads::upload_archive))
        .routes(routes!(scans::show))
        .routes(routes!(publication::request, publication::show))
        .routes(routes!(queue::cancel))
        .routes(routes!(queue::replay))
        .routes(routes!(stream::follow))
        .routes(routes!(artifacts::list))
        .routes(routes!(artifacts::download))
        .routes(routes!(findings::list))
        .routes(routes!(audit::list))
        .routes(routes!(api_keys::list_own, api_keys::create_own))
        .routes(routes!(api_keys::revoke_own))
        .routes(routes!(git_credentials::list, git_credentials::keep))
        .routes(routes!(git_credentials::drop))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::drop))
        .merge(trust_routes())
        .merge(transform_routes())
        .routes(routes!(admin::list_tenants, admin::create_tenant))
        .routes(routes!(admin::change_tenant))
        .routes(routes!(admin::list_users, admin::create_user))
        .routes(routes!(admin::change_user))
        .routes(routes!(api_keys::list_all, api_keys::create_any))
        .routes(routes!(api_keys::revoke_any))
        .merge(probe_routes())
        .split_for_parts();
    // The one path that goes on over slashes is written in two ways.
    let wild = std::mem::take(&mut api.paths.paths);
    api.paths.paths = wild.into_iter().map(|(path, item)| (path.replace("{*path}", "{path}"), item)).collect();
    (router, api)
}
