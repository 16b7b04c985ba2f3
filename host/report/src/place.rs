//! A place as reports show it: where, in bytes and in lines, and what stands there, redacted.

use std::fmt;
use std::ops::Range;

use certus_model::{RepoPath, Revision, Span};

/// A place in the workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub path: RepoPath,
    /// The side of a change.
    pub revision: Revision,
    /// The bytes; none means the file as a whole.
    pub span: Option<Span>,
    /// The same in lines; none without a span and for a base revision, whose content a report does not see.
    pub region: Option<Region>,
    /// What stands there; none where `region` is none and wherever nothing may be shown.
    pub snippet: Option<Snippet>,
}

impl Place {
    /// The first line, from 1, where it is known.
    pub fn line(&self) -> Option<u64> {
        self.region.map(|region| region.start.line)
    }
}

impl fmt::Display for Place {
    /// `path:line`, or the path alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line() {
            Some(line) => write!(f, "{}:{line}", self.path),
            None => write!(f, "{}", self.path),
        }
    }
}

/// A range of text. Lines end with a line feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region {
    /// The first character.
    pub start: Position,
    /// One past the last character; a line break at the end of the range is left out.
    pub end: Position,
}

/// A place between two characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: u64,
    /// From 1, in UTF-16 code units (SARIF's default and what editors count in); a byte order mark at
    /// the start of a file is not counted, a byte sequence that is not UTF-8 counts one.
    pub column: u64,
}

/// The lines of a finding, redacted and printable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Snippet {
    /// One to three lines.
    pub lines: Vec<SnippetLine>,
}

impl Snippet {
    /// The lines joined by line feeds.
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }
}

/// One line of a snippet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnippetLine {
    /// Line number, from 1.
    pub number: u64,
    /// At most 200 characters; `…` marks a cut.
    pub text: String,
    /// The part of `text`, in bytes, that belongs to the finding.
    pub marked: Range<usize>,
}

impl SnippetLine {
    /// The text before, in and after the marked part.
    pub fn parts(&self) -> [&str; 3] {
        let Range { start, end } = self.marked;
        [&self.text[..start], &self.text[start..end], &self.text[end..]]
    }
}

impl PartialOrd for SnippetLine {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SnippetLine {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |line: &Self| (line.number, line.marked.start, line.marked.end);
        key(self).cmp(&key(other)).then_with(|| self.text.cmp(&other.text))
    }
}
