//! Statements whose text is put together, and rows that are taken apart.

use sqlx::any::{Any, AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Row as _};

use crate::database::Reach;
use crate::error::Error;

/// A value of a statement: the two types that both databases share.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Number(Option<i64>),
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

/// A statement in the making. Text is the code's own, every value is bound.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    text: String,
    values: Vec<Value>,
}

impl Statement {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Adds text of the program.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let number = self.values.len();
        self.text.push_str(&format!("${number}"));
        self
    }

    /// Adds a condition on the tenant, where only one may be seen: the first wall, in one place.
    pub(crate) fn within(&mut self, reach: Reach<'_>, condition: &str) -> &mut Self {
        match reach.tenant() {
            Some(tenant) => self.push(condition).bind(tenant.as_str()),
            None => self,
        }
    }

    /// Adds `(a, b, …)`.
    pub(crate) fn row(&mut self, values: impl IntoIterator<Item = Value>) -> &mut Self {
        for (at, value) in values.into_iter().enumerate() {
            self.push(if at == 0 { "(" } else { ", " }).bind(value);
        }
        self.push(")")
    }

    pub(crate) fn query(self) -> Query<'static, Any, AnyArguments> {
        self.values.into_iter().fold(sqlx::query(AssertSqlSafe(self.text)), |query, value| match value {
            Value::Number(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
        })
    }
}

/// A row, read by the names of its columns.
pub(crate) struct Columns<'a>(pub(crate) &'a AnyRow);

impl Columns<'_> {
    pub(crate) fn number(&self, name: &'static str) -> Result<i64, Error> {
        Ok(self.0.try_get(name)?)
    }

    pub(crate) fn maybe_number(&self, name: &'static str) -> Result<Option<i64>, Error> {
        Ok(self.0.try_get(name)?)
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<String, Error> {
        Ok(self.0.try_get(name)?)
    }

    pub(crate) fn maybe_text(&self, name: &'static str) -> Result<Option<String>, Error> {
        Ok(self.0.try_get(name)?)
    }

    /// A text that has a type.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, Error> {
        self.text(name)?.parse().map_err(|_| Error::Malformed { what: name })
    }

    pub(crate) fn maybe_parsed<T: std::str::FromStr>(&self, name: &'static str) -> Result<Option<T>, Error> {
        let text = self.maybe_text(name)?;
        text.map(|text| text.parse().map_err(|_| Error::Malformed { what: name })).transpose()
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, name: &'static str) -> Result<T, Error> {
        serde_json::from_str(&self.text(name)?).map_err(|_| Error::Malformed { what: name })
    }
}

/// JSON text of what always serialises.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("keys are text and numbers finite")
}
