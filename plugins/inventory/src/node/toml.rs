//! TOML with spans. The `toml` crate itself refuses what nests more than 80 deep.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Budget, Member, Node, Value};
use crate::error::Error;

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Node<'_>, Error> {
    let table = DeTable::parse(text)
        .map_err(|error| Error::Syntax { format: "TOML", at: error.span().map_or(0, |span| span.start) })?;
    let mut budget = Budget::default();
    table_node(table.into_inner(), 0..0, 0, &mut budget)
}

fn node<'a>(value: Spanned<DeValue<'a>>, depth: usize, budget: &mut Budget) -> Result<Node<'a>, Error> {
    let mut span = value.span();
    budget.take(depth, span.start)?;
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text),
        DeValue::Integer(number) => Value::Text(Cow::Owned(number.to_string())),
        DeValue::Float(number) => Value::Text(Cow::Owned(number.to_string())),
        DeValue::Boolean(flag) => Value::Text(Cow::Borrowed(if flag { "true" } else { "false" })),
        DeValue::Datetime(time) => Value::Text(Cow::Owned(time.to_string())),
        DeValue::Array(items) => {
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                let item = node(item, depth + 1, budget)?;
                span = join(&span, &item.span);
                list.push(item);
            }
            Value::List(list)
        }
        DeValue::Table(table) => return table_node(table, span, depth, budget),
    };
    Ok(Node { span, value })
}

/// The span of a table is that of its header; what stands below the header belongs to it as well.
fn table_node<'a>(
    table: DeTable<'a>,
    header: Range<usize>,
    depth: usize,
    budget: &mut Budget,
) -> Result<Node<'a>, Error> {
    let mut span = header;
    let mut members = Vec::with_capacity(table.len());
    for (key, value) in table {
        let node = node(value, depth + 1, budget)?;
        let member = join(&key.span(), &node.span);
        span = join(&span, &member);
        members.push(Member { key: key.into_inner(), span: member, node });
    }
    // The crate sorts by key; the order of the file is what the other formats give.
    members.sort_by_key(|member| member.span.start);
    Ok(Node { span, value: Value::Map(members) })
}

fn join(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    if a.is_empty() {
        return b.clone();
    }
    if b.is_empty() {
        return a.clone();
    }
    a.start.min(b.start)..a.end.max(b.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reaches_from_its_header_to_its_last_value() {
        let text =
            "version = 3\n\n[[package]]\nname = \"é\"\n[package.metadata]\nq = [1]\n\n[[package]]\nname = \"b\"\n";
        let document = parse(text).unwrap();
        assert_eq!(document.text("version"), Some("3"));
        let [first, second] = document.items_of("package") else { panic!("two packages") };
        assert_eq!(&text[first.span.clone()], "[[package]]\nname = \"é\"\n[package.metadata]\nq = [1]");
        assert_eq!(&text[second.span.clone()], "[[package]]\nname = \"b\"");
    }

    #[test]
    fn what_is_not_toml_is_an_error() {
        for (name, text) in [
            ("truncated", "[[package]]\nname = \"a".to_owned()),
            ("a key twice", "a = 1\na = 2".to_owned()),
            ("10,000 deep", format!("a = {}", "[".repeat(10_000))),
            ("10,000 dotted keys", format!("{}a = 1", "a.".repeat(10_000))),
        ] {
            let format = "TOML";
            assert!(matches!(parse(&text), Err(Error::Syntax { format: f, .. }) if f == format), "{name}");
        }
    }
}
