use std::collections::BTreeMap;
use std::ops::Range;

use certus_sdk_files::{Confidence, File, FileScanner, Finding, Problem, Settings};

use crate::columns::Columns;
use crate::context::Context;
use crate::list::{List, birth, email, phone};
use crate::number::{Alone, Number};
use crate::numbers::NUMBERS;
use crate::place::Place;
use crate::shape::{Shape, is_word, stands_apart};

/// The longest first word of any identifier: an IBAN's.
const LONGEST: usize = 33;

/// One more than the host keeps of a whole run: it then says that findings are missing, where an
/// answer of any length would be refused and the file with it.
const MOST_FINDINGS: usize = 10_001;

/// How many different ones make a list of people.
const LEAST_ADDRESSES: usize = 5;
const LEAST_DAYS: usize = 3;

/// The scanner: which identifiers can begin with a word of which length.
pub struct Privacy {
    by_length: Vec<Vec<(&'static Number, Option<Shape>)>>,
}

impl FileScanner for Privacy {
    fn configure(_: &Settings) -> Result<Self, Problem> {
        let mut by_length = vec![Vec::new(); LONGEST + 1];
        for number in NUMBERS {
            for (length, shape) in number.beginnings() {
                by_length[length].push((number, shape));
            }
        }
        Ok(Self { by_length })
    }

    fn scan(&self, file: &File<'_>) -> Result<Vec<Finding>, Problem> {
        let mut scan = Scan::new(self, file);
        scan.run();
        Ok(scan.findings())
    }
}

/// One file under way, from its first byte to its last.
struct Scan<'a> {
    privacy: &'a Privacy,
    path: &'a str,
    content: &'a [u8],
    place: Place,
    columns: Option<Columns<'a>>,
    found: Vec<Found>,
    /// Numbers in one word that no card has, by their length.
    strangers: BTreeMap<usize, usize>,
    lists: Lists,
}

struct Found {
    rule: &'static str,
    span: Range<usize>,
    confidence: Confidence,
    /// Only its check digit speaks for it.
    lonely: bool,
}

struct Lists {
    emails: List,
    phones: List,
    births: List,
}

impl<'a> Scan<'a> {
    fn new(privacy: &'a Privacy, file: &File<'a>) -> Self {
        let place = Place::of(file.path);
        let lists = Lists {
            emails: List::new("email-list", LEAST_ADDRESSES),
            phones: List::new("phone-list", LEAST_ADDRESSES),
            births: List::new("birth-date-list", LEAST_DAYS),
        };
        let columns = Columns::of(file.content, place.kind);
        let (path, content) = (file.path, file.content);
        Self { privacy, path, content, place, columns, found: Vec::new(), strangers: BTreeMap::new(), lists }
    }

    /// One pass: every word is looked at once, and what is tried there reads a few dozen bytes.
    fn run(&mut self) {
        let mut at = 0;
        while let Some(&byte) = self.content.get(at) {
            at = if is_word(byte) { self.word(at) } else { self.mark(at, byte) };
        }
    }

    /// Looks at what is no word; where to go on.
    fn mark(&mut self, at: usize, byte: u8) -> usize {
        if !self.place.is_data() {
            return at + 1;
        }
        match byte {
            b'@' => self.email(at),
            b'+' => self.phone(at),
            _ => None,
        }
        .unwrap_or(at + 1)
    }

    fn email(&mut self, at: usize) -> Option<usize> {
        let span = email::around(self.content, at)?;
        let end = span.end;
        self.lists.emails.add(self.content, span);
        Some(end)
    }

    fn phone(&mut self, at: usize) -> Option<usize> {
        let span = phone::at(self.content, at)?;
        let end = span.end;
        if !self.context(&span).mentions(phone::WORDS) {
            return None;
        }
        self.lists.phones.add(self.content, span);
        Some(end)
    }

    /// Looks at the word that begins at `start`; where to go on.
    fn word(&mut self, start: usize) -> usize {
        let rest = &self.content[start..];
        let length = rest.iter().take_while(|byte| is_word(**byte)).count();
        let end = start + length;
        // The letter of an escaped line break is not part of the word.
        let escaped = matches!(rest[0], b'n' | b'r' | b't') && self.content[..start].ends_with(b"\\");
        let word = if escaped { start + 1..end } else { start..end };
        if word.len() > LONGEST {
            return end;
        }
        // Few have no digit in their first word: `AB 12 34 56 C`, `X-1234567-L`.
        if word.len() > 2 && !self.content[word.clone()].iter().any(u8::is_ascii_digit) {
            return end;
        }
        self.number(&word).or_else(|| self.birth(&word)).unwrap_or(end)
    }

    fn number(&mut self, word: &Range<usize>) -> Option<usize> {
        let privacy = self.privacy;
        for &(number, shape) in &privacy.by_length[word.len()] {
            let Some(candidate) = Number::read(self.content, word, shape) else {
                continue;
            };
            if !(number.check)(&candidate.digits) {
                if matches!(number.alone, Alone::Common(_)) && !candidate.grouped {
                    *self.strangers.entry(candidate.digits.len()).or_default() += 1;
                }
                continue;
            }
            if !stands_apart(self.content, &candidate.span) || number.is_example(&candidate.digits) {
                continue;
            }
            let context = self.context(&candidate.span);
            if let Some(judged) = number.judge(&candidate, self.place, &context) {
                let end = candidate.span.end;
                let (confidence, lonely) = (judged.confidence, judged.lonely);
                self.found.push(Found { rule: number.rule, span: candidate.span, confidence, lonely });
                return Some(end);
            }
        }
        None
    }

    fn birth(&mut self, word: &Range<usize>) -> Option<usize> {
        if !self.place.is_data() || !matches!(word.len(), 2 | 4 | 8) {
            return None;
        }
        let length = birth::read(&self.content[word.start..])?;
        let span = word.start..word.start + length;
        if self.context(&span).mentions(birth::WORDS) {
            self.lists.births.add(self.content, span.clone());
        }
        Some(span.end)
    }

    fn context(&mut self, span: &Range<usize>) -> Context<'a> {
        let column = self.columns.as_mut().map(|columns| columns.at(span.start));
        Context::of(self.content, self.place, span, column)
    }

    fn findings(self) -> Vec<Finding> {
        let mut lonely: BTreeMap<usize, usize> = BTreeMap::new();
        for found in self.found.iter().filter(|found| found.lonely) {
            *lonely.entry(found.span.len()).or_default() += 1;
        }
        // One number in ten has the right check digit by chance: among others of its length that
        // have none, a card that nothing names is one of those.
        let by_chance = |found: &&Found| {
            let length = found.span.len();
            found.lonely && self.strangers.get(&length).unwrap_or(&0) >= &lonely[&length]
        };
        let numbers = self
            .found
            .iter()
            .filter(|found| !by_chance(found))
            .map(|found| Finding::at(found.rule, self.path, found.span.clone()).confidence(found.confidence));
        let confidence = if self.place.illustrative { Confidence::Low } else { Confidence::Medium };
        let lists = [self.lists.emails, self.lists.phones, self.lists.births];
        let lists = lists.into_iter().filter_map(|list| list.finding(self.path, confidence));
        let mut findings: Vec<Finding> = lists.chain(numbers.take(MOST_FINDINGS)).collect();
        findings.sort_by_key(|finding| finding.at.span);
        findings
    }
}
