//! The transparency log: what was ever signed, in an order that nobody can change unnoticed. It lies in files as
//! C2SP `tlog-tiles` describes them, and its state is one signed checkpoint.

mod append;
mod audit;
mod error;
mod folder;
mod shelf;
mod tile;
mod tree;
mod witness;

use std::fmt;
use std::sync::Arc;

use certus_model::Sha256;
use certus_signing::{Checkpoint, LogKey, LogVerifier, SignedCheckpoint, merkle};

pub use self::audit::{Audited, audit};
pub use self::error::Error;
pub use self::folder::FolderLog;
pub use self::shelf::{Sequencer, Shelf, Turn};
use self::tile::Tiles;
use self::tree::Node;
pub use self::witness::{consistency, cosign};

/// Where the checkpoint is published.
const CHECKPOINT: &str = "checkpoint";
/// How long an entry may be, in bytes: its length is written in two (C2SP `tlog-tiles`, log entries).
pub const MAX_ENTRY: usize = u16::MAX as usize;

/// A log that this host signs. Any number of them, in any number of processes, may write to one place: its sequencer
/// gives them turns.
pub struct Log {
    key: LogKey,
    shelf: Arc<dyn Shelf>,
    sequencer: Arc<dyn Sequencer>,
}

impl Log {
    /// A log whose tiles lie on `shelf` and whose turns `sequencer` gives. It is named like its key.
    pub fn new(key: LogKey, shelf: Arc<dyn Shelf>, sequencer: Arc<dyn Sequencer>) -> Self {
        Self { key, shelf, sequencer }
    }

    /// What checks its checkpoints.
    pub fn verifier(&self) -> LogVerifier {
        self.key.verifier()
    }

    /// The current state, with the signatures of witnesses, if anything was ever logged.
    ///
    /// # Errors
    /// A sequencer that fails, or a checkpoint that this log has not signed.
    pub async fn latest(&self) -> Result<Option<SignedCheckpoint>, Error> {
        self.sequencer.checkpoint().await?.map(|text| self.own(&text)).transpose()
    }

    /// The entry at `index`, counted from 0, byte for byte as it was logged.
    ///
    /// # Errors
    /// An index that the log has not reached, or files that are missing or changed.
    pub async fn entry(&self, index: u64) -> Result<Vec<u8>, Error> {
        let current = self.current().await?;
        self.inclusion(index, current.size).await?;
        let leaf = Tiles::new(&*self.shelf, current.size).ask(|ask| ask(Node { level: 0, index })).await?;
        let at = usize::try_from(index % tile::WIDTH).unwrap_or(usize::MAX);
        let entry = tile::entries(&*self.shelf, index / tile::WIDTH, current.size).await?.into_iter().nth(at);
        let changed = || Error::Changed { path: tile::entries_path(index / tile::WIDTH, current.size) };
        entry.filter(|entry| merkle::leaf_hash(entry) == leaf).ok_or_else(changed)
    }

    /// The hashes that prove that the entry at `index` is in the log as it was with `size` entries. They do: every
    /// proof is checked before it is handed out.
    ///
    /// # Errors
    /// A size or an index that the log has not reached, or files that are missing or changed.
    pub async fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Sha256>, Error> {
        if index >= size {
            return Err(Error::OutOfRange { index, size });
        }
        let mut tiles = self.tiles(size).await?;
        let root = tiles.root(size).await?;
        let leaf = tiles.tiles.ask(|ask| ask(Node { level: 0, index })).await?;
        let proof = tiles.tiles.ask(|ask| tree::inclusion(index, size, ask)).await?;
        merkle::verify_inclusion(&leaf, index, size, &proof, &root).map_err(|_| Error::Tampered { size })?;
        Ok(proof)
    }

    /// The hashes that prove that the log with `to` entries continues the one with `from`; checked as well.
    ///
    /// # Errors
    /// Sizes that the log has not reached or that are in the wrong order, or files that are missing or changed.
    pub async fn consistency(&self, from: u64, to: u64) -> Result<Vec<Sha256>, Error> {
        if from > to {
            return Err(Error::OutOfRange { index: from, size: to });
        }
        let mut tiles = self.tiles(to).await?;
        let (old, new) = (tiles.root(from).await?, tiles.root(to).await?);
        let proof = tiles.tiles.ask(|ask| tree::consistency(from, to, ask)).await?;
        merkle::verify_consistency(from, to, &proof, &old, &new).map_err(|_| Error::Tampered { size: to })?;
        Ok(proof)
    }

    /// The root that the log had with `size` entries.
    ///
    /// # Errors
    /// A size that the log has not reached, or files that are missing or changed.
    pub async fn root(&self, size: u64) -> Result<Sha256, Error> {
        self.tiles(size).await?.root(size).await
    }

    /// The log as it is now, if it has `size` entries or more.
    async fn tiles(&self, size: u64) -> Result<Signed<'_>, Error> {
        let current = self.current().await?;
        match size <= current.size {
            true => Ok(Signed { tiles: Tiles::new(&*self.shelf, current.size), current }),
            false => Err(Error::OutOfRange { index: size, size: current.size }),
        }
    }

    async fn current(&self) -> Result<Checkpoint, Error> {
        match self.latest().await? {
            Some(signed) => Ok(signed.unverified().clone()),
            None => Ok(self.empty()),
        }
    }

    fn empty(&self) -> Checkpoint {
        Checkpoint { origin: self.key.name().to_owned(), size: 0, root: merkle::empty_root() }
    }

    /// A checkpoint that this log has signed.
    fn own(&self, text: &str) -> Result<SignedCheckpoint, Error> {
        let signed: SignedCheckpoint = text.parse()?;
        signed.verify(&[self.key.verifier()])?;
        Ok(signed)
    }

    /// Publishes the current checkpoint. Whoever publishes looks again afterwards, so that of two who publish at once
    /// the one who came last leaves the newest.
    async fn publish(&self) -> Result<(), Error> {
        if self.sequencer.publishes() {
            return Ok(());
        }
        let mut published = None;
        loop {
            let current = self.sequencer.checkpoint().await?;
            match current {
                Some(text) if published.as_deref() != Some(&*text) => {
                    self.shelf.put(CHECKPOINT, text.as_bytes()).await?;
                    published = Some(text);
                }
                _ => return Ok(()),
            }
        }
    }
}

/// Tiles with the checkpoint that speaks of them.
struct Signed<'a> {
    tiles: Tiles<'a>,
    current: Checkpoint,
}

impl Signed<'_> {
    /// The root over the first `size` entries, of which the current checkpoint proves that it was.
    async fn root(&mut self, size: u64) -> Result<Sha256, Error> {
        let Checkpoint { size: now, root, .. } = self.current;
        let old = self.tiles.ask(|ask| tree::root(size, ask)).await?;
        let proof = self.tiles.ask(|ask| tree::consistency(size, now, ask)).await?;
        merkle::verify_consistency(size, now, &proof, &old, &root).map_err(|_| Error::Tampered { size: now })?;
        Ok(old)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Log({})", self.key.name())
    }
}

#[cfg(test)]
mod tests;
