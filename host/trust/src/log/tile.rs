//! Tiles: files of up to 256 hashes, or of up to 256 entries (C2SP `tlog-tiles`).

use std::collections::{BTreeMap, BTreeSet};

use certus_model::Sha256;
use certus_signing::merkle;

use super::tree::{Ask, Node};
use super::{Error, Shelf};

/// How many hashes or entries a full tile holds.
pub(super) const WIDTH: u64 = 256;
/// How many levels of the tree a tile spans: the logarithm of its width.
const HEIGHT: u32 = 8;

/// The `index`th tile of hashes at a level: each hash is over 256 to the power of `level` entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TileId {
    pub(super) level: u32,
    pub(super) index: u64,
}

/// The hashes of one tile, and those that follow from them: row `r` has the complete subtrees over 2^`r` of them.
pub(super) struct Tile {
    rows: Vec<Vec<Sha256>>,
}

/// The tiles of a log as it is with `size` entries, fetched when they are asked for.
pub(super) struct Tiles<'a> {
    shelf: &'a dyn Shelf,
    size: u64,
    known: BTreeMap<TileId, Tile>,
}

impl TileId {
    /// The tile that a complete subtree is in or made of.
    fn of(node: Node) -> Self {
        Self { level: node.level / HEIGHT, index: (node.index << (node.level % HEIGHT)) >> HEIGHT }
    }

    /// How many hashes it holds in a log of `size` entries, at most 256.
    pub(super) fn width(self, size: u64) -> u64 {
        let hashes = size.checked_shr(self.level * HEIGHT).unwrap_or(0);
        hashes.saturating_sub(self.index * WIDTH).min(WIDTH)
    }

    /// Where it lies in a log of `size` entries.
    pub(super) fn path(self, size: u64) -> String {
        format!("tile/{}/{}", self.level, place(self.index, self.width(size)))
    }
}

/// Where the `index`th bundle of entries lies in a log of `size` entries.
pub(super) fn entries_path(index: u64, size: u64) -> String {
    format!("tile/entries/{}", place(index, TileId { level: 0, index }.width(size)))
}

/// A number in groups of three digits, of which all but the last begin with `x`, and the width if it is not full.
pub(super) fn place(index: u64, width: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width == WIDTH { path } else { format!("{path}.p/{width}") }
}

impl Tile {
    pub(super) fn new(hashes: Vec<Sha256>) -> Self {
        let mut rows = vec![hashes];
        while let Some(row) = rows.last().filter(|row| row.len() > 1) {
            let above = row.chunks_exact(2).map(|pair| merkle::node_hash(&pair[0], &pair[1])).collect();
            rows.push(above);
        }
        Self { rows }
    }

    /// The hashes that the file holds.
    pub(super) fn hashes(&self) -> &[Sha256] {
        &self.rows[0]
    }

    /// The hash over all of a full tile.
    pub(super) fn top(&self) -> Option<Sha256> {
        self.rows.get(HEIGHT as usize)?.first().copied()
    }

    pub(super) fn parse(bytes: &[u8]) -> Self {
        let (hashes, _) = bytes.as_chunks::<32>();
        Self::new(hashes.iter().map(|hash| Sha256::from_bytes(*hash)).collect())
    }

    fn node(&self, node: Node) -> Option<Sha256> {
        let row = node.level % HEIGHT;
        let at = node.index & ((WIDTH >> row) - 1);
        self.rows.get(row as usize)?.get(usize::try_from(at).ok()?).copied()
    }
}

impl<'a> Tiles<'a> {
    pub(super) fn new(shelf: &'a dyn Shelf, size: u64) -> Self {
        Self { shelf, size, known: BTreeMap::new() }
    }

    /// A tile that need not be fetched.
    pub(super) fn insert(&mut self, id: TileId, tile: Tile) {
        self.known.insert(id, tile);
    }

    /// Answers what is made of hashes. It is asked twice: first to learn which tiles it takes, and then with them.
    ///
    /// # Errors
    /// Those of `question`, and a tile that is missing, of another length, or cannot be fetched.
    pub(super) async fn ask<T>(&mut self, question: impl Fn(&mut Ask<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut needed = BTreeSet::new();
        question(&mut |node| {
            needed.insert(TileId::of(node));
            Ok(merkle::empty_root())
        })?;
        for id in needed {
            if !self.known.contains_key(&id) {
                self.known.insert(id, fetch(self.shelf, id, self.size).await?);
            }
        }
        question(&mut |node| {
            let id = TileId::of(node);
            let missing = || Error::Missing { path: id.path(self.size) };
            self.known.get(&id).and_then(|tile| tile.node(node)).ok_or_else(missing)
        })
    }
}

/// A tile of hashes from the shelf.
pub(super) async fn fetch(shelf: &dyn Shelf, id: TileId, size: u64) -> Result<Tile, Error> {
    let path = id.path(size);
    let width = id.width(size) * 32;
    match get(shelf, &path, &id.path(u64::MAX)).await? {
        (bytes, true) if bytes.len() as u64 == width => Ok(Tile::parse(&bytes)),
        (bytes, false) if bytes.len() as u64 == WIDTH * 32 => Ok(Tile::parse(&bytes[..(width as usize)])),
        _ => Err(Error::Changed { path }),
    }
}

/// The entries of a bundle from the shelf.
pub(super) async fn entries(shelf: &dyn Shelf, index: u64, size: u64) -> Result<Vec<Vec<u8>>, Error> {
    let width = TileId { level: 0, index }.width(size) as usize;
    let (bytes, exact) = entries_bytes(shelf, index, size).await?;
    match parse_entries(&bytes) {
        (mut entries, []) if entries.len() == width || !exact && entries.len() > width => {
            entries.truncate(width);
            Ok(entries)
        }
        _ => Err(Error::Changed { path: entries_path(index, size) }),
    }
}

/// A bundle from the shelf, and whether it holds no more entries than the log has at that size.
pub(super) async fn entries_bytes(shelf: &dyn Shelf, index: u64, size: u64) -> Result<(Vec<u8>, bool), Error> {
    get(shelf, &entries_path(index, size), &entries_path(index, u64::MAX)).await
}

/// A file, and whether it is the one of that width: one that is not full is taken away once the full one is there.
async fn get(shelf: &dyn Shelf, path: &str, full: &str) -> Result<(Vec<u8>, bool), Error> {
    if let Some(bytes) = shelf.get(path).await? {
        return Ok((bytes, true));
    }
    match shelf.get(full).await? {
        Some(bytes) if full != path => Ok((bytes, false)),
        _ => Err(Error::Missing { path: path.to_owned() }),
    }
}

/// Writes entries as a bundle: each after its length in two bytes, of which the higher is first.
pub(super) fn write_entries(entries: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| Error::EntryTooLong { length: entry.len() })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// The entries of a bundle, as far as it holds whole ones, and what is left.
pub(super) fn parse_entries(mut bytes: &[u8]) -> (Vec<Vec<u8>>, &[u8]) {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let Some((entry, rest)) = rest.split_at_checked(u16::from_be_bytes(*length).into()) else { break };
        entries.push(entry.to_vec());
        bytes = rest;
    }
    (entries, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let table = [
            (TileId { level: 0, index: 0 }, 255, "tile/0/000.p/255"),
            (TileId { level: 0, index: 0 }, 256, "tile/0/000"),
            (TileId { level: 0, index: 273 }, 70_000, "tile/0/273.p/112"),
            (TileId { level: 1, index: 1 }, 70_000, "tile/1/001.p/17"),
            (TileId { level: 2, index: 0 }, 70_000, "tile/2/000.p/1"),
            // The example of the document.
            (TileId { level: 0, index: 1_234_067 }, u64::MAX, "tile/0/x001/x234/067"),
            (TileId { level: 0, index: 1_000 }, u64::MAX, "tile/0/x001/000"),
        ];
        for (id, size, path) in table {
            assert_eq!(id.path(size), path);
        }
        assert_eq!(entries_path(1_234_067, u64::MAX), "tile/entries/x001/x234/067");
    }

    #[test]
    fn a_bundle_of_entries_is_read_as_it_was_written() {
        let entries = vec![b"one".to_vec(), Vec::new(), vec![7; 65_535]];
        let bytes = write_entries(&entries).unwrap();
        assert_eq!(bytes[..5], [0, 3, b'o', b'n', b'e']);
        assert_eq!(parse_entries(&bytes), (entries.clone(), [].as_slice()));
        for (length, whole, left) in [(0, 0, 0), (1, 0, 1), (4, 0, 4), (5, 1, 0), (7, 2, 0), (65_000, 2, 64_993)] {
            let (parsed, rest) = parse_entries(&bytes[..length]);
            assert_eq!((&parsed[..], rest.len()), (&entries[..whole], left), "cut at {length}");
        }
        assert!(matches!(write_entries(&[vec![0; 65_536]]), Err(Error::EntryTooLong { length: 65_536 })));
    }
}
