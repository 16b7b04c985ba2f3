//! What a report knows of the content of files: places in lines, redacted snippets, and the digests
//! that fingerprints are made of. Nothing else in this crate reads content.

mod hidden;
mod lines;
mod redactor;
mod snippet;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use certus_model::workspace::Workspace;
use certus_model::{Location, RepoPath, Revision, Span};

use self::hidden::Hidden;
pub(crate) use self::redactor::{MASK, Redactor};
use crate::Error;
use crate::place::{Place, Position, Region};

/// Bytes of a match and of what surrounds it on its line that a fingerprint rests on.
const MOST_MATCHED: usize = 64 << 10;
const MOST_AROUND: usize = 64;

/// One file of the head revision, opened for its places.
pub(crate) struct Evidence<'a> {
    path: &'a RepoPath,
    content: Cow<'a, [u8]>,
    hidden: Hidden,
    positions: BTreeMap<usize, Position>,
}

impl<'a> Evidence<'a> {
    /// Reads the file at `path` and finds the lines of `spans`; none where there is no such file.
    pub(crate) fn open(
        workspace: &'a dyn Workspace,
        redactor: &Redactor,
        path: &'a RepoPath,
        spans: &BTreeSet<Option<Span>>,
    ) -> Result<Option<Self>, Error> {
        let Some(index) = workspace.find(path) else { return Ok(None) };
        let content = workspace.read(index)?;
        let ranges = spans.iter().flatten().filter_map(|span| range_within(&content, *span));
        let offsets = ranges.flat_map(|range| [range.start, shown_end(&content, &range)]).collect();
        let positions = lines::positions(&content, &offsets);
        let hidden = redactor.hidden(path, &content);
        Ok(Some(Self { path, content, hidden, positions }))
    }

    /// The place of one of the spans that the file was opened for.
    pub(crate) fn place(&self, span: Option<Span>, with_snippet: bool) -> Place {
        let range = span.and_then(|span| range_within(&self.content, span));
        let region = range.as_ref().and_then(|range| {
            let start = *self.positions.get(&range.start)?;
            let end = *self.positions.get(&shown_end(&self.content, range))?;
            Some(Region { start, end })
        });
        let snippet = match (range, region) {
            (Some(range), Some(region)) if with_snippet => {
                snippet::snippet(&self.content, &self.hidden, range, region.start.line)
            }
            _ => None,
        };
        Place { path: self.path.clone(), revision: Revision::Head, span, region, snippet }
    }

    /// Feeds the matched bytes to `absorb`; of a whole file, its content. Of more than 64 KiB, the
    /// first and the last half of that and the length: hashing is paid by the host, and the plugin
    /// decides how often.
    pub(crate) fn absorb_matched(&self, span: Option<Span>, mut absorb: impl FnMut(&[u8])) {
        let whole = 0..self.content.len();
        let range = span.map_or(Some(whole), |span| range_within(&self.content, span)).unwrap_or_default();
        let bytes = &self.content[range];
        absorb(&(bytes.len() as u64).to_be_bytes());
        if bytes.len() <= MOST_MATCHED {
            absorb(bytes);
        } else {
            absorb(&bytes[..MOST_MATCHED / 2]);
            absorb(&bytes[bytes.len() - MOST_MATCHED / 2..]);
        }
    }

    /// Feeds what stands before and after the match on its lines, without indentation and trailing
    /// white space and at most 64 bytes of each, to `absorb`.
    pub(crate) fn absorb_surroundings(&self, span: Span, mut absorb: impl FnMut(&[u8])) {
        let range = range_within(&self.content, span).unwrap_or_default();
        let before = &self.content[range.start.saturating_sub(MOST_AROUND)..range.start];
        let before = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_start();
        let after = &self.content[range.end..self.content.len().min(range.end + MOST_AROUND)];
        let after = after.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
        for part in [before, after] {
            absorb(&(part.len() as u64).to_be_bytes());
            absorb(part);
        }
    }
}

/// A place of which only its name is known: of the base revision, or in a file that is not there.
pub(crate) fn bare_place(location: &Location) -> Place {
    let Location { path, revision, span } = location.clone();
    Place { path, revision, span, region: None, snippet: None }
}

/// `span` as a range of `content`, cut to it; none where it begins beyond or is reversed.
fn range_within(content: &[u8], span: Span) -> Option<Range<usize>> {
    let start = usize::try_from(span.start).ok()?;
    let end = usize::try_from(span.end).unwrap_or(usize::MAX).min(content.len());
    (start <= end).then_some(start..end)
}

/// The end of a range without the line break it may end with, so that it does not end in the next line.
fn shown_end(content: &[u8], range: &Range<usize>) -> usize {
    let bytes = &content[range.clone()];
    let shown = bytes.strip_suffix(b"\r\n").or_else(|| bytes.strip_suffix(b"\n")).unwrap_or(bytes);
    range.start + shown.len()
}
