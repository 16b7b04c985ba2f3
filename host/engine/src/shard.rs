//! The shard plan: a function of the sorted entries and two fixed sizes, never of workers or time.

use std::ops::Range;

use certus_model::workspace::Entry;

/// Entries in one shard at the most.
const ENTRIES: usize = 512;
/// Content of one shard, in bytes; one larger file is a shard of its own.
const BYTES: u64 = 8 << 20;

/// Cuts the entries into consecutive ranges.
pub(crate) fn plan(entries: &[Entry]) -> Vec<Range<usize>> {
    let mut shards = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, entry) in entries.iter().enumerate() {
        if index > start && (index - start == ENTRIES || bytes + entry.size > BYTES) {
            shards.push(start..index);
            (start, bytes) = (index, 0);
        }
        bytes += entry.size;
    }
    if start < entries.len() {
        shards.push(start..entries.len());
    }
    shards
}

#[cfg(test)]
mod tests {
    use certus_model::workspace::{MemoryWorkspace, Workspace as _};

    use super::*;

    #[test]
    fn every_entry_is_in_one_shard_in_order() {
        let files = (0..1300).map(|i| (format!("f{i:04}").parse().unwrap(), Vec::new()));
        let workspace = MemoryWorkspace::new(files);
        assert_eq!(plan(workspace.entries()), [0..512, 512..1024, 1024..1300]);
        let big =
            MemoryWorkspace::new([("a", 1), ("b", 9 << 20), ("c", 1)].map(|(n, s)| (n.parse().unwrap(), vec![0; s])));
        assert_eq!(plan(big.entries()), [0..1, 1..2, 2..3]);
        assert!(plan(&[]).is_empty());
    }
}
