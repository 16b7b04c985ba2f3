//! Findings, once as a guest states them and once as the host has checked them.

use serde::{Deserialize, Serialize};

use crate::{Confidence, RepoPath, RuleId, Severity};

/// A byte range, half open, within one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// First byte.
    pub start: u64,
    /// One past the last byte; equal to `start` for a place without extent.
    pub end: u64,
}

impl Span {
    /// Whether the span lies within a file of `size` bytes.
    pub const fn fits(&self, size: u64) -> bool {
        self.start <= self.end && self.end <= size
    }
}

/// The side of a change. A plain scan has `head` only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Revision {
    /// The revision that is scanned.
    #[default]
    Head,
    /// The revision it is compared with.
    Base,
}

/// A checked place: the path was given to the plugin and the span fits the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The file.
    pub path: RepoPath,
    /// The side of a change.
    pub revision: Revision,
    /// The range; none means the file as a whole.
    pub span: Option<Span>,
}

/// One argument of a rule's message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// Text as the guest gave it, at most [`crate::limits::MAX_RAW_TEXT`] bytes. Before it is shown it
    /// is redacted, escaped and cut, in this order: a cut or an escape first could hide a secret from
    /// redaction.
    Text(String),
    /// A number.
    Number(i64),
    /// A flag.
    Flag(bool),
    /// A place.
    Location(Location),
}

/// A named argument, declared in the plugin's manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Parameter {
    /// Name as declared.
    pub name: String,
    /// Value of the declared type.
    pub value: Value,
}

/// A finding that the host has checked against the manifest and the workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The place.
    pub at: Location,
    /// The rule, declared in the manifest.
    pub rule: RuleId,
    /// From the manifest, or from the finding where the rule says `from-finding`.
    pub severity: Severity,
    /// How sure the scanner is.
    pub confidence: Confidence,
    /// Ranges of `at.path` that no output may show; sorted. For a rule marked sensitive `at` is one.
    pub sensitive: Vec<Span>,
    /// Other places that explain the finding.
    pub related: Vec<Location>,
    /// Arguments of the message, sorted by name, each declared.
    pub parameters: Vec<Parameter>,
}

/// A place as a guest states it: nothing about it is known to be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedLocation {
    /// Any text.
    pub path: String,
    /// The side of a change.
    pub revision: Revision,
    /// Any two numbers.
    pub span: Option<(u64, u64)>,
}

/// A value as a guest states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnverifiedValue {
    /// Any text.
    Text(String),
    /// Any number.
    Number(i64),
    /// A flag.
    Flag(bool),
    /// A claimed place.
    Location(UnverifiedLocation),
}

/// A finding as a guest states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedFinding {
    /// A rule's id, perhaps.
    pub rule: String,
    /// The claimed place.
    pub at: UnverifiedLocation,
    /// Claimed ranges of `at.path`.
    pub sensitive: Vec<(u64, u64)>,
    /// Claimed places.
    pub related: Vec<UnverifiedLocation>,
    /// Claimed arguments.
    pub parameters: Vec<(String, UnverifiedValue)>,
    /// How sure the scanner is.
    pub confidence: Confidence,
    /// Allowed only where the rule says `from-finding`.
    pub severity: Option<Severity>,
}

/// A problem as a guest states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedProblem {
    /// One of the four reasons that a guest may give.
    pub reason: crate::outcome::ProblemReason,
    /// The claimed place; none means the whole run.
    pub at: Option<UnverifiedLocation>,
    /// For the operator's log only.
    pub note: String,
}

/// What a tree or change scanner returns, as stated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnverifiedReport {
    /// Findings.
    pub findings: Vec<UnverifiedFinding>,
    /// Files that could not be read to the end.
    pub problems: Vec<UnverifiedProblem>,
    /// The inventory.
    pub dependencies: Vec<crate::inventory::UnverifiedDependency>,
}
