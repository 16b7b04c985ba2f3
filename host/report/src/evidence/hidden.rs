//! Which bytes of one file may not be shown.

use std::ops::Range;

/// Bytes of one file that no output may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    /// These ranges: sorted, not empty, neither overlapping nor touching.
    Ranges(Vec<Range<usize>>),
    /// All of it, because the search for secrets was given up.
    Everything,
}

impl Hidden {
    /// The union of `ranges`, which may come in any order and overlap.
    pub(super) fn union(mut ranges: Vec<Range<usize>>) -> Self {
        ranges.retain(|range| !range.is_empty());
        ranges.sort_by_key(|range| (range.start, range.end));
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        Self::Ranges(merged)
    }

    /// `within` cut into pieces, in order, each with whether it is hidden.
    pub(super) fn pieces(&self, within: Range<usize>) -> Vec<(Range<usize>, bool)> {
        let ranges = match self {
            Self::Everything => return vec![(within, true)],
            Self::Ranges(ranges) => ranges,
        };
        let mut pieces = Vec::new();
        let mut at = within.start;
        let first = ranges.partition_point(|range| range.end <= within.start);
        for range in ranges[first..].iter().take_while(|range| range.start < within.end) {
            if at < range.start {
                pieces.push((at..range.start, false));
            }
            let end = range.end.min(within.end);
            pieces.push((at.max(range.start)..end, true));
            at = end;
        }
        if at < within.end {
            pieces.push((at..within.end, false));
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_range_once() {
        let hidden = Hidden::union(vec![8..9, 2..4, 3..6, 6..7, 5..5]);
        assert_eq!(hidden, Hidden::Ranges(vec![2..7, 8..9]));
        assert_eq!(hidden.pieces(0..10), [(0..2, false), (2..7, true), (7..8, false), (8..9, true), (9..10, false)]);
        assert_eq!(hidden.pieces(3..5), [(3..5, true)]);
        assert_eq!(hidden.pieces(7..8), [(7..8, false)]);
        assert_eq!(Hidden::Everything.pieces(1..3), [(1..3, true)]);
    }
}
