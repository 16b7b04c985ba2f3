//! What holds for fingerprints whatever stands in a file, held against a model that is written apart.

use std::collections::{BTreeMap, BTreeSet};

use certus_model::{Finding, Location, RepoPath, Revision, Severity, Span};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngSeed};

use crate::Fingerprint;
use crate::fixture::{Scene, finding, rule};

fn cases(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(60), failure_persistence: None, ..Config::default() }
}

const PATHS: [&str; 2] = ["a.txt", "b/a.txt"];
const RULES: [&str; 2] = ["one", "two"];

/// Few, so that equal lines are common.
const WORDS: [&str; 10] =
    ["x", "eval(", ")", " ", "\t", "é", "\r", "\u{1b}", "=", "long-enough-to-reach-beyond-the-window "];

fn line() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(WORDS.as_slice()), 0..6).prop_map(|words| words.concat())
}

/// A finding to be: a rule, a file, and a range of it.
#[derive(Clone, Debug)]
struct Wish {
    rule: usize,
    path: usize,
    line: Index,
    from: Index,
    to: Index,
}

fn wish() -> impl Strategy<Value = Wish> {
    (0..RULES.len(), 0..PATHS.len(), any::<Index>(), any::<Index>(), any::<Index>())
        .prop_map(|(rule, path, line, from, to)| Wish { rule, path, line, from, to })
}

/// Both files hold `lines`; each wish is a range within one line, given as (rule, path, span).
type Ranges = Vec<(usize, usize, Span)>;

fn ranges(lines: &[String], wishes: &[Wish]) -> Ranges {
    let starts: Vec<usize> = lines
        .iter()
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len() + 1;
            Some(start)
        })
        .collect();
    let range = |wish: &Wish| {
        let line = wish.line.index(lines.len());
        let (one, other) = (wish.from.index(lines[line].len() + 1), wish.to.index(lines[line].len() + 1));
        let span = |at: usize| (starts[line] + at) as u64;
        (wish.rule, wish.path, Span { start: span(one.min(other)), end: span(one.max(other)) })
    };
    wishes.iter().map(range).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The fingerprint of each of `ranges` in two files of this content, stated in the given order.
fn fingerprints(content: &str, ranges: &Ranges) -> BTreeMap<(usize, usize, Span), Fingerprint> {
    let mut scene = Scene::new(PATHS.map(|path| (path, content)));
    let stated = |(rule, path, span): &(usize, usize, Span)| -> Finding {
        let path: RepoPath = PATHS[*path].parse().unwrap();
        let at = Location { path, revision: Revision::Head, span: Some(*span) };
        finding(RULES[*rule], at, Severity::Medium)
    };
    let rules: String = RULES.iter().map(|id| rule(id, "medium", "")).collect();
    scene.run("t.p", &rules, ranges.iter().map(stated).collect());
    let report = scene.report();
    let known = report.findings().iter().map(|finding| {
        let place = &finding.places[0];
        let rule = RULES.iter().position(|id| *id == finding.rule.id.as_str()).unwrap();
        let path = PATHS.iter().position(|path| *path == place.path.as_str()).unwrap();
        ((rule, path, place.span.unwrap()), finding.fingerprint)
    });
    known.collect()
}

/// What a fingerprint says of a match: the rule, the path, the line's parts round and in it.
fn described<'c>(content: &'c str, (rule, path, span): &(usize, usize, Span)) -> (usize, usize, [&'c [u8]; 3]) {
    let (content, start, end) = (content.as_bytes(), span.start as usize, span.end as usize);
    let before = &content[start.saturating_sub(64)..start];
    let before = before.iter().rposition(|byte| *byte == b'\n').map_or(before, |at| &before[at + 1..]);
    let after = &content[end..content.len().min(end + 64)];
    let after = after.iter().position(|byte| *byte == b'\n').map_or(after, |at| &after[..at]);
    (*rule, *path, [before.trim_ascii_start(), &content[start..end], after.trim_ascii_end()])
}

proptest! {
    #![proptest_config(cases(6_000))]

    /// Case 60: neither the order of statements nor other lines of the file change a fingerprint.
    #[test]
    fn case_060_fingerprints_stay(
        lines in proptest::collection::vec(line(), 1..6),
        wishes in proptest::collection::vec(wish(), 1..6),
        new_lines in proptest::collection::vec((any::<Index>(), "[a-z ]{0,8}"), 0..4),
        turn in any::<Index>(),
    ) {
        let ranges = ranges(&lines, &wishes);
        let known = fingerprints(&lines.join("\n"), &ranges);
        prop_assert_eq!(known.len(), ranges.len());

        let mut reordered = ranges.clone();
        reordered.rotate_left(turn.index(ranges.len()));
        reordered.reverse();
        prop_assert_eq!(&fingerprints(&lines.join("\n"), &reordered), &known);

        // Other lines come in between; every line of before moves down by those above it.
        let mut grown: Vec<(Option<usize>, &str)> = lines.iter().enumerate().map(|(n, line)| (Some(n), line.as_str())).collect();
        for (at, line) in &new_lines {
            grown.insert(at.index(grown.len() + 1), (None, line));
        }
        let text: Vec<&str> = grown.iter().map(|(_, line)| *line).collect();
        let moved = |(rule, path, span): &(usize, usize, Span)| {
            let line = lines.iter().scan(0, |at, line| { *at += line.len() as u64 + 1; Some(*at) }).position(|end| span.start < end).unwrap();
            let place = grown.iter().position(|(number, _)| *number == Some(line)).unwrap();
            let above: usize = grown[..place].iter().filter(|(number, _)| number.is_none()).map(|(_, line)| line.len() + 1).sum();
            (*rule, *path, Span { start: span.start + above as u64, end: span.end + above as u64 })
        };
        let after = fingerprints(&text.join("\n"), &ranges.iter().map(moved).collect());
        for range in &ranges {
            prop_assert_eq!(after[&moved(range)], known[range], "{:?}", range);
        }
    }

    /// Two fingerprints are equal if and only if rule, path, match and line are, and both are the same
    /// one among equals, counted from the top.
    #[test]
    fn fingerprints_differ_where_findings_do(
        files in proptest::collection::vec((proptest::collection::vec(line(), 1..5), proptest::collection::vec(wish(), 1..5)), 2),
    ) {
        let mut seen: BTreeMap<(_, u64), Fingerprint> = BTreeMap::new();
        let mut names: BTreeMap<Fingerprint, (_, u64)> = BTreeMap::new();
        let contents: Vec<_> = files.iter().map(|(lines, _)| lines.join("\n")).collect();
        for ((lines, wishes), content) in files.iter().zip(&contents) {
            let mut equals = BTreeMap::new();
            for (range, fingerprint) in fingerprints(content, &ranges(lines, wishes)) {
                let described = described(content, &range);
                let ordinal: &mut u64 = equals.entry(described).or_default();
                let key = (described, *ordinal);
                *ordinal += 1;
                prop_assert_eq!(*seen.entry(key).or_insert(fingerprint), fingerprint, "{:?}", key);
                prop_assert_eq!(*names.entry(fingerprint).or_insert(key), key);
            }
        }
    }
}
