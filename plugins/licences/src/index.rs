//! The reference texts: what the build script has written.

use std::cmp::Ordering;

/// One reference text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference<'i> {
    /// The SPDX id.
    pub(crate) spdx: &'i str,
    /// The hashes of its pairs of words, sorted, four bytes each.
    set: &'i [u8],
}

impl<'i> Reference<'i> {
    /// How many different pairs it has.
    pub(crate) fn len(&self) -> usize {
        self.set.len() / 4
    }

    /// Its pairs, in order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = u32> + use<'i> {
        let quads = self.set.chunks_exact(4);
        quads.map(|quad| u32::from_le_bytes([quad[0], quad[1], quad[2], quad[3]]))
    }

    /// Where a pair stands among them.
    pub(crate) fn position(&self, pair: u32) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            let at = &self.set[middle * 4..middle * 4 + 4];
            match u32::from_le_bytes([at[0], at[1], at[2], at[3]]).cmp(&pair) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Some(middle),
            }
        }
        None
    }
}

/// All reference texts, sorted by id.
pub(crate) fn references() -> impl Iterator<Item = Reference<'static>> {
    static INDEX: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/licences.bin"));
    let mut rest = INDEX;
    std::iter::from_fn(move || {
        let (length, tail) = rest.split_first()?;
        let (name, tail) = tail.split_at_checked(usize::from(*length))?;
        let (count, tail) = tail.split_first_chunk::<4>()?;
        let (set, tail) = tail.split_at_checked(u32::from_le_bytes(*count) as usize * 4)?;
        rest = tail;
        Some(Reference { spdx: std::str::from_utf8(name).ok()?, set })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_is_whole_sorted_and_current() {
        let all: Vec<_> = references().collect();
        assert!(all.len() > 500, "{}", all.len());
        for reference in &all {
            let pairs: Vec<u32> = reference.pairs().collect();
            assert!(pairs.is_sorted(), "{}", reference.spdx);
            assert!(
                pairs.iter().enumerate().all(|(at, pair)| reference.position(*pair) == Some(at)),
                "{}",
                reference.spdx
            );
            let id = spdx::license_id(reference.spdx);
            assert!(id.is_some_and(|id| !id.is_deprecated()), "{}", reference.spdx);
        }
        for common in ["MIT", "Apache-2.0", "BSD-3-Clause", "GPL-3.0-only", "MPL-2.0"] {
            assert!(all.iter().any(|r| r.spdx == common), "{common}");
        }
    }
}
