use std::ops::Range;

use certus_sdk_files::Confidence;

use crate::candidate::{Candidate, Judgement};
use crate::check::placeholder::{is_reference, is_sample};
use crate::check::require;
use crate::place::Scope;

/// One way to recognise one kind of secret: a row of the table.
pub(crate) struct Detector {
    /// Id of the rule in the manifest.
    pub(crate) rule: &'static str,
    /// Where to try the expression: the manifest's `[interest] keywords` are all of these.
    pub(crate) keywords: &'static [&'static str],
    /// One-pass, tried from the keyword on. Its first group that takes part is the secret, else all.
    pub(crate) pattern: &'static str,
    pub(crate) kind: Kind,
    pub(crate) scope: Scope,
    pub(crate) confidence: Confidence,
    /// How many bytes from the keyword on the expression may read.
    pub(crate) reach: usize,
    /// What the secret has in front of the keyword.
    pub(crate) lead: Option<Lead>,
    /// Puts the end of the secret, or all of it, where an expression cannot.
    pub(crate) finish: Option<Finish>,
    pub(crate) checks: &'static [Check],
}

/// How much of a secret its format fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The format of one vendor: stands apart from other words and is no placeholder.
    Token,
    /// A format that means nothing without the name in front of it: ends as a word and is no
    /// placeholder.
    Assigned,
    /// Whatever somebody wrote where a secret belongs: is not a reference to something else.
    Value,
    /// Fixed by its own structure: keys in PEM, hashes, salts. Holds what would be a reference elsewhere.
    Material,
}

/// So many bytes of one class in front of the keyword, and no more.
pub(crate) struct Lead {
    pub(crate) class: fn(u8) -> bool,
    pub(crate) length: Range<usize>,
}

pub(crate) type Finish = fn(content: &[u8], secret: Range<usize>) -> Option<Range<usize>>;
pub(crate) type Check = fn(&Candidate<'_>) -> Judgement;

/// Enough for any assignment and most tokens.
const REACH: usize = 320;

impl Detector {
    /// A token in the format of one vendor.
    pub(crate) const fn token(rule: &'static str, keywords: &'static [&'static str], pattern: &'static str) -> Self {
        Self {
            rule,
            keywords,
            pattern,
            kind: Kind::Token,
            scope: Scope::Everywhere,
            confidence: Confidence::High,
            reach: REACH,
            lead: None,
            finish: None,
            checks: &[],
        }
    }

    /// A value of known length behind a name that says what it is: see `assigned!`.
    pub(crate) const fn assigned(rule: &'static str, keywords: &'static [&'static str], pattern: &'static str) -> Self {
        Self {
            kind: Kind::Assigned,
            scope: Scope::Written,
            confidence: Confidence::Medium,
            ..Self::token(rule, keywords, pattern)
        }
    }

    /// Whatever stands where a secret belongs.
    pub(crate) const fn value(rule: &'static str, keywords: &'static [&'static str], pattern: &'static str) -> Self {
        Self { kind: Kind::Value, confidence: Confidence::Medium, ..Self::token(rule, keywords, pattern) }
    }

    /// Bytes whose structure says what they are.
    pub(crate) const fn material(rule: &'static str, keywords: &'static [&'static str], pattern: &'static str) -> Self {
        Self { kind: Kind::Material, ..Self::value(rule, keywords, pattern) }
    }

    /// Only in files whose lower-cased name ends with one of `names`.
    pub(crate) const fn named(self, names: &'static [&'static str]) -> Self {
        Self { scope: Scope::Named(names), ..self }
    }

    pub(crate) const fn written(self) -> Self {
        Self { scope: Scope::Written, ..self }
    }

    pub(crate) const fn sure(self, confidence: Confidence) -> Self {
        Self { confidence, ..self }
    }

    pub(crate) const fn reach(self, reach: usize) -> Self {
        Self { reach, ..self }
    }

    pub(crate) const fn lead(self, class: fn(u8) -> bool, length: Range<usize>) -> Self {
        Self { lead: Some(Lead { class, length }), ..self }
    }

    pub(crate) const fn finish(self, finish: Finish) -> Self {
        Self { finish: Some(finish), ..self }
    }

    pub(crate) const fn checks(self, checks: &'static [Check]) -> Self {
        Self { checks, ..self }
    }

    /// The confidence that the checks leave, `None` where one of them says that it is no secret.
    pub(crate) fn judge(&self, candidate: &Candidate<'_>) -> Option<Confidence> {
        let mut judgement = self.kind.judge(candidate);
        for check in self.checks {
            if judgement == Judgement::Drop {
                break;
            }
            judgement = judgement.max(check(candidate));
        }
        match judgement {
            Judgement::Keep => Some(self.confidence),
            Judgement::Doubt => Some(Confidence::Low),
            Judgement::Drop => None,
        }
    }
}

impl Kind {
    fn judge(self, candidate: &Candidate<'_>) -> Judgement {
        let is_secret = match self {
            Self::Token => candidate.begins() && candidate.ends() && !is_sample(candidate.body()),
            Self::Assigned => candidate.ends() && !is_sample(candidate.body()),
            Self::Value => !is_reference(candidate.secret()),
            Self::Material => true,
        };
        require(is_secret)
    }
}
