//! Roots and proofs as RFC 6962 defines them (section 2.1), from the hashes of complete subtrees.

use certus_model::Sha256;
use certus_signing::merkle;

use super::Error;

/// A complete subtree: the `index`th over 2^`level` entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node {
    pub(super) level: u32,
    pub(super) index: u64,
}

/// Whoever knows the hashes of complete subtrees.
pub(super) type Ask<'a> = dyn FnMut(Node) -> Result<Sha256, Error> + 'a;

/// The root of a log with `size` entries.
pub(super) fn root(size: u64, ask: &mut Ask<'_>) -> Result<Sha256, Error> {
    if size == 0 { Ok(merkle::empty_root()) } else { range(0, size, ask) }
}

/// The path from entry `index` to the root over `size` entries, from below: `index` is less than `size`.
pub(super) fn inclusion(index: u64, size: u64, ask: &mut Ask<'_>) -> Result<Vec<Sha256>, Error> {
    let (mut low, mut high, mut path) = (0, size, Vec::new());
    while high - low > 1 {
        let middle = split(low, high);
        if index < middle {
            path.push(range(middle, high, ask)?);
            high = middle;
        } else {
            path.push(range(low, middle, ask)?);
            low = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The proof that the root over `to` entries continues that over `from`, which is not more.
pub(super) fn consistency(from: u64, to: u64, ask: &mut Ask<'_>) -> Result<Vec<Sha256>, Error> {
    if from == 0 || from == to {
        return Ok(Vec::new());
    }
    let (mut low, mut high, mut path) = (0, to, Vec::new());
    while from != high {
        let middle = split(low, high);
        if from <= middle {
            path.push(range(middle, high, ask)?);
            high = middle;
        } else {
            path.push(range(low, middle, ask)?);
            low = middle;
        }
    }
    // Whoever has the old root itself needs no part of it.
    if low > 0 {
        path.push(range(low, high, ask)?);
    }
    path.reverse();
    Ok(path)
}

/// The hash over the entries from `low` to below `high`, of which there is one at least.
fn range(low: u64, high: u64, ask: &mut Ask<'_>) -> Result<Sha256, Error> {
    let count = high - low;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return ask(Node { level, index: low >> level });
    }
    let middle = split(low, high);
    Ok(merkle::node_hash(&range(low, middle, ask)?, &range(middle, high, ask)?))
}

/// Where a range of two entries or more is cut: the largest power of two below its length.
fn split(low: u64, high: u64) -> u64 {
    low + (1 << (high - low - 1).ilog2())
}
