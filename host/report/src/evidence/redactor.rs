//! Every secret of the scan, and the removal of them from whatever is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use certus_model::escape::one_line;
use certus_model::limits::MAX_TEXT;
use certus_model::workspace::Workspace;
use certus_model::{RepoPath, Revision, Span};

use super::hidden::Hidden;
use super::range_within;
use crate::Error;
use crate::stated::Stated;

/// What stands for a secret, whatever its length.
pub(crate) const MASK: &str = "****";

/// Shorter byte strings are hidden in their own place alone: searched for everywhere, they would hide
/// half of every report.
const SHORTEST: usize = 4;
/// Shortest line of a secret of several lines (a private key) that is searched for on its own.
const SHORTEST_LINE: usize = 16;
/// Shortest secret that is removed from the names and versions of the inventory. A password is often
/// an ordinary word, and an inventory without the package `postgres` would be a wrong one; a package
/// name of this length that equals a secret is no accident.
const SHORTEST_IN_NAMES: usize = 16;
/// Bytes of all secrets together that are searched for. The automaton takes some 40 bytes for each,
/// and the plugin decides how many there are.
const MOST_BYTES: usize = 4 << 20;
/// Matches in one file after which all of it is hidden, so that overlapping secrets in a repetitive
/// file cannot keep the host busy.
const MOST_MATCHES: usize = 1 << 20;

/// All byte strings that any plugin of the scan marked sensitive. The one way from content, and from
/// texts that a plugin supplies, to what is shown leads through here.
///
/// What it hides: the marked ranges themselves; the same bytes anywhere else, also as the contract
/// escapes them in texts, without surrounding quotes and white space, and line by line. What it does
/// not: other encodings of a secret (base64, UTF-16), its length, which the columns of a place tell,
/// and paths, which are names, not content.
pub(crate) struct Redactor {
    spans: BTreeMap<RepoPath, Vec<Span>>,
    needles: Needles,
}

enum Needles {
    /// Sorted, and the automaton over them; none where there are none.
    Searched(Vec<Vec<u8>>, Option<AhoCorasick>),
    /// More than [`MOST_BYTES`]: nothing is shown at all.
    TooMany,
}

impl Redactor {
    /// Reads the files with sensitive ranges and keeps what stands there.
    pub(crate) fn of(stated: &[Stated<'_>], workspace: &dyn Workspace) -> Result<Self, Error> {
        let mut spans: BTreeMap<&RepoPath, BTreeSet<Span>> = BTreeMap::new();
        for one in stated.iter().filter(|one| one.finding.at.revision == Revision::Head) {
            for span in one.sensitive_spans() {
                spans.entry(&one.finding.at.path).or_default().insert(span);
            }
        }
        let mut needles = BTreeSet::new();
        let mut bytes = 0;
        for (path, spans) in &spans {
            let Some(index) = workspace.find(path) else { continue };
            let content = workspace.read(index)?;
            for range in spans.iter().filter_map(|span| range_within(&content, *span)) {
                // What is too long by itself ends the search before it is copied.
                bytes += if range.len() > MOST_BYTES { range.len() } else { 0 };
                if bytes <= MOST_BYTES {
                    bytes += add_forms(&mut needles, &content[range]);
                }
            }
        }
        let spans = spans.into_iter().map(|(path, spans)| (path.clone(), spans.into_iter().collect())).collect();
        let needles =
            if bytes > MOST_BYTES { Needles::TooMany } else { Needles::search(needles.into_iter().collect()) };
        Ok(Self { spans, needles })
    }

    /// Whether secrets were too many to search for, so that neither code nor text is shown.
    pub(crate) fn is_blind(&self) -> bool {
        matches!(self.needles, Needles::TooMany)
    }

    /// What of a file may not be shown.
    pub(super) fn hidden(&self, path: &RepoPath, content: &[u8]) -> Hidden {
        let own = self.spans.get(path).into_iter().flatten().filter_map(|span| range_within(content, *span));
        match self.needles.find(content, SHORTEST) {
            Some(found) => Hidden::union(own.chain(found).collect()),
            None => Hidden::Everything,
        }
    }

    /// A text that a plugin supplied, as it may be shown: without secrets, printable, in one line of at
    /// most [`MAX_TEXT`] bytes.
    pub(crate) fn text(&self, text: &str) -> String {
        one_line(&self.masked(text, SHORTEST), MAX_TEXT)
    }

    /// A name, version or the like of the inventory, as it may be shown.
    pub(crate) fn name(&self, text: &str) -> String {
        one_line(&self.masked(text, SHORTEST_IN_NAMES), MAX_TEXT)
    }

    /// Whether [`Redactor::text`] would hide any of `text`.
    pub(crate) fn is_sensitive(&self, text: &str) -> bool {
        self.masked(text, SHORTEST) != text
    }

    fn masked(&self, text: &str, shortest: usize) -> String {
        let Some(mut found) = self.needles.find(text.as_bytes(), shortest) else { return MASK.to_owned() };
        found.extend(self.needles.cut_tail(text, shortest));
        let pieces = Hidden::union(found).pieces(0..text.len());
        let shown = pieces
            .into_iter()
            .map(|(piece, hidden)| if hidden { MASK.into() } else { String::from_utf8_lossy(&text.as_bytes()[piece]) });
        shown.collect()
    }
}

impl Needles {
    fn search(sorted: Vec<Vec<u8>>) -> Self {
        if sorted.is_empty() {
            return Self::Searched(sorted, None);
        }
        // Never the DFA: its size is that of the secrets times 256.
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        match AhoCorasick::builder().kind(kind).build(&sorted) {
            Ok(automaton) => Self::Searched(sorted, Some(automaton)),
            Err(_) => Self::TooMany,
        }
    }

    /// Where secrets of at least `shortest` bytes stand in `content`; none where that is not known.
    fn find(&self, content: &[u8], shortest: usize) -> Option<Vec<Range<usize>>> {
        let Self::Searched(_, automaton) = self else { return None };
        let Some(automaton) = automaton else { return Some(Vec::new()) };
        let mut found = Vec::new();
        for (count, hit) in automaton.find_overlapping_iter(content).enumerate() {
            if count >= MOST_MATCHES {
                return None;
            }
            if hit.len() >= shortest {
                found.push(hit.range());
            }
        }
        Some(found)
    }

    /// A text that was cut to its length may end with the beginning of a secret.
    fn cut_tail(&self, text: &str, shortest: usize) -> Option<Range<usize>> {
        let Self::Searched(sorted, Some(_)) = self else { return None };
        let stem = text.strip_suffix('…')?.as_bytes();
        let begins_a_secret = |tail: &[u8]| {
            let next = sorted.partition_point(|needle| needle.as_slice() < tail);
            sorted[next..].iter().take_while(|needle| needle.starts_with(tail)).any(|needle| needle.len() >= shortest)
        };
        let starts = stem.len().saturating_sub(2 * MAX_TEXT)..(stem.len() + 1).saturating_sub(SHORTEST);
        starts.into_iter().find(|start| begins_a_secret(&stem[*start..])).map(|start| start..stem.len())
    }
}

/// Adds the forms in which `secret` is searched for; the sum of their lengths.
fn add_forms(needles: &mut BTreeSet<Vec<u8>>, secret: &[u8]) -> usize {
    let mut added = 0;
    let mut add = |form: &[u8], shortest: usize| {
        if form.len() >= shortest && needles.insert(form.to_vec()) {
            added += form.len();
        }
    };
    let outer = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`');
    let trimmed = |bytes: &[u8]| -> Vec<u8> {
        let start = bytes.iter().position(|byte| !outer(byte)).unwrap_or(bytes.len());
        let end = bytes.iter().rposition(|byte| !outer(byte)).map_or(start, |last| last + 1);
        bytes[start..end].to_vec()
    };
    add(secret, SHORTEST);
    add(&trimmed(secret), SHORTEST);
    for line in secret.split(|byte| *byte == b'\n') {
        add(&trimmed(line), SHORTEST_LINE);
    }
    // As a guest can say it, whose texts are always UTF-8; and in one printable line.
    for form in [secret.to_vec(), trimmed(secret)] {
        let text = String::from_utf8_lossy(&form);
        add(text.as_bytes(), SHORTEST);
        add(one_line(&text, usize::MAX).as_bytes(), SHORTEST);
    }
    added
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
