use std::fmt;
use std::time::{Duration, SystemTime};

use reqwest::Response;
use serde::Deserialize;

use crate::error::{Error, shown};
use crate::fetch::body;
use crate::webhook::retry_after;

/// Largest problem that is read, in bytes.
const PROBLEM: usize = 64 << 10;

/// What a service says where it says no (RFC 9457). Every text is printable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The status of the answer.
    pub status: u16,
    /// Which kind it is: the last part of its type, as in `not-found`; empty where the answer names none.
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// What is wrong this time.
    pub detail: String,
    /// What is wrong with which field.
    pub fields: Vec<(String, String)>,
    /// What the service's log calls the request.
    pub request_id: Option<String>,
    /// How long the service asks to be left alone.
    pub retry_after: Option<Duration>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct UnverifiedProblem {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    detail: String,
    request_id: Option<String>,
    errors: Vec<UnverifiedField>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct UnverifiedField {
    field: String,
    detail: String,
}

impl Problem {
    /// Reads an answer that is no. One that is no problem document has its status alone: a proxy on the way may
    /// say what it likes.
    pub(super) async fn read(url: &str, response: Response) -> Error {
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers(), SystemTime::now());
        let said = match body(url, response, PROBLEM).await {
            Ok(bytes) => serde_json::from_slice::<UnverifiedProblem>(&bytes).unwrap_or_default(),
            Err(error @ (Error::NoAnswer { .. } | Error::TimedOut { .. })) => return error,
            Err(_) => UnverifiedProblem::default(),
        };
        Error::Problem(Box::new(Self {
            status,
            kind: shown(said.kind.rsplit('/').next().unwrap_or_default()),
            title: shown(&said.title),
            detail: shown(&said.detail),
            fields: said.errors.iter().take(20).map(|e| (shown(&e.field), shown(&e.detail))).collect(),
            request_id: said.request_id.map(|id| shown(&id)),
            retry_after,
        }))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = if self.detail.is_empty() { &self.title } else { &self.detail };
        write!(f, "the service answers {}", self.status)?;
        if !words.is_empty() {
            write!(f, ": {words}")?;
        }
        for (field, detail) in &self.fields {
            let told = format!("`{field}` {detail}");
            if !words.contains(&told) {
                write!(f, "; {told}")?;
            }
        }
        match &self.request_id {
            Some(id) if self.status >= 500 => write!(f, " (request {id})"),
            _ => Ok(()),
        }
    }
}
