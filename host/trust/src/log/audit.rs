//! An audit reads all of a log: every entry, every tile, and whether its history is the one that was seen before.

use certus_model::Sha256;
use certus_signing::{Checkpoint, Cosignature, LogError, LogVerifier, SignedCheckpoint, merkle};

use super::tile::{self, Tile, TileId, WIDTH};
use super::{CHECKPOINT, Error, Shelf};

/// What an audit found to be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// What the log states, and what its files make. Whoever remembers it finds out later if the history changes.
    pub checkpoint: Checkpoint,
    /// The known witnesses who have cosigned it.
    pub witnesses: Vec<Cosignature>,
}

/// The complete subtrees that a number of entries make: at most one of each size, the largest first.
#[derive(Default)]
struct Frontier {
    trees: Vec<(u32, Sha256)>,
}

/// Reads the whole log on `shelf`, of which `known` are the keys of the log and its witnesses. `remembered` is what was
/// seen of it before.
///
/// Files that the checkpoint does not speak of (left by an append that was cut off, or by smaller sizes) are no part
/// of the log and not looked at.
///
/// # Errors
/// A checkpoint that the log has not signed, the first entry that is not what was signed, a log that is shorter than
/// it was or has another history, and a place that fails.
pub async fn audit(
    shelf: &dyn Shelf,
    known: &[LogVerifier],
    remembered: Option<&Checkpoint>,
) -> Result<Audited, Error> {
    let text = shelf.get(CHECKPOINT).await?.ok_or(Error::NoCheckpoint)?;
    let text = String::from_utf8(text).map_err(|_| Error::Changed { path: CHECKPOINT.to_owned() })?;
    let verified = text.parse::<SignedCheckpoint>()?.verify(known)?;
    let stated = verified.checkpoint();
    let remembered = remembered.map_or(Ok((0, merkle::empty_root())), |remembered| follows(remembered, stated))?;

    let (mut frontier, mut past, mut row) = (Frontier::default(), Frontier::default().root(), Vec::new());
    for index in 0..stated.size.div_ceil(WIDTH) {
        let leaves = read_bundle(shelf, index, stated.size).await?;
        for leaf in &leaves {
            frontier.push(*leaf);
            if frontier.size() == remembered.0 {
                past = frontier.root();
            }
        }
        row.extend(Tile::new(leaves).top());
    }
    read_upper_tiles(shelf, row, stated.size).await?;
    if frontier.root() != stated.root {
        return Err(Error::Tampered { size: stated.size });
    }
    if past != remembered.1 {
        return Err(LogError::Inconsistent { from: remembered.0, to: stated.size }.into());
    }
    Ok(Audited { checkpoint: stated.clone(), witnesses: verified.witnesses().to_vec() })
}

/// Whether a state can come after another; the size and root of the other.
fn follows(remembered: &Checkpoint, stated: &Checkpoint) -> Result<(u64, Sha256), LogError> {
    if remembered.origin != stated.origin {
        let (found, expected) = (stated.origin.clone(), remembered.origin.clone());
        return Err(LogError::OtherLog { found, expected });
    }
    if remembered.size > stated.size {
        return Err(LogError::RolledBack { size: stated.size, remembered: remembered.size });
    }
    Ok((remembered.size, remembered.root))
}

/// The hashes of the entries in a bundle, each of which stands in the tile beside it.
async fn read_bundle(shelf: &dyn Shelf, index: u64, size: u64) -> Result<Vec<Sha256>, Error> {
    let (id, first) = (TileId { level: 0, index }, index * WIDTH);
    let tile = tile::fetch(shelf, id, size).await.map_err(|error| bad_entry(error, first))?;
    let path = tile::entries_path(index, size);
    let (bytes, exact) = tile::entries_bytes(shelf, index, size).await.map_err(|error| bad_entry(error, first))?;
    let (entries, rest) = tile::parse_entries(&bytes);
    let mut entries = entries.iter();
    for (index, hash) in (first..).zip(tile.hashes()) {
        if entries.next().map(|entry| merkle::leaf_hash(entry)) != Some(*hash) {
            return Err(Error::BadEntry { index, path });
        }
    }
    // Where a bundle that is full by now stands for one that was not, it holds more.
    if exact && (entries.next().is_some() || !rest.is_empty()) {
        return Err(Error::BadEntry { index: first + tile.hashes().len() as u64 - 1, path });
    }
    Ok(tile.hashes().to_vec())
}

/// Compares the tiles above the lowest with what those below make.
async fn read_upper_tiles(shelf: &dyn Shelf, mut row: Vec<Sha256>, size: u64) -> Result<(), Error> {
    // How many entries a hash of the row is over.
    let mut span = WIDTH;
    for level in 1.. {
        if row.is_empty() {
            break;
        }
        let mut above = Vec::new();
        for (index, hashes) in (0..).zip(row.chunks(WIDTH as usize)) {
            let id = TileId { level, index };
            let first = index * WIDTH * span;
            let tile = tile::fetch(shelf, id, size).await.map_err(|error| bad_entry(error, first))?;
            if let Some(at) = (0..).zip(hashes).zip(tile.hashes()).find(|((_, a), b)| a != b).map(|((at, _), _)| at) {
                return Err(Error::BadEntry { index: first + at * span, path: id.path(size) });
            }
            above.extend(tile.top());
        }
        (row, span) = (above, span.saturating_mul(WIDTH));
    }
    Ok(())
}

fn bad_entry(error: Error, index: u64) -> Error {
    match error {
        Error::Missing { path } | Error::Changed { path } => Error::BadEntry { index, path },
        other => other,
    }
}

impl Frontier {
    fn push(&mut self, leaf: Sha256) {
        let (mut level, mut hash) = (0, leaf);
        while let Some((_, left)) = self.trees.pop_if(|(other, _)| *other == level) {
            (level, hash) = (level + 1, merkle::node_hash(&left, &hash));
        }
        self.trees.push((level, hash));
    }

    fn size(&self) -> u64 {
        self.trees.iter().map(|(level, _)| 1 << level).sum()
    }

    fn root(&self) -> Sha256 {
        let mut trees = self.trees.iter().rev().map(|(_, hash)| *hash);
        match trees.next() {
            Some(last) => trees.fold(last, |right, left| merkle::node_hash(&left, &right)),
            None => merkle::empty_root(),
        }
    }
}
