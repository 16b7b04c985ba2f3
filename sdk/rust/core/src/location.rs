use std::ops::Range;

/// A place in the workspace: an entry, or a byte range within it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Relative, `/`-separated, spelt exactly as the host gave it. The host drops a finding whose
    /// path it never gave.
    pub path: String,
    /// The side of a change; [`Revision::Head`] in a plain scan.
    pub revision: Revision,
    /// The bytes meant; `None` means the whole entry.
    pub span: Option<Span>,
}

/// The side of a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// What is scanned. A plain scan has no other side.
    #[default]
    Head,
    /// What it is compared with.
    Base,
}

/// A byte range, half open: `start <= end <= size of the file`. An empty range marks a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u64,
    /// Offset behind the last byte.
    pub end: u64,
}

impl Location {
    /// An entry as a whole.
    pub fn whole(path: impl Into<String>) -> Self {
        Self { path: path.into(), revision: Revision::Head, span: None }
    }

    /// A range of bytes within a file.
    pub fn range(path: impl Into<String>, span: impl Into<Span>) -> Self {
        Self { span: Some(span.into()), ..Self::whole(path) }
    }

    /// The same place on the given side of a change.
    #[must_use]
    pub fn on(self, revision: Revision) -> Self {
        Self { revision, ..self }
    }
}

impl Span {
    /// The range as an index into the file's content, `None` where it does not fit `length` bytes.
    pub fn within(self, length: usize) -> Option<Range<usize>> {
        let start = usize::try_from(self.start).ok()?;
        let end = usize::try_from(self.end).ok()?;
        (start <= end && end <= length).then_some(start..end)
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start as u64, end: range.end as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_fits_or_is_none() {
        assert_eq!(Span::from(2..5).within(5), Some(2..5));
        assert_eq!(Span::from(2..6).within(5), None);
        assert_eq!(Span { start: 3, end: 2 }.within(5), None);
    }
}
