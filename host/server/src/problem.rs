//! Answers that are no: RFC 9457, with types that stay. The `problem_details` crate has the document; what is here is
//! what it has not: a closed set of types, causes that go to the log alone, and a schema of the version in use.

use std::borrow::Cow;
use std::error::Error as Cause;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use certus_store::Error as StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// Where the types are described: docs/operations/api.md has a row for each.
const BASE: &str = "https://certus.dev/problems/";

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:ident, $title:literal;)+) => {
        /// What kind of no. The words are part of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind { $($(#[$doc])* $name,)+ }

        impl Kind {
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name),+];

            pub(crate) const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

kinds! {
    BadRequest = "bad-request", BAD_REQUEST, "The request cannot be read";
    BadQuery = "bad-query", BAD_REQUEST, "The query cannot be read";
    BadCursor = "bad-cursor", BAD_REQUEST, "The cursor is not one that this service gave out";
    UnsupportedFile = "unsupported-file", BAD_REQUEST, "The file is no archive of a known kind";
    NotSucceeded = "not-succeeded", BAD_REQUEST, "The scan has not succeeded";
    KeyMissing = "idempotency-key-missing", BAD_REQUEST, "An Idempotency-Key is required";
    KeyInvalid = "idempotency-key-invalid", BAD_REQUEST, "The Idempotency-Key is not valid";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A valid API key is required";
    Forbidden = "forbidden", FORBIDDEN, "The API key does not permit this";
    ForeignOrigin = "foreign-origin", FORBIDDEN, "Pages of this origin may not ask";
    NotLoopback = "not-loopback", FORBIDDEN, "Only this machine may ask";
    NotFound = "not-found", NOT_FOUND, "There is no such thing";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The method is not one of this path";
    NotAcceptable = "not-acceptable", NOT_ACCEPTABLE, "There is no such form of it";
    RequestTimeout = "request-timeout", REQUEST_TIMEOUT, "The request took too long to arrive";
    KeyMismatch = "idempotency-mismatch", CONFLICT, "The Idempotency-Key was used for another request";
    KeyInProgress = "idempotency-in-progress", CONFLICT, "A request with this Idempotency-Key is being processed";
    ScanEnded = "scan-ended", CONFLICT, "The scan has ended";
    NotDeadLetter = "not-dead-letter", CONFLICT, "The scan's job was not given up";
    NotFinished = "not-finished", CONFLICT, "The scan has not ended";
    NoReport = "no-report", CONFLICT, "The scan ended without a report";
    NoMasterKey = "no-master-key", CONFLICT, "This service keeps no secrets";
    OtherPermission = "other-permission", CONFLICT, "The permission is for something else";
    NotPermitted = "not-permitted", CONFLICT, "Trust has not permitted it";
    NoDestination = "no-destination", CONFLICT, "This process looks after no stored objects";
    Exists = "exists", CONFLICT, "There is one of that name";
    Pruned = "pruned", GONE, "The bundle was removed by the rules of retention";
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "The request is too large";
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body is of another kind than this takes";
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "The request has fields that are not valid";
    Undecided = "undecided", SERVICE_UNAVAILABLE, "Trust could not decide, so nothing is permitted";
    Internal = "internal", INTERNAL_SERVER_ERROR, "The service failed";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service cannot answer now";
    TooManyStreams = "too-many-streams", SERVICE_UNAVAILABLE, "Too many streams are open";
}

/// An answer that is no. What a client is shown says nothing of the inside; the cause is for the log.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: Kind,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after: Option<u32>,
    cause: Option<Arc<dyn Cause + Send + Sync>>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Which field.
    #[schema(example = "git_url")]
    pub(crate) field: String,
    /// What is wrong and what to do.
    #[schema(example = "is required where `source_type` is `git`")]
    pub(crate) detail: String,
}

/// Why the answer is no (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// What kind of problem, for programs: an address that stays the same.
    #[serde(rename = "type")]
    #[schema(example = "https://certus.dev/problems/not-found")]
    kind: String,
    /// What kind of problem, for people.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What is wrong this time.
    #[schema(example = "Scan not found")]
    detail: String,
    /// What the log calls this request.
    request_id: String,
    /// The fields that are not valid, where it is about fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { kind, detail: detail.into(), errors: Vec::new(), retry_after: None, cause: None }))
    }

    /// Fields that are not valid; never an empty list.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [FieldError { field, detail }] => format!("`{field}` {detail}"),
            many => format!("{} fields are not valid", many.len()),
        };
        let mut problem = Self::new(Kind::Invalid, detail);
        problem.0.errors = errors;
        problem
    }

    /// The old service's words for it.
    pub(crate) fn scan_not_found() -> Self {
        Self::new(Kind::NotFound, "Scan not found")
    }

    /// A fault of ours: the cause goes to the log alone.
    pub(crate) fn internal(cause: impl Cause + Send + Sync + 'static) -> Self {
        let mut problem = Self::new(Kind::Internal, "Something failed; the request id finds it in the log");
        problem.0.cause = Some(Arc::new(cause));
        problem
    }

    /// The store cannot answer for now: the cause goes to the log alone.
    pub(crate) fn unavailable(cause: StoreError, seconds: u32) -> Self {
        let mut problem = Self::new(Kind::Unavailable, "The store does not answer; try again").retry_after(seconds);
        problem.0.cause = Some(Arc::new(cause));
        problem
    }

    /// The same, and what happened before it.
    pub(crate) fn told_after(mut self, before: &str) -> Self {
        self.0.detail = format!("{before}. {}", self.0.detail).into();
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What is wrong this time.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    pub(crate) fn cause(&self) -> Option<&(dyn Cause + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }

    /// What a client is shown.
    pub(crate) fn body(&self, request_id: &str) -> ProblemBody {
        let Inner { kind, detail, errors, .. } = &*self.0;
        ProblemBody {
            kind: format!("{BASE}{}", kind.word()),
            title: kind.title().to_owned(),
            status: kind.status().as_u16(),
            detail: detail.clone().into_owned(),
            request_id: request_id.to_owned(),
            errors: errors.clone(),
        }
    }

    /// The whole answer.
    pub(crate) fn answer(&self, request_id: &str) -> Response {
        let body = serde_json::to_vec(&self.body(request_id)).expect("a problem is text and numbers");
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (self.kind().status(), [(header::CONTENT_TYPE, json)], body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.kind() == Kind::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"certus\""));
        }
        response
    }
}

impl IntoResponse for Problem {
    /// Only carries the problem out: `observe` knows the request's id, writes the body and logs the cause.
    fn into_response(self) -> Response {
        let mut response = self.kind().status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_transient() { Self::unavailable(error, 1) } else { Self::internal(error) }
    }
}

impl From<crate::Error> for Problem {
    fn from(error: crate::Error) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_described() {
        let page = include_str!("../../../docs/operations/api.md");
        for kind in Kind::ALL {
            assert!(page.contains(&format!("| `{}` | {} |", kind.word(), kind.status().as_u16())), "{kind:?}");
        }
    }

    #[test]
    fn causes_stay_inside() {
        let problem = Problem::internal(std::io::Error::other("/srv/secret"));
        let body = serde_json::to_string(&problem.body("r")).unwrap();
        assert!(!body.contains("secret") && problem.cause().unwrap().to_string().contains("secret"), "{body}");
    }
}
