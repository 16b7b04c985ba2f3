use crate::{Location, Span};

/// One finding. Title, message, help and, as a rule, severity come from the manifest.
///
/// ```
/// use certus_sdk_core::{Confidence, Finding};
///
/// let finding = Finding::at("weak-hash", "src/login.rs", 120..123)
///     .text("algorithm", "md5")
///     .confidence(Confidence::High);
/// assert_eq!(finding.rule, "weak-hash");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A rule of the manifest; the host refuses any other.
    pub rule: String,
    /// The place, as narrow as it can be said. For a rule marked `sensitive`, exactly the secret.
    pub at: Location,
    /// Ranges of the same file that no output may show. Of a sensitive rule the whole of `at` is
    /// one of them without being named.
    pub sensitive: Vec<Span>,
    /// Other places that explain the finding, most important first.
    pub related: Vec<Location>,
    /// Arguments of the rule's message, each declared in the manifest.
    pub parameters: Vec<Parameter>,
    /// How sure the scanner is; medium where nothing is said.
    pub confidence: Confidence,
    /// Only for a rule whose manifest says `severity = "from-finding"`.
    pub severity: Option<Severity>,
}

/// One argument of a rule's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// As the manifest declares it.
    pub name: String,
    /// Of the type that the manifest declares.
    pub value: Value,
}

/// What an argument may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Escaped by the host and cut at 256 bytes. A sensitive rule may not declare one.
    Text(String),
    /// A count or a size.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// A place in the workspace.
    Location(Location),
}

/// How sure the scanner is of one finding. Policy decides what blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// A guess worth a look.
    Low,
    /// More likely than not.
    #[default]
    Medium,
    /// The format alone leaves hardly any doubt.
    High,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For the record.
    Info,
    /// Worth putting right in passing.
    Low,
    /// Worth planning.
    Medium,
    /// Worth interrupting other work.
    High,
    /// Worth stopping a release.
    Critical,
}

impl Finding {
    /// A finding at a range of bytes of a file.
    pub fn at(rule: impl Into<String>, path: impl Into<String>, span: impl Into<Span>) -> Self {
        Self::new(rule, Location::range(path, span))
    }

    /// A finding about a file as a whole.
    pub fn on(rule: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new(rule, Location::whole(path))
    }

    /// A finding at any location, the base of a change included.
    pub fn new(rule: impl Into<String>, at: Location) -> Self {
        Self {
            rule: rule.into(),
            at,
            sensitive: Vec::new(),
            related: Vec::new(),
            parameters: Vec::new(),
            confidence: Confidence::default(),
            severity: None,
        }
    }

    /// Adds a range of the same file that no output may show.
    #[must_use]
    pub fn sensitive(mut self, span: impl Into<Span>) -> Self {
        self.sensitive.push(span.into());
        self
    }

    /// Adds a place that explains the finding.
    #[must_use]
    pub fn related(mut self, location: Location) -> Self {
        self.related.push(location);
        self
    }

    /// Adds a text argument.
    #[must_use]
    pub fn text(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameter(name, Value::Text(value.into()))
    }

    /// Adds a number argument.
    #[must_use]
    pub fn number(self, name: impl Into<String>, value: i64) -> Self {
        self.parameter(name, Value::Number(value))
    }

    /// Adds a yes-or-no argument.
    #[must_use]
    pub fn flag(self, name: impl Into<String>, value: bool) -> Self {
        self.parameter(name, Value::Flag(value))
    }

    /// Adds a place as an argument.
    #[must_use]
    pub fn location(self, name: impl Into<String>, value: Location) -> Self {
        self.parameter(name, Value::Location(value))
    }

    /// Says how sure the scanner is.
    #[must_use]
    pub fn confidence(self, confidence: Confidence) -> Self {
        Self { confidence, ..self }
    }

    /// Says how bad it is, for a rule whose manifest leaves that to the finding.
    #[must_use]
    pub fn severity(self, severity: Severity) -> Self {
        Self { severity: Some(severity), ..self }
    }

    fn parameter(mut self, name: impl Into<String>, value: Value) -> Self {
        self.parameters.push(Parameter { name: name.into(), value });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builder_keeps_order_and_everything_said() {
        let finding = Finding::at("r", "a.txt", 1..4)
            .sensitive(2..3)
            .related(Location::whole("b.txt"))
            .text("one", "x")
            .number("two", 2)
            .flag("three", true)
            .location("four", Location::whole("c.txt"))
            .confidence(Confidence::Low)
            .severity(Severity::High);
        assert_eq!(finding.at.span, Some(Span { start: 1, end: 4 }));
        assert_eq!(finding.sensitive, [Span { start: 2, end: 3 }]);
        let names: Vec<&str> = finding.parameters.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["one", "two", "three", "four"]);
        assert_eq!(finding.confidence, Confidence::Low);
        assert_eq!(finding.severity, Some(Severity::High));
    }
}
