use std::fmt;

use crate::Location;

/// Why something was not analysed. The host writes the reason into the coverage statement; what was
/// not analysed never passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The kind of trouble: all that a report ever says about it.
    pub reason: Reason,
    /// The file or range concerned; `None` means the whole run.
    pub at: Option<Location>,
    /// For the operator's log only. It must hold no content of a scanned file.
    pub note: String,
}

/// The closed set of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Not what this scanner reads, although its name suggested so. Not a fault.
    Unsupported,
    /// The input breaks its own format.
    Malformed,
    /// A bound of the scanner itself was reached: nesting, number of nodes.
    Exhausted,
    /// A fault of the scanner.
    Internal,
}

impl Problem {
    /// The input is not what this scanner reads.
    pub fn unsupported(note: impl Into<String>) -> Self {
        Self::new(Reason::Unsupported, note)
    }

    /// The input breaks its own format.
    pub fn malformed(note: impl Into<String>) -> Self {
        Self::new(Reason::Malformed, note)
    }

    /// A bound of the scanner was reached.
    pub fn exhausted(note: impl Into<String>) -> Self {
        Self::new(Reason::Exhausted, note)
    }

    /// The scanner is at fault.
    pub fn internal(note: impl Into<String>) -> Self {
        Self::new(Reason::Internal, note)
    }

    /// Says which file or range is concerned.
    #[must_use]
    pub fn at(self, location: Location) -> Self {
        Self { at: Some(location), ..self }
    }

    fn new(reason: Reason, note: impl Into<String>) -> Self {
        Self { reason, at: None, note: note.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "unsupported",
            Self::Malformed => "malformed",
            Self::Exhausted => "exhausted",
            Self::Internal => "internal",
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.note)
    }
}

impl std::error::Error for Problem {}
