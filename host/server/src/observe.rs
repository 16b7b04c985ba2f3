//! Round every request: its id, its line in the log, its place in the counters, the body of its problem.

use std::any::Any;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument as _;

use crate::problem::{Kind, Problem};
use crate::state::Shared;

const REQUEST_ID: &str = "x-request-id";

/// What the log calls a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// Neither the query nor any header is logged: both may hold secrets.
pub(crate) async fn observe(State(state): State<Shared>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = request_id(&request);
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", request_id = id, method, route);
    if let Some(trace) = request.headers().get("traceparent").and_then(|trace| trace.to_str().ok()) {
        (state.config.tracing.adopt)(&span, trace);
    }
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).instrument(span.clone()).await;
    let _in_span = span.enter();
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        if let Some(cause) = problem.cause() {
            tracing::error!(error = cause, "a request failed");
        }
        response = with_body(response, &problem, &id);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let took = begun.elapsed();
    state.services.metrics.request(method, &route, response.status().as_u16(), took);
    tracing::debug!(status = response.status().as_u16(), duration_ms = took.as_millis() as u64, "answered");
    response
}

/// The problem's own answer, with the headers that the first one had beside its body.
fn with_body(empty: Response, problem: &Problem, id: &str) -> Response {
    let mut response = problem.answer(id);
    for (name, value) in empty.headers() {
        if !response.headers().contains_key(name) && name != header::CONTENT_LENGTH {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// The client's, if it is a plain one, so that it finds its request in the log.
fn request_id(request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let plain = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    given.filter(plain).map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

/// A client can invent methods, and each would be a series of its own.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// What a handler panicked with is for the log; it has been printed by the panic hook.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    #[derive(Debug, thiserror::Error)]
    #[error("a handler panicked")]
    struct Panicked;
    Problem::internal(Panicked).into_response()
}

pub(crate) async fn unknown_path() -> Problem {
    Problem::new(Kind::NotFound, "There is nothing at this path; /docs shows what there is")
}

pub(crate) async fn unknown_method() -> Problem {
    Problem::new(Kind::MethodNotAllowed, "The `Allow` header names the methods of this path")
}
