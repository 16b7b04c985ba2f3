//! Data that says something about people in bulk only: a file is reported once, from so many on.

pub(crate) mod birth;
pub(crate) mod email;
pub(crate) mod phone;

use std::collections::BTreeSet;
use std::ops::Range;

use certus_sdk_files::{Confidence, Finding};

/// The ranges beside the first that no output may show, less than the host takes of a finding.
const MOST_PLACES: usize = 500;

/// What is found of one kind in one file.
pub(crate) struct List {
    /// Id of the rule in the manifest.
    rule: &'static str,
    /// Fewer different ones are no list.
    least: usize,
    places: Vec<Range<usize>>,
    /// Hashes, since a dump may hold millions.
    seen: BTreeSet<u64>,
}

impl List {
    pub(crate) fn new(rule: &'static str, least: usize) -> Self {
        Self { rule, least, places: Vec::new(), seen: BTreeSet::new() }
    }

    pub(crate) fn add(&mut self, content: &[u8], span: Range<usize>) {
        // FNV-1a of the lower-cased letters and digits.
        let significant = content[span.clone()].iter().filter(|byte| !matches!(byte, b' ' | b'-' | b'(' | b')' | b'/'));
        let hash = significant.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
        });
        self.seen.insert(hash);
        if self.places.len() <= MOST_PLACES {
            self.places.push(span);
        }
    }

    /// One finding at the first of them, if they are enough.
    pub(crate) fn finding(self, path: &str, confidence: Confidence) -> Option<Finding> {
        let mut places = self.places.into_iter();
        let first = places.next().filter(|_| self.seen.len() >= self.least)?;
        let count = i64::try_from(self.seen.len()).unwrap_or(i64::MAX);
        let finding = Finding::at(self.rule, path, first).number("count", count).confidence(confidence);
        Some(places.fold(finding, Finding::sensitive))
    }
}
