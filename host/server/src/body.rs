//! JSON bodies: of bounded size, within bounded time, of one reading.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt as _;
use serde_json::Value;

use crate::json;
use crate::problem::{Kind, Problem};
use crate::state::Shared;

/// From how many bytes on a body is read beside the requests of others.
const LONG: usize = 256 * 1024;

/// The JSON body of a request.
#[derive(Debug)]
pub(crate) struct Json(pub(crate) Value);

/// The JSON body of a request for a permit, which holds a bundle's findings.
#[derive(Debug)]
pub(crate) struct Large(pub(crate) Value);

impl FromRequest<Shared> for Json {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, Problem> {
        parsed(request, state, state.config.limits.json_bytes).await.map(Self)
    }
}

impl FromRequest<Shared> for Large {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, Problem> {
        parsed(request, state, state.config.limits.submission_bytes).await.map(Self)
    }
}

async fn parsed(request: Request, state: &Shared, most: usize) -> Result<Value, Problem> {
    let is_json = content_type(request.headers()).is_some_and(|kind| {
        kind.eq_ignore_ascii_case("application/json")
            || kind.to_ascii_lowercase().strip_prefix("application/").is_some_and(|rest| rest.ends_with("+json"))
    });
    if !is_json {
        return Err(Problem::new(Kind::UnsupportedMediaType, "Send `Content-Type: application/json`"));
    }
    let bytes = read(request, state, most).await?;
    let read = match bytes.len() > LONG {
        true => tokio::task::spawn_blocking(move || json::parse(&bytes)).await.map_err(Problem::internal)?,
        false => json::parse(&bytes),
    };
    read.map_err(|error| {
        let what = certus_model::escape::one_line(&error.to_string(), 200);
        Problem::new(Kind::BadRequest, format!("The body is not JSON that can be read: {what}"))
    })
}

async fn read(request: Request, state: &Shared, most: usize) -> Result<Vec<u8>, Problem> {
    let limits = &state.config.limits;
    let too_large = || Problem::new(Kind::TooLarge, format!("The body may have {most} bytes"));
    plain_encoding(request.headers())?;
    if declared_length(request.headers()).is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    let mut parts = request.into_body().into_data_stream();
    let collect = async {
        let mut body = Vec::new();
        while let Some(part) = parts.next().await {
            let part = part.map_err(|_| Problem::new(Kind::BadRequest, "The body ended too early"))?;
            if body.len() + part.len() > most {
                return Err(too_large());
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    };
    let late = |_| Problem::new(Kind::RequestTimeout, "The body did not arrive in time");
    tokio::time::timeout(limits.body_read, collect).await.map_err(late)?
}

pub(crate) fn content_type(headers: &HeaderMap) -> Option<&str> {
    Some(headers.get(header::CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim())
}

pub(crate) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A packed body would be limited in its packed form only.
pub(crate) fn plain_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => {
            Err(Problem::new(Kind::UnsupportedMediaType, "Send the body without `Content-Encoding`"))
        }
        _ => Ok(()),
    }
}
