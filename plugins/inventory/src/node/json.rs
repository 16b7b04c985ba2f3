//! JSON with spans.
//!
//! `serde_json` has no spans, but a raw value borrows from the input, and where it lies there is
//! its span. Each level is scanned once more than the one above it; [`super::MAX_DEPTH`] bounds that.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Budget, Member, Node, Value};
use crate::error::Error;

/// Reads a document. A key that stands twice in one object is an error: readers differ in which of
/// the two they take.
pub(crate) fn parse(text: &str) -> Result<Node<'_>, Error> {
    let mut reader = Reader { text, budget: Budget::default() };
    let raw = serde_json::from_str(text).map_err(|error| reader.syntax(0, &error))?;
    reader.node(raw, 0)
}

struct Reader<'a> {
    text: &'a str,
    budget: Budget,
}

impl<'a> Reader<'a> {
    fn node(&mut self, raw: &'a RawValue, depth: usize) -> Result<Node<'a>, Error> {
        let span = self.span(raw);
        self.budget.take(depth, span.start)?;
        let value = match raw.get().as_bytes().first() {
            Some(b'{') => Value::Map(self.members(raw, span.start, depth)?),
            Some(b'[') => {
                let items: Vec<&RawValue> = self.decode(raw, span.start)?;
                let items = items.into_iter().map(|item| self.node(item, depth + 1));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Value::Text(self.decode::<Text<'a>>(raw, span.start)?.0),
            Some(b'n') => Value::Null,
            _ => Value::Text(Cow::Borrowed(raw.get())),
        };
        Ok(Node { span, value })
    }

    fn members(&mut self, raw: &'a RawValue, at: usize, depth: usize) -> Result<Vec<Member<'a>>, Error> {
        let raw: RawMembers<'a> = self.decode(raw, at)?;
        let mut seen = BTreeSet::new();
        let mut members = Vec::with_capacity(raw.0.len());
        let mut gap = at;
        for (key, value) in &raw.0 {
            let node = self.node(value, depth + 1)?;
            // Between the last value and this one stand a comma, this key and a colon.
            let start = self.text[gap..node.span.start].find('"');
            let start = start.map_or(node.span.start, |quote| gap + quote);
            gap = node.span.end;
            if !seen.insert(key.as_ref()) {
                return Err(Error::DuplicateKey { at: start });
            }
            members.push(Member { key: key.clone(), span: start..node.span.end, node });
        }
        Ok(members)
    }

    fn decode<T: Deserialize<'a>>(&self, raw: &'a RawValue, at: usize) -> Result<T, Error> {
        serde_json::from_str(raw.get()).map_err(|error| self.syntax(at, &error))
    }

    fn span(&self, raw: &RawValue) -> Range<usize> {
        let start = raw.get().as_ptr() as usize - self.text.as_ptr() as usize;
        start..start + raw.get().len()
    }

    /// Turns a line and a column into an offset. Both begin at 1, the column counts bytes.
    fn syntax(&self, at: usize, error: &serde_json::Error) -> Error {
        let lines = self.text[at..].split_inclusive('\n');
        let before: usize = lines.take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = at + before + error.column().saturating_sub(1);
        Error::Syntax { format: "JSON", at: at.min(self.text.len()) }
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct RawMembers<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = RawMembers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<Text<'de>, &RawValue>()? {
                    members.push((key.0, value));
                }
                Ok(RawMembers(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_bytes() {
        let text = "{ \"é\" : [1, \"x\\n\"],\r\n \"b\\\"\":{\"c\":null} }";
        let node = parse(text).unwrap();
        let [list, map] = node.members() else { panic!("two members") };
        assert_eq!(&text[list.span.clone()], "\"é\" : [1, \"x\\n\"]");
        assert_eq!(list.node.items()[1].as_text(), Some("x\n"));
        assert_eq!(map.key, "b\"");
        assert_eq!(&text[map.span.clone()], "\"b\\\"\":{\"c\":null}");
        assert_eq!(map.node.get("c").unwrap().value, Value::Null);
    }

    #[test]
    fn what_is_not_json_says_where() {
        for (name, text, at) in [
            ("truncated", "{\"a\": [1,", 9),
            ("trailing comma", "{\"a\":1,}", 7),
            ("second line", "{\n \"a\": x}", 8),
            ("empty", "", 0),
            ("lone surrogate", "[\"\\ud800\"]", 9),
        ] {
            match parse(text) {
                Err(Error::Syntax { format, at: found }) => {
                    assert_eq!(format, "JSON");
                    assert!(found.abs_diff(at) <= 1, "{name}: {found}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_where_it_stands() {
        let text = r#"{"a": {"x": 1, "y": 2, "x": 3}}"#;
        assert_eq!(parse(text), Err(Error::DuplicateKey { at: 23 }));
        let spelt_otherwise = r#"{"x": 1, "\u0078": 3}"#;
        assert_eq!(parse(spelt_otherwise), Err(Error::DuplicateKey { at: 9 }));
    }

    #[test]
    fn nesting_and_number_are_bounded() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert_eq!(parse(&deep), Err(Error::TooDeep { at: 129, limit: 128 }));
        let wide = format!("[{}0]", "0,".repeat(1_000_000));
        assert_eq!(parse(&wide), Err(Error::TooMany { limit: 1_000_000 }));
    }
}
