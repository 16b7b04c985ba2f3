//! The fields of a JSON object, read one by one, so that a client is told of all that is wrong at once.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use certus_model::escape::{is_printable, one_line};
use serde_json::{Map, Value};

use crate::problem::FieldError;

/// What is left of an object to read, and what was wrong so far.
#[derive(Debug)]
pub(crate) struct Fields {
    map: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// # Errors
    /// Anything but an object.
    pub(crate) fn of(value: Value) -> Result<Self, Vec<FieldError>> {
        match value {
            Value::Object(map) => Ok(Self { map, errors: Vec::new() }),
            _ => Err(vec![FieldError { field: "(body)".to_owned(), detail: "has to be an object".to_owned() }]),
        }
    }

    pub(crate) fn error(&mut self, field: &str, detail: impl Into<String>) {
        self.errors.push(FieldError { field: field.to_owned(), detail: detail.into() });
    }

    pub(crate) fn is_absent(&self, field: &str) -> bool {
        self.map.get(field).is_none_or(Value::is_null)
    }

    /// A value as it is; `null` is as good as absent.
    pub(crate) fn take(&mut self, field: &str) -> Option<Value> {
        self.map.remove(field).filter(|value| !value.is_null())
    }

    /// A text of at most `max` bytes without control characters.
    pub(crate) fn text(&mut self, field: &str, max: usize) -> Option<String> {
        let Value::String(text) = self.take(field)? else {
            self.error(field, "has to be text");
            return None;
        };
        match plain(&text, max) {
            Ok(()) => Some(text),
            Err(detail) => {
                self.error(field, detail);
                None
            }
        }
    }

    /// A text that reads as `T`.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, field: &str) -> Option<T> {
        let text = self.text(field, 1024)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(field, format!("is not valid: {error}"));
                None
            }
        }
    }

    pub(crate) fn required<T: FromStr<Err: Display>>(&mut self, field: &str) -> Option<T> {
        if self.is_absent(field) {
            self.error(field, "is required");
        }
        self.parsed(field)
    }

    pub(crate) fn required_text(&mut self, field: &str, max: usize) -> Option<String> {
        if self.is_absent(field) {
            self.error(field, "is required");
        }
        self.text(field, max)
    }

    pub(crate) fn number(&mut self, field: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.take(field)?;
        match value.as_u64().filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                self.error(field, format!("has to be a whole number from {} to {}", range.start(), range.end()));
                None
            }
        }
    }

    pub(crate) fn flag(&mut self, field: &str) -> Option<bool> {
        let value = self.take(field)?;
        if !value.is_boolean() {
            self.error(field, "has to be true or false");
        }
        value.as_bool()
    }

    /// What was read, if nothing was wrong and nothing is left over.
    ///
    /// # Errors
    /// Everything that was wrong; fields that nobody asked for are.
    pub(crate) fn finish<T>(mut self, read: Option<T>) -> Result<T, Vec<FieldError>> {
        for (field, _) in std::mem::take(&mut self.map) {
            self.error(&one_line(&field, 60), "is not a field of this request");
        }
        match read {
            Some(read) if self.errors.is_empty() => Ok(read),
            _ => Err(self.errors),
        }
    }
}

/// Whether a text may be kept and shown: databases refuse NUL, terminals and logs the rest.
pub(crate) fn plain(text: &str, max: usize) -> Result<(), String> {
    if text.is_empty() {
        Err("is empty".to_owned())
    } else if text.len() > max {
        Err(format!("is longer than {max} bytes"))
    } else if !text.chars().all(is_printable) {
        Err("holds characters that cannot be shown".to_owned())
    } else {
        Ok(())
    }
}
