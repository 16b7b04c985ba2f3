use std::ops::Range;

use certus_sdk_files::Confidence;

use crate::check::iban;
use crate::context::Context;
use crate::place::{Kind, Place};
use crate::shape::{Shape, has_run, is_typed};

/// One kind of identifier: a row of the table.
pub(crate) struct Number {
    /// Id of the rule in the manifest.
    pub(crate) rule: &'static str,
    pub(crate) form: Form,
    /// Whether an identifier without its separators can be one.
    pub(crate) check: fn(&[u8]) -> bool,
    /// Words beside it that say what it is, lower-case; a blank is any separator or none.
    pub(crate) words: &'static [&'static str],
    /// What it takes where no word says so.
    pub(crate) alone: Alone,
    /// Published examples, sorted.
    pub(crate) examples: &'static [&'static str],
}

/// How it is written.
pub(crate) enum Form {
    Shapes(&'static [Shape]),
    /// As the country in its first two letters has it.
    Iban,
}

/// Which identifiers are reported without a word that says what they are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Alone {
    /// None: too many other numbers look so.
    No,
    /// Those written in groups.
    Grouped,
    /// Those written in groups, and in one word those of this kind where most numbers of that length
    /// in the file would pass; not in code.
    Common(fn(&[u8]) -> bool),
    /// All.
    Yes,
}

/// An identifier at a place.
pub(crate) struct Candidate {
    pub(crate) span: Range<usize>,
    pub(crate) digits: Vec<u8>,
    pub(crate) grouped: bool,
}

/// What a row makes of a candidate.
pub(crate) struct Judged {
    pub(crate) confidence: Confidence,
    /// Nothing but its check digit speaks for it.
    pub(crate) lonely: bool,
}

impl Number {
    /// Lengths of the first words that can begin such an identifier, each with its shape.
    pub(crate) fn beginnings(&self) -> Vec<(usize, Option<Shape>)> {
        match self.form {
            Form::Shapes(shapes) => shapes.iter().map(|shape| (shape.first_word(), Some(*shape))).collect(),
            Form::Iban => std::iter::once(4).chain(15..=33).map(|length| (length, None)).collect(),
        }
    }

    /// The identifier that begins at `start`, checks aside; `shape` as [`Self::beginnings`] has it.
    pub(crate) fn read(content: &[u8], word: &Range<usize>, shape: Option<Shape>) -> Option<Candidate> {
        let rest = &content[word.start..];
        let (length, grouped) = match shape {
            Some(shape) => (shape.read(rest)?, shape.is_grouped()),
            None => (iban::read(rest, word.len())?, word.len() == 4),
        };
        let span = word.start..word.start + length;
        let digits = content[span.clone()].iter().copied().filter(u8::is_ascii_alphanumeric).collect();
        Some(Candidate { span, digits, grouped })
    }

    /// Whether it is one that somebody thought up or printed as an example.
    pub(crate) fn is_example(&self, digits: &[u8]) -> bool {
        is_typed(digits)
            || has_run(digits) && !matches!(self.form, Form::Iban)
            || self.examples.binary_search_by(|example| example.as_bytes().cmp(digits)).is_ok()
    }

    /// How sure it is that a candidate that passed the check is one; `None`: it rather is not.
    pub(crate) fn judge(&self, candidate: &Candidate, place: Place, context: &Context<'_>) -> Option<Judged> {
        let named = context.mentions(self.words);
        let lonely = !named && !candidate.grouped && matches!(self.alone, Alone::Common(_));
        let confidence = match self.alone {
            _ if named => Confidence::High,
            Alone::No => return None,
            Alone::Grouped if !candidate.grouped => return None,
            Alone::Common(is_common) if lonely => match place.kind {
                Kind::Code => return None,
                _ if !is_common(&candidate.digits) => return None,
                _ if place.is_data() => Confidence::Medium,
                _ => Confidence::Low,
            },
            _ if place.is_data() => Confidence::High,
            _ => Confidence::Medium,
        };
        let confidence = if place.illustrative || context.is_sample() { Confidence::Low } else { confidence };
        Some(Judged { confidence, lonely })
    }
}
