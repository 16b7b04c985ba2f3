use crate::Hit;

/// The most hits that the host passes on with one file.
pub const MAX_HITS: usize = 65_536;

/// Every occurrence of every keyword, ASCII case folded, overlapping, in order of `start`, and
/// whether that was all of them.
pub fn hits(keywords: &[&str], content: &[u8]) -> (Vec<Hit>, bool) {
    let mut by_first_byte: Vec<Vec<(u32, &[u8])>> = vec![Vec::new(); 256];
    for (index, keyword) in (0_u32..).zip(keywords) {
        if let Some(first) = keyword.as_bytes().first() {
            by_first_byte[usize::from(first.to_ascii_lowercase())].push((index, keyword.as_bytes()));
        }
    }
    let mut hits = Vec::new();
    for (start, byte) in content.iter().enumerate() {
        for &(keyword, bytes) in &by_first_byte[usize::from(byte.to_ascii_lowercase())] {
            let here = content.get(start..start + bytes.len());
            if !here.is_some_and(|here| here.eq_ignore_ascii_case(bytes)) {
                continue;
            }
            if hits.len() == MAX_HITS {
                return (hits, false);
            }
            hits.push(Hit { start, keyword });
        }
    }
    (hits, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_keyword_does_not_hide_a_longer_one() {
        let (found, complete) = hits(&["token", "access_token", "ken"], b"ACCESS_Token");
        let pairs: Vec<(usize, u32)> = found.iter().map(|hit| (hit.start, hit.keyword)).collect();
        assert_eq!(pairs, [(0, 1), (7, 0), (9, 2)]);
        assert!(complete);
    }

    #[test]
    fn one_keyword_overlaps_itself() {
        assert_eq!(hits(&["aa"], b"aaaa").0.len(), 3);
    }

    #[test]
    fn beyond_the_bound_the_hits_are_incomplete() {
        let content = vec![b'x'; MAX_HITS + 1];
        let (found, complete) = hits(&["x"], &content);
        assert_eq!((found.len(), complete), (MAX_HITS, false));
    }
}
