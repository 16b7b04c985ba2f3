//! Which licences a text holds, and where.
//!
//! A reference counts as found where a stretch of the text has nearly the same set of word pairs
//! (Dice's coefficient). A stretch reaches as far as the reference's pairs outnumber others, so that a
//! preface, a list of authors or a second licence does not dilute it.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::index::{Reference, references};
use crate::words::{Pair, pairs, set};

/// The share of pairs in common that makes a text this licence: names of holders in the clauses of a
/// BSD licence take it down to 0.92, the nearest relatives of a licence reach 0.85.
const ENOUGH: f64 = 0.9;

/// A text that differs by no more than a title or a heading.
const EXACT: f64 = 0.97;

/// Pairs without anything new that even the shortest reference is given.
const MIN_REACH: usize = 32;

/// A licence and the bytes that are its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) spdx: String,
    pub(crate) span: Range<usize>,
    /// Whether hardly a word differs.
    pub(crate) exact: bool,
}

/// The licences of a text, in its order.
pub(crate) fn identify(text: &[u8]) -> Vec<Match> {
    let pairs = pairs(text);
    let whole = set(&pairs);
    let mut stretches: Vec<Stretch<'_>> =
        references().filter(|r| mostly_in(r, &whole)).flat_map(|r| stretches(&pairs, r)).collect();
    // The best first; what overlaps with a better one is the same words seen as a relative.
    stretches.sort_by(|a, b| b.weight().total_cmp(&a.weight()).then(a.order().cmp(&b.order())));
    let mut kept: BTreeMap<usize, Stretch<'_>> = BTreeMap::new();
    for stretch in stretches {
        let before = kept.range(..stretch.range.end).next_back();
        if before.is_none_or(|(_, other)| other.range.end <= stretch.range.start) {
            kept.insert(stretch.range.start, stretch);
        }
    }
    let later = says_or_later(&pairs);
    kept.into_values().map(|stretch| stretch.into_match(&pairs, later)).collect()
}

/// Pairs `range` of a text, which have nearly the same set as a reference.
struct Stretch<'i> {
    reference: Reference<'i>,
    range: Range<usize>,
    common: usize,
    score: f64,
}

impl<'i> Stretch<'i> {
    fn new(pairs: &[Pair], range: Range<usize>, reference: Reference<'i>) -> Self {
        let set = set(&pairs[range.clone()]);
        let common = set.iter().filter(|pair| reference.position(**pair).is_some()).count();
        let sum = set.len() + reference.len();
        // Counts of words are far below where a float loses whole numbers.
        let score = 2.0 * common as f64 / (sum as f64).max(1.0);
        Self { reference, range, common, score }
    }

    /// What it explains, the less the worse it fits: a whole licence beats a short text that is a part
    /// of it, and of two that explain the same the nearer one wins.
    fn weight(&self) -> f64 {
        self.common as f64 * self.score.powi(8)
    }

    fn order(&self) -> (usize, &'i str) {
        (self.range.start, self.reference.spdx)
    }

    fn into_match(self, pairs: &[Pair], later: bool) -> Match {
        let spdx = match self.reference.spdx.strip_suffix("-only") {
            Some(family) if later => format!("{family}-or-later"),
            _ => self.reference.spdx.to_owned(),
        };
        Match {
            spdx,
            span: pairs[self.range.start].span.start..pairs[self.range.end - 1].span.end,
            exact: self.score >= EXACT,
        }
    }
}

/// Whether so many of a reference's pairs are in a text that it may be found there at all: a Dice
/// coefficient of 0.9 takes more than 0.8 of them.
fn mostly_in(reference: &Reference<'_>, text: &[u32]) -> bool {
    let mut spare = reference.len() / 5;
    for pair in reference.pairs() {
        if text.binary_search(&pair).is_err() {
            if spare == 0 {
                return false;
            }
            spare -= 1;
        }
    }
    true
}

/// Every stretch of a text that fits a reference. A pair of the reference counts for the stretch when
/// it comes for the first time, any other pair counts against it; the stretch ends where it has
/// gathered the most. So a second copy of the same licence is a stretch of its own.
fn stretches<'i>(pairs: &[Pair], reference: Reference<'i>) -> Vec<Stretch<'i>> {
    // Nothing new for twice the reference's length: the stretch is over.
    let reach = 2 * reference.len() + MIN_REACH;
    let mut found = Vec::new();
    let mut seen = vec![usize::MAX; reference.len()];
    let mut start = 0;
    while start < pairs.len() {
        let (mut sum, mut most, mut end) = (0_i64, 0_i64, start);
        let mut at = start;
        while at < pairs.len() && at - end <= reach {
            match reference.position(pairs[at].hash) {
                Some(known) if seen[known] == start => {}
                Some(new) => {
                    seen[new] = start;
                    sum += 1;
                }
                None => sum -= 1,
            }
            at += 1;
            if sum <= 0 {
                break;
            }
            // What repeats words of the same text at its end is still its end.
            if sum > most || sum == most && end + 1 == at {
                (most, end) = (sum, at);
            }
        }
        let stretch = Stretch::new(pairs, start..end, reference);
        start = if stretch.score >= ENOUGH {
            found.push(stretch);
            end
        } else {
            at
        };
    }
    found
}

/// The text of a GNU licence is the same whether later versions are allowed or not; a notice before
/// it may say so. The text itself ends with such a notice as an example, which says nothing.
fn says_or_later(text: &[Pair]) -> bool {
    let position = |phrase: &[u8]| {
        let phrase: Vec<u32> = pairs(phrase).iter().map(|pair| pair.hash).collect();
        let mut windows = text.windows(phrase.len());
        windows.position(|window| window.iter().map(|pair| pair.hash).eq(phrase.iter().copied()))
    };
    let notice = position(b"at your option any later version");
    let begin = position(b"permitted to copy and distribute verbatim copies");
    notice.zip(begin).is_some_and(|(notice, begin)| notice < begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(spdx: &str) -> &'static str {
        let mut texts = spdx::text::LICENSE_TEXTS.iter();
        texts.find(|(name, _)| *name == spdx).unwrap().1
    }

    fn names(text: &str) -> Vec<String> {
        identify(text.as_bytes()).into_iter().map(|m| m.spdx).collect()
    }

    #[test]
    fn the_common_licences_are_told_from_their_relatives() {
        for spdx in [
            "0BSD",
            "AFL-3.0",
            "AGPL-3.0-only",
            "Apache-2.0",
            "Artistic-2.0",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "BSD-3-Clause-Clear",
            "BSD-4-Clause",
            "BSL-1.0",
            "CC-BY-4.0",
            "CC-BY-SA-4.0",
            "CC0-1.0",
            "CDDL-1.0",
            "EPL-1.0",
            "EPL-2.0",
            "EUPL-1.2",
            "GPL-2.0-only",
            "GPL-3.0-only",
            "ISC",
            "LGPL-2.1-only",
            "LGPL-3.0-only",
            "MIT",
            "MIT-0",
            "MPL-2.0",
            "OFL-1.1",
            "PSF-2.0",
            "Python-2.0",
            "Unlicense",
            "WTFPL",
            "Zlib",
        ] {
            assert_eq!(names(text(spdx)), [spdx], "{spdx}");
            let commented: String = text(spdx).lines().map(|l| format!(" * {l}\r\n")).collect();
            assert_eq!(names(&commented.to_uppercase()), [spdx], "{spdx} as a comment");
        }
    }

    #[test]
    fn the_names_of_holders_do_not_hide_a_licence() {
        let named = text("BSD-3-Clause")
            .replace("the copyright holder", "Example Software Foundation, Inc.")
            .replace("THE COPYRIGHT HOLDERS AND", "EXAMPLE AND")
            .replace("<owner>", "Example");
        let [found] = &identify(named.as_bytes())[..] else { panic!("one match") };
        assert_eq!(found.spdx, "BSD-3-Clause");
        let exact = identify(text("BSD-3-Clause").as_bytes());
        assert!(exact[0].exact);
    }

    #[test]
    fn several_licences_in_one_file_are_found_each_at_its_place() {
        let preface = "This product is under two licences, whichever you like better. They follow.\n\n";
        let middle = "\n\n---- and the other one, which some prefer for its patent grant ----\n\n";
        let both = format!("{preface}{}{middle}{}", text("MIT"), text("Apache-2.0"));
        let matches = identify(both.as_bytes());
        let found: Vec<_> = matches.iter().map(|m| m.spdx.as_str()).collect();
        assert_eq!(found, ["MIT", "Apache-2.0"]);
        let mit = &both[matches[0].span.clone()];
        // A word or two that the text also has may follow its end.
        assert!(mit.contains("USE OR OTHER DEALINGS IN THE SOFTWARE"), "{mit}");
        assert!(mit.contains("Permission is hereby granted"), "{mit}");
        assert!(!mit.contains("whichever") && !mit.contains("Apache"), "{mit}");
    }

    #[test]
    fn a_list_of_components_with_the_same_licence_names_it_for_each() {
        let list: String =
            (0..20).map(|n| format!("Component number {n} of the list\n\n{}\n---\n", text("MIT"))).collect();
        let matches = identify(list.as_bytes());
        assert_eq!(matches.len(), 20);
        assert!(matches.iter().all(|found| found.spdx == "MIT"));
        assert!(matches.windows(2).all(|two| two[0].span.end <= two[1].span.start));
    }

    #[test]
    fn the_lesser_licence_is_found_without_the_text_that_it_refers_to() {
        let whole = text("LGPL-3.0-only");
        let own = &whole[..whole.find("\nGNU GENERAL PUBLIC LICENSE").unwrap()];
        assert_eq!(names(own), ["LGPL-3.0-only"]);
    }

    #[test]
    fn a_licence_without_its_appendix_is_not_taken_for_a_relative_that_has_none() {
        for spdx in ["Apache-2.0", "GPL-2.0-only", "GPL-3.0-only", "AGPL-3.0-only"] {
            let whole = text(spdx);
            let terms = &whole[..whole.find("END OF TERMS AND CONDITIONS").unwrap()];
            assert_eq!(names(terms), [spdx], "{spdx}");
        }
    }

    #[test]
    fn only_a_notice_before_the_text_allows_later_versions() {
        let notice = "This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.\n\n";
        assert_eq!(names(text("GPL-3.0-only")), ["GPL-3.0-only"]);
        let with = format!("{notice}{}", text("GPL-3.0-only"));
        assert_eq!(names(&with), ["GPL-3.0-or-later"]);
    }

    #[test]
    fn what_is_no_licence_or_half_of_one_is_nothing() {
        let half = &text("MIT")[..text("MIT").len() / 2];
        for (name, text) in [
            ("empty", ""),
            (
                "prose",
                "All rights are reserved. Nobody may use this without asking us first, in writing, and on paper, at least a week before.",
            ),
            ("half", half),
            ("one word", &"the ".repeat(100_000)),
        ] {
            assert_eq!(names(text), [""; 0], "{name}");
        }
        assert_eq!(identify(&[0xff; 4096]), []);
    }
}
