use std::ops::Range;

use certus_sdk_files::{Confidence, File, FileScanner, Finding, Hit, Problem, Settings};
use regex_automata::dfa::onepass::Cache;

use crate::candidate::{Candidate, begins_word};
use crate::detector::{Detector, Kind};
use crate::detectors;
use crate::expression::Expression;
use crate::hits::Searcher;
use crate::place::Place;

/// The scanner: the table of detectors with its expressions compiled.
pub struct Secrets {
    armed: Vec<Armed>,
    /// Indices into `armed` by the keyword's index in the manifest.
    by_keyword: Vec<Vec<usize>>,
    keywords: Vec<&'static str>,
    searcher: Searcher,
}

struct Armed {
    detector: &'static Detector,
    expression: Expression,
}

impl FileScanner for Secrets {
    fn configure(_: &Settings) -> Result<Self, Problem> {
        let keywords = detectors::keywords();
        let mut by_keyword = vec![Vec::new(); keywords.len()];
        let mut armed = Vec::new();
        for detector in detectors::all() {
            for keyword in detector.keywords {
                if let Ok(index) = keywords.binary_search(keyword) {
                    by_keyword[index].push(armed.len());
                }
            }
            armed.push(Armed { detector, expression: Expression::new(detector.pattern)? });
        }
        let searcher = Searcher::new(&keywords);
        Ok(Self { armed, by_keyword, keywords, searcher })
    }

    fn scan(&self, file: &File<'_>) -> Result<Vec<Finding>, Problem> {
        let mut scan = Scan::new(self, file)?;
        if file.hits_complete {
            file.hits.iter().try_for_each(|hit| scan.hit(*hit))?;
        } else {
            self.searcher.hits(file.content).try_for_each(|hit| scan.hit(hit))?;
        }
        Ok(scan.findings())
    }
}

/// Longer values that turn out to be none are not looked into again.
const LONG: usize = 128;

/// The reach from which on a try may cost more than a line.
const LONG_REACH: usize = 512;

/// One more than the host keeps of a whole run: it then says that findings are missing, where an
/// answer of any length would be refused and the file with it.
const MOST_FINDINGS: usize = 10_001;

/// One file under way.
struct Scan<'a> {
    secrets: &'a Secrets,
    file: &'a File<'a>,
    place: Place,
    cache: Cache,
    /// By detector: hits before this offset lie within a match of it.
    resume: Vec<usize>,
    found: Vec<Found>,
}

struct Found {
    /// Index of the detector: the table goes from formats of vendors to guesses.
    detector: usize,
    secret: Range<usize>,
    confidence: Confidence,
}

impl<'a> Scan<'a> {
    fn new(secrets: &'a Secrets, file: &'a File<'a>) -> Result<Self, Problem> {
        let place = Place::of(file.path);
        let Some(first) = secrets.armed.first() else {
            return Err(Problem::internal("the table of detectors is empty"));
        };
        // A detector that does not look at this file is through with it from the start.
        let through = |armed: &Armed| if place.within(armed.detector.scope) { 0 } else { usize::MAX };
        let resume = secrets.armed.iter().map(through).collect();
        Ok(Self { secrets, file, place, cache: first.expression.cache(), resume, found: Vec::new() })
    }

    fn hit(&mut self, hit: Hit) -> Result<(), Problem> {
        let secrets = self.secrets;
        let (Some(detectors), Some(keyword)) =
            (secrets.by_keyword.get(hit.keyword as usize), secrets.keywords.get(hit.keyword as usize))
        else {
            return Err(Problem::internal(format!("the manifest has no keyword {}", hit.keyword)));
        };
        for &index in detectors {
            if hit.start >= self.resume[index] {
                self.attempt(index, hit.start, keyword.len());
            }
        }
        Ok(())
    }

    fn attempt(&mut self, index: usize, hit: usize, keyword: usize) {
        let Armed { detector, expression } = &self.secrets.armed[index];
        let content = self.file.content;
        // Most hits of a token's prefix lie within a word: "asyncio" holds "cio".
        if detector.kind == Kind::Token && detector.lead.is_none() && !begins_word(content, hit) {
            return;
        }
        let end = content.len().min(hit + detector.reach);
        let Some(found) = expression.at(&mut self.cache, content, hit, end) else {
            self.skip_run(index, hit);
            return;
        };
        let finished = detector.finish.map_or(Some(found.secret.clone()), |finish| finish(content, found.secret));
        let Some(mut secret) = finished else {
            return;
        };
        if let Some(lead) = &detector.lead {
            let length =
                content[..hit].iter().rev().take(lead.length.end).take_while(|byte| (lead.class)(**byte)).count();
            if !lead.length.contains(&length) {
                return;
            }
            secret.start = hit - length;
        }
        let candidate = Candidate { content, place: &self.place, hit, keyword, whole: found.whole, secret };
        if let Some(confidence) = detector.judge(&candidate) {
            self.resume[index] = candidate.secret.end;
            self.found.push(Found { detector: index, secret: candidate.secret, confidence });
        } else if candidate.secret.len() > LONG {
            self.resume[index] = candidate.secret.end;
        }
    }

    /// What a detector with a long reach read in vain it does not read again: in a file made of
    /// keywords that would take the square of its size.
    fn skip_run(&mut self, index: usize, hit: usize) {
        if self.secrets.armed[index].detector.reach > LONG_REACH {
            let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            let run = self.file.content[hit..].iter().take(LONG_REACH).take_while(is_part).count();
            self.resume[index] = hit + run;
        }
    }

    /// Of findings that overlap, the one of the earliest detector; in order of their place.
    fn findings(mut self) -> Vec<Finding> {
        self.found.sort_by_key(|found| (found.detector, found.secret.start));
        let mut kept: std::collections::BTreeMap<usize, &Found> = std::collections::BTreeMap::new();
        for found in &self.found {
            let before = kept.range(..found.secret.end).next_back();
            if before.is_none_or(|(_, other)| other.secret.end <= found.secret.start) {
                kept.insert(found.secret.start, found);
            }
        }
        let finding = |found: &&Found| {
            let rule = self.secrets.armed[found.detector].detector.rule;
            Finding::at(rule, self.file.path, found.secret.clone()).confidence(found.confidence)
        };
        kept.values().take(MOST_FINDINGS).map(finding).collect()
    }
}
