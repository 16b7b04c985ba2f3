//! What each plugin was given and asked for: counted, ordered, hash-chained.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{PluginId, Sha256, canonical_json};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// The host handed over the settings.
    Configure,
    /// The host handed over a file.
    File,
    /// The host asked for the answer to the whole workspace.
    Tree,
    /// The host asked for the answer to a change.
    Change,
    /// The plugin listed entries.
    Entries,
    /// The plugin read a file.
    Read,
    /// The plugin looked into a data pack.
    Data,
    /// The plugin wrote to the operator's log.
    Log,
    /// The host laid out files for a WASI plugin.
    Materialise,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As asked.
    Ok,
    /// The answer was that there is no such thing.
    NotFound,
    /// Outside what is granted.
    Denied,
    /// Refused for another reason of the contract.
    Refused,
    /// The call failed.
    Failed,
}

/// What one run did, summed by operation, object and outcome. What was handed over is bounded by the
/// workspace; what was asked for in vain by [`Uses::MAX_NAMES`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Row>", into = "Vec<Row>")]
pub struct Uses {
    rows: BTreeMap<Key, (u64, u64)>,
    /// What the names take that the plugin has made up.
    names: u64,
}

type Key = (Operation, String, Outcome);

/// A key and its sums, for formats whose maps have texts as keys.
type Row = (Key, (u64, u64));

impl From<Vec<Row>> for Uses {
    fn from(rows: Vec<Row>) -> Self {
        let mut uses = Self::default();
        for (key, (calls, bytes)) in rows {
            uses.add(key, calls, bytes);
        }
        uses
    }
}

impl From<Uses> for Vec<Row> {
    fn from(uses: Uses) -> Self {
        uses.rows.into_iter().collect()
    }
}

/// About what a row takes beside its name.
const ROW: u64 = 96;

/// What a row takes whose object the plugin may have made up: nothing vouches for a name that led to
/// nothing, so these are as many and as long as the plugin likes.
fn made_up(key: &Key) -> u64 {
    let (_, object, outcome) = key;
    match outcome {
        Outcome::NotFound | Outcome::Denied | Outcome::Refused if !object.is_empty() => ROW + object.len() as u64,
        _ => 0,
    }
}

impl Uses {
    /// Bytes kept of names that the plugin has made up, rows included: room for as many as
    /// a workspace holds files. What comes later is summed under an empty object.
    pub const MAX_NAMES: u64 = 16 << 20;

    /// Records one use of `object` (a path, a pack's key; empty where there is none).
    pub fn record(&mut self, operation: Operation, object: &str, outcome: Outcome, bytes: u64) {
        self.add((operation, crate::escape::one_line(object, 4096), outcome), 1, bytes);
    }

    /// Adds everything of `other`.
    pub fn merge(&mut self, other: Self) {
        for (key, (calls, bytes)) in other.rows {
            self.add(key, calls, bytes);
        }
    }

    fn add(&mut self, mut key: Key, calls: u64, bytes: u64) {
        let names = self.names + made_up(&key);
        if !self.rows.contains_key(&key) {
            if names > Self::MAX_NAMES {
                key.1 = String::new();
            } else {
                self.names = names;
            }
        }
        let row = self.rows.entry(key).or_default();
        row.0 += calls;
        row.1 += bytes;
    }

    /// Bytes kept of names that the plugin has made up.
    pub fn names(&self) -> u64 {
        self.names
    }

    /// Sums under an empty object what stands under names that the plugin has made up.
    pub fn forget_names(&mut self) {
        self.names = 0;
        for (mut key, (calls, bytes)) in std::mem::take(&mut self.rows) {
            if made_up(&key) > 0 {
                key.1 = String::new();
            }
            self.add(key, calls, bytes);
        }
    }

    /// Calls of `operation` that ended with `outcome`.
    pub fn calls(&self, operation: Operation, outcome: Outcome) -> u64 {
        self.rows
            .iter()
            .filter(|((op, _, out), _)| *op == operation && *out == outcome)
            .map(|(_, (calls, _))| calls)
            .sum()
    }

    /// Whether `object` was used so.
    pub fn contains(&self, operation: Operation, object: &str, outcome: Outcome) -> bool {
        self.rows.contains_key(&(operation, crate::escape::one_line(object, 4096), outcome))
    }

    /// The operations that happened at all.
    pub fn operations(&self) -> std::collections::BTreeSet<Operation> {
        self.rows.keys().map(|(operation, ..)| *operation).collect()
    }
}

/// One line of `ledger.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerLine {
    /// Position, from 0.
    pub seq: u64,
    /// SHA-256 of the line before, without its line feed; of the empty text for the first.
    pub previous: Sha256,
    /// Whose use it was.
    pub plugin: PluginId,
    /// What was done.
    pub operation: Operation,
    /// With what; empty where there is none.
    pub object: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How often.
    pub calls: u64,
    /// Bytes handed over, all calls together.
    pub bytes: u64,
}

/// The text of `ledger.jsonl`: one canonical JSON line a row, each naming the digest of the one before.
///
/// # Errors
/// None that these types can cause; the serialiser's own is passed on.
pub fn chain<'a>(runs: impl IntoIterator<Item = (&'a PluginId, &'a Uses)>) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::new();
    let mut previous = Sha256::of(b"");
    let mut seq = 0;
    for (plugin, uses) in runs {
        for ((operation, object, outcome), (calls, bytes)) in &uses.rows {
            let line = canonical_json(&LedgerLine {
                seq,
                previous,
                plugin: plugin.clone(),
                operation: *operation,
                object: object.clone(),
                outcome: *outcome,
                calls: *calls,
                bytes: *bytes,
            })?;
            previous = Sha256::of(&line);
            seq += 1;
            out.extend_from_slice(&line);
            out.push(b'\n');
        }
    }
    Ok(out)
}

/// Checks the chain of a `ledger.jsonl`; the error is the number of the first broken line, from 1.
///
/// # Errors
/// A line that does not parse, is not canonical, is out of order or names another predecessor.
pub fn check_chain(text: &[u8]) -> Result<u64, u64> {
    let mut previous = Sha256::of(b"");
    let mut seq = 0;
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    if body.is_empty() {
        return if text.is_empty() { Ok(0) } else { Err(1) };
    }
    for line in body.split(|b| *b == b'\n') {
        let parsed: LedgerLine = serde_json::from_slice(line).map_err(|_| seq + 1)?;
        let canonical = canonical_json(&parsed).is_ok_and(|bytes| bytes == line);
        if !canonical || parsed.previous != previous || parsed.seq != seq {
            return Err(seq + 1);
        }
        previous = Sha256::of(line);
        seq += 1;
    }
    if text.ends_with(b"\n") { Ok(seq) } else { Err(seq) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_line_breaks_the_chain_at_the_next() {
        let plugin: PluginId = "a.b".parse().unwrap();
        let mut uses = Uses::default();
        for path in ["x", "y", "z"] {
            uses.record(Operation::Read, path, Outcome::Ok, 3);
        }
        uses.record(Operation::Read, "../etc", Outcome::Denied, 0);
        let text = chain([(&plugin, &uses)]).unwrap();
        assert_eq!(check_chain(&text), Ok(4));
        let changed = String::from_utf8(text.clone()).unwrap().replacen("\"bytes\":3", "\"bytes\":4", 1);
        assert_eq!(check_chain(changed.as_bytes()), Err(3));
        let cut = &text[..text.len() - 1];
        assert!(check_chain(cut).is_err());
        assert_eq!(check_chain(b""), Ok(0));
    }

    #[test]
    fn names_that_a_guest_makes_up_are_bounded() {
        let mut parts = [Uses::default(), Uses::default()];
        for (uses, part) in parts.iter_mut().zip(["one", "two"]) {
            for number in 0..6_000 {
                uses.record(Operation::Read, &format!("{part}{number}{}", "x".repeat(4_000)), Outcome::NotFound, 0);
            }
            // Files that are there are never crowded out: coverage rests on them.
            uses.record(Operation::Read, part, Outcome::Ok, 1);
        }
        let [mut all, other] = parts;
        all.merge(other);
        let kept: usize = all.rows.keys().map(|(_, object, _)| object.len()).sum();
        assert!(kept as u64 <= Uses::MAX_NAMES + 6, "{kept}");
        assert_eq!(all.calls(Operation::Read, Outcome::NotFound), 12_000, "all are counted");
        assert!(all.contains(Operation::Read, "one", Outcome::Ok) && all.contains(Operation::Read, "two", Outcome::Ok));
        let mut few = Uses::default();
        few.record(Operation::Read, "missing", Outcome::NotFound, 0);
        assert!(few.contains(Operation::Read, "missing", Outcome::NotFound), "the twin is kept by name");

        all.forget_names();
        assert_eq!((all.names(), all.calls(Operation::Read, Outcome::NotFound)), (0, 12_000));
        assert_eq!(all.rows.len(), 3, "two that exist, and one for the rest");
    }
}
