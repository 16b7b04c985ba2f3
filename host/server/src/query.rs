//! Queries, and the texts in them.

use std::fmt;
use std::num::TryFromIntError;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use certus_model::ScanId;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::fields::plain;
use crate::problem::{Kind, Problem};

/// The query of a request; parameters that it does not know are refused, for a misspelt filter would show
/// everything.
#[derive(Debug)]
pub(crate) struct Filter<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Filter<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                let what = certus_model::escape::one_line(&rejection.body_text(), 300);
                Err(Problem::new(Kind::BadQuery, what))
            }
        }
    }
}

/// The number of an event. The database counts no further than this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub(crate) struct Seq(pub(crate) i64);

impl TryFrom<u64> for Seq {
    type Error = TryFromIntError;

    fn try_from(number: u64) -> Result<Self, TryFromIntError> {
        i64::try_from(number).map(Self)
    }
}

/// A text that may be looked for: short and printable.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text(String);

impl TryFrom<String> for Text {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        plain(&text, 1024).map_err(|problem| format!("the text {problem}"))?;
        Ok(Self(text))
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The scan that a path names. One that nobody can have is as unknown as one that nobody has.
#[derive(Debug)]
pub(crate) struct ScanPath(pub(crate) ScanId);

impl<S: Send + Sync> FromRequestParts<S> for ScanPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Named {
            test_id: String,
        }
        let path = axum::extract::Path::<Named>::from_request_parts(parts, state).await;
        let named = path.map_err(|_| Problem::scan_not_found())?;
        named.test_id.parse().map(Self).map_err(|_| Problem::scan_not_found())
    }
}

/// The one id that a path names, of anything but a scan.
#[derive(Debug)]
pub(crate) struct IdPath(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for IdPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let unknown = || Problem::new(Kind::NotFound, "There is no such thing");
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let axum::extract::Path(id) = path.map_err(|_| unknown())?;
        plain(&id, 64).map_err(|_| unknown())?;
        Ok(Self(id))
    }
}

/// A time in a query, in milliseconds since 1970.
///
/// # Errors
/// A text that is none.
pub(crate) fn moment(name: &str, given: Option<&str>) -> Result<Option<i64>, Problem> {
    let Some(text) = given else { return Ok(None) };
    let none = || Problem::new(Kind::BadQuery, format!("`{name}` has to be a time such as 2026-01-01T00:00:00Z"));
    crate::time::parse(text).map(Some).ok_or_else(none)
}
