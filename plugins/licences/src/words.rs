//! A text as pairs of neighbouring words: what stays the same when a licence is wrapped, quoted or
//! commented out otherwise. The build script reads the reference texts through this same file.

use std::ops::Range;

/// A pair of words, as a hash, and the bytes from the first word to the end of the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) hash: u32,
    pub(crate) span: Range<usize>,
}

/// The pairs of a text in its order. Copyright lines are left out: they differ in every file. So are
/// words of one character, which number clauses.
pub(crate) fn pairs(text: &[u8]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut last: Option<(u64, Range<usize>)> = None;
    let mut start = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let at = start;
        start += line.len();
        if is_copyright(line) {
            continue;
        }
        for word in words(line) {
            let hash = hash(&line[word.clone()]);
            let span = at + word.start..at + word.end;
            if let Some((before, from)) = last.replace((hash, span.clone())) {
                pairs.push(Pair { hash: join(before, hash), span: from.start..span.end });
            }
        }
    }
    pairs
}

/// The hashes of some pairs, sorted, each once.
pub(crate) fn set(pairs: &[Pair]) -> Vec<u32> {
    let mut set: Vec<u32> = pairs.iter().map(|pair| pair.hash).collect();
    set.sort_unstable();
    set.dedup();
    set
}

fn words(line: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let begin = at + line[at..].iter().position(u8::is_ascii_alphanumeric)?;
            let rest = &line[begin..];
            let length = rest.iter().position(|byte| !byte.is_ascii_alphanumeric());
            at = begin + length.unwrap_or(rest.len());
            if at - begin > 1 {
                return Some(begin..at);
            }
        }
    })
}

/// `Copyright (c) 2024 Somebody`, but not a line of the text that happens to begin with the word.
fn is_copyright(line: &[u8]) -> bool {
    let line = String::from_utf8_lossy(line).to_lowercase();
    let line = line.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '(' | '©'));
    let names_a_year = |rest: &str| {
        let year = |c: char| c.is_ascii_digit() || matches!(c, '<' | '[' | '{' | '©');
        rest.contains("(c)") || rest.contains(year)
    };
    line == "all rights reserved"
        || line.starts_with('©')
        || line.strip_prefix("copyright").is_some_and(names_a_year)
        || line.strip_prefix("(c)").is_some_and(names_a_year)
}

/// FNV-1a over the lower-case letters, with one spelling for both of the word licence.
fn hash(word: &[u8]) -> u64 {
    let british = word.len() >= 7 && word[..7].eq_ignore_ascii_case(b"licence");
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for (at, byte) in word.iter().enumerate() {
        let byte = match (british, at) {
            (true, 5) => b's',
            _ => byte.to_ascii_lowercase(),
        };
        hash = mix(hash, byte);
    }
    hash
}

fn join(a: u64, b: u64) -> u32 {
    let hash = b.to_le_bytes().into_iter().fold(a, mix);
    // The low bits of FNV are the weaker ones.
    u32::try_from(hash >> 32).unwrap_or_default()
}

fn mix(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_quoting_comments_and_numbering_change_nothing() {
        let plain = set(&pairs(b"The licensee may copy, and must keep the notice."));
        for text in [
            "// THE LICENSEE MAY\n//   copy and must\n// keep the notice",
            "* (1) the \"licencee\" may copy; and\r\n * must keep the notice",
            "Copyright (c) 2024 Somebody\nAll rights reserved.\n\nthe licensee may copy and must keep the notice",
            "\u{a9} 2024 Me\n  (c) 2024 Me\nthe licensee may copy and must keep the notice",
        ] {
            assert_eq!(set(&pairs(text.as_bytes())), plain, "{text}");
        }
        let other = set(&pairs(b"the licensee may copy and must keep the note"));
        assert_ne!(other, plain);
    }

    #[test]
    fn a_line_of_the_text_that_begins_with_the_word_stays() {
        let text = b"OR\nCOPYRIGHT HOLDERS BE LIABLE";
        assert_eq!(pairs(text).len(), 4);
    }

    #[test]
    fn a_pair_knows_its_bytes_in_a_text_of_any_bytes() {
        let text = b"\xff\xfeone \xe9\n two";
        let pairs = pairs(text);
        assert_eq!(pairs.len(), 1);
        assert_eq!(&text[pairs[0].span.clone()], b"one \xe9\n two");
    }
}
