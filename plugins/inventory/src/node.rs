//! One tree for JSON, TOML, YAML and XML, in which every value knows its bytes.
//!
//! Lock files are read leniently: a tool may write a field as a text in one version and as a table
//! in the next, so that a reader asks the tree instead of declaring a type.

pub(crate) mod json;
pub(crate) mod toml;
pub(crate) mod xml;
pub(crate) mod yaml;

use std::borrow::Cow;
use std::ops::Range;

use crate::error::Error;

/// A value and the bytes that it takes in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    pub(crate) span: Range<usize>,
    pub(crate) value: Value<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    /// A text, or a number or flag as it is spelt.
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    /// In the order of the file. Only XML may repeat a key.
    Map(Vec<Member<'a>>),
}

/// One key of a map with its value. `span` covers both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member<'a> {
    pub(crate) key: Cow<'a, str>,
    pub(crate) span: Range<usize>,
    pub(crate) node: Node<'a>,
}

impl<'a> Node<'a> {
    /// The value of `key`, where this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node<'a>> {
        let mut members = self.members().iter();
        members.find(|m| m.key == key).map(|m| &m.node)
    }

    /// Every value of `key`; more than one only in XML.
    pub(crate) fn all<'n>(&'n self, key: &'n str) -> impl Iterator<Item = &'n Node<'a>> {
        let members = self.members().iter();
        members.filter(move |m| m.key == key).map(|m| &m.node)
    }

    /// The members of a map; none of anything else.
    pub(crate) fn members(&self) -> &[Member<'a>] {
        match &self.value {
            Value::Map(members) => members,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Node<'a>] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The members of the map under `key`; none where it is absent.
    pub(crate) fn members_of(&self, key: &str) -> &[Member<'a>] {
        self.get(key).map_or(&[], Node::members)
    }

    /// The items of the list under `key`; none where it is absent.
    pub(crate) fn items_of(&self, key: &str) -> &[Node<'a>] {
        self.get(key).map_or(&[], Node::items)
    }

    /// The text, where this is one that is not empty.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The text under `key`.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text()
    }

    /// Whether `key` says true.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.text(key) == Some("true")
    }

    /// The map or list under `key`, without which the file is not what its name says.
    pub(crate) fn require(&self, key: &'static str) -> Result<&Node<'a>, Error> {
        self.get(key)
            .filter(|node| matches!(node.value, Value::Map(_) | Value::List(_)))
            .ok_or(Error::Missing { what: key })
    }
}

/// Values are nested at most this deep: a dependency tree of npm's first lock format takes two
/// levels a package, and 128 leaves it sixty.
const MAX_DEPTH: usize = 128;

/// A tree has at most this many values, about 100 bytes each: half of an instance's memory.
const MAX_NODES: usize = 1_000_000;

/// Counts the values of one tree.
#[derive(Debug, Default)]
struct Budget {
    nodes: usize,
}

impl Budget {
    /// Takes one value at byte `at`, inside `depth` others.
    fn take(&mut self, depth: usize, at: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep { at, limit: MAX_DEPTH });
        }
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Error::TooMany { limit: MAX_NODES });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_and_a_wrong_kind_are_the_same_to_a_lenient_reader() {
        let node = json::parse(r#"{"a": "x", "b": ["y"], "c": null, "d": true}"#).unwrap();
        assert_eq!(node.text("a"), Some("x"));
        assert_eq!(node.text("b"), None);
        assert_eq!(node.items_of("a"), []);
        assert_eq!(node.items_of("b").len(), 1);
        assert_eq!(node.text("c"), None);
        assert!(node.flag("d"));
        assert_eq!(node.require("c"), Err(Error::Missing { what: "c" }));
    }
}
