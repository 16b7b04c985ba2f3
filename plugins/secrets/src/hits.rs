use certus_sdk_files::Hit;

/// Finds all keywords in a content, for files that have more hits than the host passes on.
///
/// Two bytes of text select the few keywords that may begin there.
pub(crate) struct Searcher {
    keywords: Vec<Vec<u8>>,
    /// Indices of keywords that begin with the same two bytes; the first group is empty.
    groups: Vec<Vec<u32>>,
    /// The group of each pair of bytes.
    by_start: Vec<u16>,
}

impl Searcher {
    pub(crate) fn new(keywords: &[&str]) -> Self {
        let keywords: Vec<Vec<u8>> = keywords.iter().map(|keyword| keyword.as_bytes().to_ascii_lowercase()).collect();
        let mut groups = vec![Vec::new()];
        let mut by_start = vec![0; 1 << 16];
        for (index, keyword) in (0_u32..).zip(&keywords) {
            if let [first, second, ..] = keyword[..] {
                let group = &mut by_start[pair(first, second)];
                if *group == 0 {
                    *group = groups.len() as u16;
                    groups.push(Vec::new());
                }
                groups[usize::from(*group)].push(index);
            }
        }
        Self { keywords, groups, by_start }
    }

    /// All occurrences of all keywords in order of their start, ASCII case folded.
    pub(crate) fn hits<'a>(&'a self, content: &'a [u8]) -> impl Iterator<Item = Hit> + 'a {
        let pairs = content.windows(2).map(|two| pair(two[0].to_ascii_lowercase(), two[1].to_ascii_lowercase()));
        pairs.enumerate().flat_map(move |(start, pair)| {
            self.groups[usize::from(self.by_start[pair])].iter().filter_map(move |&keyword| {
                let bytes = &self.keywords[keyword as usize];
                let text = content.get(start..start + bytes.len())?;
                text.eq_ignore_ascii_case(bytes).then_some(Hit { start, keyword })
            })
        })
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use certus_sdk_files::testing;

    #[test]
    fn it_finds_what_the_host_finds() {
        let keywords = ["token", "access_token", "ken", "-----begin"];
        let content = b"ACCESS_Token ken-----BEGIN\xff token";
        let ours: Vec<Hit> = Searcher::new(&keywords).hits(content).collect();
        assert_eq!(ours, testing::hits(&keywords, content).0);
    }
}
