//! One pass over a file finds every keyword of every plugin.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::error::Error;

/// All keywords of all plugins in one automaton. A DFA: half again and more as fast as the NFA, for
/// memory that a few hundred keywords do not make large. Overlapping, so that a shorter keyword never
/// hides a longer one; ASCII case is folded.
pub(crate) struct Prefilter {
    automaton: Option<AhoCorasick>,
    /// For each pattern the plugins that have it, with its index in their manifest.
    owners: Vec<Vec<(usize, u32)>>,
    plugins: usize,
}

/// A plugin's hits in one file.
#[derive(Default, Clone)]
pub(crate) struct Hits {
    /// Keyword index and first byte, in order of the first byte, then of the keyword.
    pub(crate) places: Vec<(u32, u64)>,
    /// Whether these are all.
    pub(crate) complete: bool,
}

impl Prefilter {
    /// `keywords` of each plugin, in the plugins' order.
    pub(crate) fn new<'a>(keywords: impl Iterator<Item = &'a [String]>) -> Result<Self, Error> {
        let mut patterns: Vec<String> = Vec::new();
        let mut owners: Vec<Vec<(usize, u32)>> = Vec::new();
        let mut index = std::collections::BTreeMap::new();
        let mut plugins = 0;
        for (plugin, words) in keywords.enumerate() {
            plugins = plugin + 1;
            for (keyword, word) in (0_u32..).zip(words) {
                let word = word.to_ascii_lowercase();
                let at = *index.entry(word.clone()).or_insert_with(|| {
                    patterns.push(word);
                    owners.push(Vec::new());
                    patterns.len() - 1
                });
                owners[at].push((plugin, keyword));
            }
        }
        let automaton = (!patterns.is_empty())
            .then(|| {
                AhoCorasick::builder()
                    .ascii_case_insensitive(true)
                    .match_kind(MatchKind::Standard)
                    .kind(Some(AhoCorasickKind::DFA))
                    .build(&patterns)
            })
            .transpose()
            .map_err(|error| Error::Keywords(error.to_string()))?;
        Ok(Self { automaton, owners, plugins })
    }

    /// Each plugin's hits in `content`, at most `most(plugin)` of them.
    pub(crate) fn hits(&self, content: &[u8], most: impl Fn(usize) -> usize) -> Vec<Hits> {
        let mut hits = vec![Hits { places: Vec::new(), complete: true }; self.plugins];
        let Some(automaton) = &self.automaton else { return hits };
        for found in automaton.find_overlapping_iter(content) {
            for (plugin, keyword) in &self.owners[found.pattern().as_usize()] {
                let hits = &mut hits[*plugin];
                // The guest is told to look at everything once there are too many: which are kept
                // must not matter, so they come in the order of their ends, the automaton's own.
                if hits.places.len() < most(*plugin) {
                    hits.places.push((*keyword, found.start() as u64));
                } else {
                    hits.complete = false;
                }
            }
        }
        for hits in &mut hits {
            hits.places.sort_unstable_by_key(|(keyword, start)| (*start, *keyword));
        }
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorter_keywords_hide_no_longer_ones_and_case_is_folded() {
        let words = [vec!["token".to_owned(), "api_token".to_owned()], vec!["TOKEN".to_owned()]];
        let filter = Prefilter::new(words.iter().map(Vec::as_slice)).unwrap();
        let hits = filter.hits(b"x API_token token", |_| 10);
        assert_eq!(hits[0].places, [(1, 2), (0, 6), (0, 12)]);
        assert_eq!(hits[1].places, [(0, 6), (0, 12)]);
        assert!(hits[0].complete);
        assert!(!filter.hits(b"token token", |_| 1)[0].complete);
    }
}
