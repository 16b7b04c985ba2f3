use std::ops::Range;

use certus_sdk_files::Problem;
use regex_automata::dfa::onepass::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

/// The most groups that an expression of the table has, the whole match included.
const GROUPS: usize = 4;

/// An expression that is tried at one place and read once from left to right.
///
/// It is one-pass: no byte can be read in two ways, so that a try costs one look-up a byte, needs no
/// memory and leaves none behind. There is no search: the host's hits say where to try.
pub(crate) struct Expression(DFA);

/// Where an expression matched.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// Everything.
    pub(crate) whole: Range<usize>,
    /// The first group that took part, or everything if the expression has none.
    pub(crate) secret: Range<usize>,
}

impl Expression {
    pub(crate) fn new(pattern: &str) -> Result<Self, Problem> {
        DFA::builder()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(thompson::Config::new().utf8(false))
            .build(pattern)
            .map(Self)
            .map_err(|error| Problem::internal(format!("the expression {pattern} is unusable: {error}")))
    }

    pub(crate) fn cache(&self) -> Cache {
        self.0.create_cache()
    }

    /// The match that begins at `start` and ends at `end` or before. Bytes beyond `end` are not read.
    pub(crate) fn at(&self, cache: &mut Cache, content: &[u8], start: usize, end: usize) -> Option<Match> {
        cache.reset(&self.0);
        let input = Input::new(content).span(start..end).anchored(Anchored::Yes);
        let mut slots: [Option<NonMaxUsize>; 2 * GROUPS] = [None; 2 * GROUPS];
        // The only errors are searches without an anchor.
        self.0.try_search_slots(cache, &input, &mut slots).ok()??;
        let group = |index: usize| Some(slots[2 * index]?.get()..slots[2 * index + 1]?.get());
        let whole = group(0)?;
        let secret = (1..GROUPS).find_map(group).unwrap_or(whole.clone());
        Some(Match { whole, secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_at(pattern: &str, content: &str, start: usize) -> Option<Match> {
        let expression = Expression::new(pattern).expect("the pattern is one-pass");
        expression.at(&mut expression.cache(), content.as_bytes(), start, content.len())
    }

    #[test]
    fn the_first_group_that_took_part_is_the_secret() {
        let found = try_at(r#"k=(?:"([^"]*)"|([a-z]+))"#, "xk=abc", 1).expect("it matches");
        assert_eq!(found, Match { whole: 1..6, secret: 3..6 });
    }

    #[test]
    fn without_a_group_everything_is_the_secret() {
        assert_eq!(try_at("ab+", "abbb", 0), Some(Match { whole: 0..4, secret: 0..4 }));
    }

    #[test]
    fn nothing_is_searched_for() {
        assert_eq!(try_at("ab", "xab", 0), None);
    }

    #[test]
    fn an_ambiguous_expression_is_refused() {
        assert!(Expression::new("a*a").is_err());
    }
}
