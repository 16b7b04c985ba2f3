//! What a candidate must pass beside its expression.

pub(crate) mod base64;
pub(crate) mod checksum;
pub(crate) mod key;
pub(crate) mod placeholder;
pub(crate) mod shape;

use crate::candidate::{Candidate, Judgement};

/// Keeps what holds, drops the rest.
pub(crate) fn require(holds: bool) -> Judgement {
    if holds { Judgement::Keep } else { Judgement::Drop }
}

/// Keeps what holds, doubts the rest.
pub(crate) fn prefer(holds: bool) -> Judgement {
    if holds { Judgement::Keep } else { Judgement::Doubt }
}

/// A format that tests and documentation use for made-up values as often as code for real ones.
pub(crate) fn not_illustrative(candidate: &Candidate<'_>) -> Judgement {
    prefer(!candidate.place.illustrative)
}

/// ASCII case is folded; `needle` is lower-case.
pub(crate) fn contains(haystack: &[u8], needle: &str) -> bool {
    let needle = needle.as_bytes();
    let Some(&first) = needle.first() else {
        return true;
    };
    let begins = |window: &&[u8]| window[0].to_ascii_lowercase() == first;
    haystack.windows(needle.len()).filter(begins).any(|window| window.eq_ignore_ascii_case(needle))
}
