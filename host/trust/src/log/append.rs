//! How a log grows: within one turn, tiles first, and the checkpoint that speaks of them last.

use std::collections::{BTreeMap, BTreeSet};

use certus_model::Sha256;
use certus_signing::{Checkpoint, LogError, LoggedEntry, SignedCheckpoint, merkle};

use super::tile::{self, Tile, TileId, Tiles, WIDTH};
use super::{CHECKPOINT, Error, Log, MAX_ENTRY, Shelf, tree};

/// The tiles and bundles at the right edge of a log, and those that grow there.
struct Growth {
    size: u64,
    tiles: BTreeMap<TileId, Vec<Sha256>>,
    bundles: BTreeMap<u64, Vec<Vec<u8>>>,
    changed: BTreeSet<TileId>,
}

impl Log {
    /// Logs `bodies`, one entry each, in their order and next to each other, and proves where they stand. Once this
    /// returns they are there for good. After a failure they are there all or none; logging them again is allowed,
    /// for an entry may stand in a log more than once.
    ///
    /// # Errors
    /// An entry of more than 65,535 bytes, a place or a sequencer that fails, and a log whose files are not what its
    /// checkpoint says: then nothing is signed.
    pub async fn append(&self, bodies: &[Vec<u8>]) -> Result<Vec<LoggedEntry>, Error> {
        if let Some(body) = bodies.iter().find(|body| body.len() > MAX_ENTRY) {
            return Err(Error::EntryTooLong { length: body.len() });
        }
        if bodies.is_empty() {
            return Ok(Vec::new());
        }
        let turn = self.sequencer.begin().await?;
        let before = match turn.checkpoint() {
            Some(text) => self.own(text)?.unverified().clone(),
            None => self.empty(),
        };
        self.check_published(&before).await?;
        let mut growth = Growth::read(&*self.shelf, &before).await?;
        bodies.iter().for_each(|body| growth.push(body.clone()));

        let mut tiles = growth.tiles(&*self.shelf);
        let root = tiles.ask(|ask| tree::root(growth.size, ask)).await?;
        let after = Checkpoint { origin: before.origin.clone(), size: growth.size, root };
        let proof = tiles.ask(|ask| tree::consistency(before.size, after.size, ask)).await?;
        merkle::verify_consistency(before.size, after.size, &proof, &before.root, &after.root)?;
        for (path, bytes) in growth.files()? {
            self.shelf.put(&path, &bytes).await?;
        }
        let checkpoint = after.sign(&self.key)?.to_string();
        let entries = self.prove(bodies, &before, &after, &checkpoint, &mut tiles).await?;
        turn.commit(&checkpoint).await?;

        // The entries are in the log now; what is left to do is done by the next who comes if it fails here.
        if let Err(error) = self.tidy(&growth).await {
            tracing::warn!(%error, size = after.size, "the log's checkpoint is not published yet");
        }
        Ok(entries)
    }

    /// What was published is never taken back: where the sequencer has forgotten it, nothing is signed.
    async fn check_published(&self, before: &Checkpoint) -> Result<(), Error> {
        let Some(bytes) = self.shelf.get(CHECKPOINT).await? else { return Ok(()) };
        let text = String::from_utf8(bytes).map_err(|_| Error::Changed { path: CHECKPOINT.to_owned() })?;
        let signed: SignedCheckpoint = self.own(&text)?;
        let published = signed.unverified();
        if published.size > before.size {
            return Err(LogError::RolledBack { size: before.size, remembered: published.size }.into());
        }
        if published != before {
            let mut tiles = Tiles::new(&*self.shelf, before.size);
            let proof = tiles.ask(|ask| tree::consistency(published.size, before.size, ask)).await?;
            merkle::verify_consistency(published.size, before.size, &proof, &published.root, &before.root)?;
        }
        Ok(())
    }

    async fn prove(
        &self,
        bodies: &[Vec<u8>],
        before: &Checkpoint,
        after: &Checkpoint,
        checkpoint: &str,
        tiles: &mut Tiles<'_>,
    ) -> Result<Vec<LoggedEntry>, Error> {
        let (log_id, Checkpoint { size, root, .. }) = (self.verifier().id(), after.clone());
        let mut entries = Vec::new();
        for (index, body) in (before.size..).zip(bodies) {
            let proof = tiles.ask(|ask| tree::inclusion(index, size, ask)).await?;
            merkle::verify_inclusion(&merkle::leaf_hash(body), index, size, &proof, &root)?;
            let (body, checkpoint) = (body.clone(), checkpoint.to_owned());
            entries.push(LoggedEntry { index, log_id, body, size, root, proof, checkpoint });
        }
        Ok(entries)
    }

    /// Publishes, and takes away what was written while tiles were not full that are full now.
    async fn tidy(&self, growth: &Growth) -> Result<(), Error> {
        self.publish().await?;
        for id in growth.changed.iter().filter(|id| id.width(growth.size) == WIDTH) {
            self.shelf.clear(&format!("{}.p", id.path(growth.size))).await?;
            if id.level == 0 {
                self.shelf.clear(&format!("{}.p", tile::entries_path(id.index, growth.size))).await?;
            }
        }
        Ok(())
    }
}

impl Growth {
    /// Reads the right edge and checks that it makes the root that was signed.
    async fn read(shelf: &dyn Shelf, before: &Checkpoint) -> Result<Self, Error> {
        let size = before.size;
        let mut growth = Self { size, tiles: BTreeMap::new(), bundles: BTreeMap::new(), changed: BTreeSet::new() };
        let edge = (0..).map_while(|level| match size.checked_shr(level * 8) {
            Some(hashes) if hashes > 0 => Some(TileId { level, index: hashes / WIDTH }),
            _ => None,
        });
        for id in edge.filter(|id| id.width(size) > 0) {
            growth.tiles.insert(id, tile::fetch(shelf, id, size).await?.hashes().to_vec());
        }
        let root = growth.tiles(shelf).ask(|ask| tree::root(size, ask)).await?;
        if root != before.root {
            return Err(Error::Tampered { size });
        }
        let index = size / WIDTH;
        if let Some(leaves) = growth.tiles.get(&TileId { level: 0, index }) {
            let entries = tile::entries(shelf, index, size).await?;
            if !entries.iter().map(|entry| merkle::leaf_hash(entry)).eq(leaves.iter().copied()) {
                return Err(Error::Changed { path: tile::entries_path(index, size) });
            }
            growth.bundles.insert(index, entries);
        }
        Ok(growth)
    }

    fn push(&mut self, body: Vec<u8>) {
        let (mut index, mut hash) = (self.size, merkle::leaf_hash(&body));
        self.bundles.entry(index / WIDTH).or_default().push(body);
        self.size += 1;
        for level in 0.. {
            let id = TileId { level, index: index / WIDTH };
            let hashes = self.tiles.entry(id).or_default();
            hashes.push(hash);
            self.changed.insert(id);
            if (hashes.len() as u64) < WIDTH {
                break;
            }
            let Some(top) = Tile::new(hashes.clone()).top() else { break };
            (index, hash) = (id.index, top);
        }
    }

    fn tiles<'a>(&self, shelf: &'a dyn Shelf) -> Tiles<'a> {
        let mut tiles = Tiles::new(shelf, self.size);
        for (id, hashes) in &self.tiles {
            tiles.insert(*id, Tile::new(hashes.clone()));
        }
        tiles
    }

    /// What must lie on the shelf before anybody speaks of it.
    fn files(&self) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let mut files = Vec::new();
        for (index, entries) in &self.bundles {
            files.push((tile::entries_path(*index, self.size), tile::write_entries(entries)?));
        }
        for id in &self.changed {
            let bytes = self.tiles[id].iter().flat_map(Sha256::as_bytes).copied().collect();
            files.push((id.path(self.size), bytes));
        }
        Ok(files)
    }
}
