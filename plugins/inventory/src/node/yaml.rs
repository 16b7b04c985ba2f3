//! YAML with spans, built from events, so that an alias is seen before anything is copied.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::{Budget, Member, Node, Value};
use crate::error::Error;

/// Reads the documents of a stream. Anchors and aliases are refused.
pub(crate) fn parse(text: &str) -> Result<Vec<Node<'_>>, Error> {
    let offsets = Offsets::of(text);
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| Error::Syntax { format: "YAML", at: offsets.byte(error.marker().index()) })?;
        let at = offsets.byte(span.start.index());
        let end = offsets.byte(span.end.index());
        match event {
            Event::Alias(_) => return Err(Error::Alias { at }),
            Event::Scalar(_, _, 1.., _) | Event::SequenceStart(1.., _) | Event::MappingStart(1.., _) => {
                return Err(Error::Alias { at });
            }
            Event::Scalar(text, style, _, _) => builder.scalar(text, style, at, end)?,
            Event::SequenceStart(..) => builder.open(at, Open::List(Vec::new()))?,
            Event::MappingStart(..) => builder.open(at, Open::Map(Map::default()))?,
            Event::SequenceEnd | Event::MappingEnd => builder.close(at..end)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
    }
    Ok(builder.documents)
}

#[derive(Default)]
struct Builder<'a> {
    budget: Budget,
    /// Collections that have begun, with the byte at which they did, outermost first.
    open: Vec<(usize, Open<'a>)>,
    documents: Vec<Node<'a>>,
}

enum Open<'a> {
    List(Vec<Node<'a>>),
    Map(Map<'a>),
}

#[derive(Default)]
struct Map<'a> {
    members: Vec<Member<'a>>,
    seen: BTreeSet<Cow<'a, str>>,
    /// A key whose value has not come yet, and where it begins.
    key: Option<(Cow<'a, str>, usize)>,
}

impl<'a> Builder<'a> {
    fn scalar(&mut self, text: Cow<'a, str>, style: ScalarStyle, at: usize, end: usize) -> Result<(), Error> {
        self.budget.take(self.open.len(), at)?;
        if let Some((_, Open::Map(map))) = self.open.last_mut()
            && map.key.is_none()
        {
            if !map.seen.insert(text.clone()) {
                return Err(Error::DuplicateKey { at });
            }
            map.key = Some((text, at));
            return Ok(());
        }
        let plain = style == ScalarStyle::Plain;
        let value = if plain && matches!(text.as_ref(), "" | "~" | "null") { Value::Null } else { Value::Text(text) };
        self.push(Node { span: at..end, value })
    }

    fn open(&mut self, at: usize, open: Open<'a>) -> Result<(), Error> {
        self.budget.take(self.open.len(), at)?;
        if let Some((_, Open::Map(Map { key: None, .. }))) = self.open.last() {
            // A collection as a key: YAML allows it, no lock file has it.
            return Err(Error::Syntax { format: "YAML", at });
        }
        self.open.push((at, open));
        Ok(())
    }

    /// A flow collection ends with its bracket. A block ends, for the parser, where the next token
    /// begins; here it ends with its last value, so that evidence shows no blank lines.
    fn close(&mut self, bracket: Range<usize>) -> Result<(), Error> {
        let Some((at, open)) = self.open.pop() else {
            return Ok(());
        };
        let (last, value) = match open {
            Open::List(items) => (items.last().map(|item| item.span.end), Value::List(items)),
            Open::Map(map) => (map.members.last().map(|member| member.span.end), Value::Map(map.members)),
        };
        let end = if bracket.is_empty() { last.unwrap_or(at) } else { bracket.end };
        self.push(Node { span: at..end.max(at), value })
    }

    fn push(&mut self, node: Node<'a>) -> Result<(), Error> {
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some((_, Open::List(items))) => items.push(node),
            Some((_, Open::Map(map))) => {
                let Some((key, start)) = map.key.take() else {
                    return Err(Error::Syntax { format: "YAML", at: node.span.start });
                };
                map.members.push(Member { key, span: start..node.span.end.max(start), node });
            }
        }
        Ok(())
    }
}

/// Turns the parser's positions, which count characters, into bytes.
enum Offsets {
    Ascii(usize),
    Table(Vec<usize>),
}

impl Offsets {
    fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self::Ascii(text.len());
        }
        let ends = text.char_indices().map(|(at, _)| at);
        Self::Table(ends.chain([text.len()]).collect())
    }

    fn byte(&self, character: usize) -> usize {
        match self {
            Self::Ascii(length) => character.min(*length),
            Self::Table(table) => {
                let last = table.last().copied().unwrap_or_default();
                table.get(character).copied().unwrap_or(last)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_bytes() {
        let text = "version: '9.0'\r\n\r\n'é':\r\n  - a: {b: c}\r\n    n: ~\r\n\r\nlast: \"~\"\r\n";
        let documents = parse(text).unwrap();
        let [document] = documents.as_slice() else { panic!("one document") };
        let [version, list, last] = document.members() else { panic!("three members") };
        assert_eq!(version.node.as_text(), Some("9.0"));
        assert_eq!(&text[list.span.clone()], "'é':\r\n  - a: {b: c}\r\n    n: ~");
        assert_eq!(list.node.items()[0].get("n").map(|n| &n.value), Some(&Value::Null));
        let flow = list.node.items()[0].get("a").unwrap();
        assert_eq!(&text[flow.span.clone()], "{b: c}");
        assert_eq!(last.node.as_text(), Some("~"));
    }

    #[test]
    fn documents_of_one_stream_stay_apart() {
        let documents = parse("---\na: 1\n---\na: 2\n").unwrap();
        let values: Vec<_> = documents.iter().map(|d| d.text("a")).collect();
        assert_eq!(values, [Some("1"), Some("2")]);
    }

    #[test]
    fn what_could_deceive_or_multiply_is_refused() {
        let laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
        assert_eq!(parse(laughs), Err(Error::Alias { at: 3 }));
        assert!(parse("a: *b\n").is_err());
        assert_eq!(parse("a: 1\nb: 2\na: 3\n"), Err(Error::DuplicateKey { at: 10 }));
        let deep = format!("a: {}", "[".repeat(10_000));
        assert!(parse(&deep).is_err());
        let blocks: String = (0..200).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
        assert!(matches!(parse(&blocks), Err(Error::TooDeep { .. })));
        assert!(matches!(parse("a: [1\n"), Err(Error::Syntax { format: "YAML", .. })));
        assert!(matches!(parse("? [a]\n: b\n"), Err(Error::Syntax { format: "YAML", .. })));
    }
}
