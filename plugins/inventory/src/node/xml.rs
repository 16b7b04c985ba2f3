//! XML elements with spans. An element with children is a map of them, whose keys may repeat; one
//! without is its text. Attributes and namespaces are left out: build files use neither for what is
//! read here. A document type declares nothing, so that no entity can multiply.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

use super::{Budget, Member, Node, Value};
use crate::error::Error;

/// Reads a document into a map with one member, its root element.
pub(crate) fn parse(text: &str) -> Result<Node<'static>, Error> {
    let mut reader = Reader::from_str(text);
    let mut budget = Budget::default();
    let mut open = vec![Element::new(String::new(), 0)];
    loop {
        let start = position(reader.buffer_position(), text);
        let event = reader.read_event().map_err(|_| syntax(start))?;
        let end = position(reader.buffer_position(), text);
        match event {
            Event::Start(tag) => {
                budget.take(open.len(), start)?;
                open.push(Element::new(tag.local_name().into_inner().to_owned(), start));
            }
            Event::Empty(tag) => {
                budget.take(open.len(), start)?;
                let element = Element::new(tag.local_name().into_inner().to_owned(), start);
                push(&mut open, element.close(end), start)?;
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(|| syntax(start))?;
                push(&mut open, element.close(end), start)?;
            }
            Event::Text(content) => {
                append(&mut open, &content.xml_content(XmlVersion::Implicit1_0));
            }
            Event::CData(content) => {
                append(&mut open, &content.xml_content(XmlVersion::Implicit1_0));
            }
            Event::GeneralRef(name) => match name.resolve_char_ref() {
                Ok(Some(character)) => append(&mut open, character.encode_utf8(&mut [0; 4])),
                Ok(None) => append(&mut open, resolve_predefined_entity(&name).ok_or_else(|| syntax(start))?),
                Err(_) => return Err(syntax(start)),
            },
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => break,
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(document), true) if document.members.len() == 1 => Ok(document.close(text.len()).node),
        _ => Err(syntax(text.len())),
    }
}

struct Element {
    name: String,
    start: usize,
    text: String,
    members: Vec<Member<'static>>,
}

impl Element {
    fn new(name: String, start: usize) -> Self {
        Self { name, start, text: String::new(), members: Vec::new() }
    }

    fn close(self, end: usize) -> Member<'static> {
        let value = if self.members.is_empty() {
            Value::Text(Cow::Owned(self.text.trim().to_owned()))
        } else {
            Value::Map(self.members)
        };
        Member { key: Cow::Owned(self.name), span: self.start..end, node: Node { span: self.start..end, value } }
    }
}

fn push(open: &mut [Element], member: Member<'static>, at: usize) -> Result<(), Error> {
    let parent = open.last_mut().ok_or_else(|| syntax(at))?;
    parent.members.push(member);
    Ok(())
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn position(position: u64, text: &str) -> usize {
    usize::try_from(position).map_or(text.len(), |at| at.min(text.len()))
}

fn syntax(at: usize) -> Error {
    Error::Syntax { format: "XML", at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_its_children_or_its_text() {
        let text = "<?xml version='1.0'?>\n<p:a xmlns:p='x'>\n <b>1 &amp;&#x32;</b><!-- <c/> --><b><![CDATA[<é>]]></b><c/>\n</p:a>";
        let document = parse(text).unwrap();
        let a = document.get("a").unwrap();
        let texts: Vec<_> = a.all("b").map(Node::as_text).collect();
        assert_eq!(texts, [Some("1 &2"), Some("<é>")]);
        assert_eq!(a.text("c"), None);
        let b = &a.members()[0];
        assert_eq!(&text[b.span.clone()], "<b>1 &amp;&#x32;</b>");
    }

    #[test]
    fn what_is_not_well_formed_or_declares_entities_is_refused() {
        let laughs = "<!DOCTYPE a [<!ENTITY l 'ha'><!ENTITY m '&l;&l;'>]><a><b>&m;</b></a>";
        for (name, text) in [
            ("an entity of its own", laughs),
            ("unclosed", "<a><b></b>"),
            ("crossed", "<a><b></a></b>"),
            ("empty", ""),
            ("two roots", "<a/><b/>"),
            ("closed too often", "<a></a></a>"),
            ("cut inside a tag", "<a><b"),
        ] {
            assert!(matches!(parse(text), Err(Error::Syntax { format: "XML", .. })), "{name}: {:?}", parse(text));
        }
        let deep = "<a>".repeat(10_000);
        assert!(matches!(parse(&deep), Err(Error::TooDeep { .. })));
    }
}
