//! Witnesses: others who sign that they have seen a checkpoint, and that it continues what they saw before. A log that
//! shows two histories needs two witnesses who do not talk to each other.

use certus_model::Sha256;
use certus_signing::{Checkpoint, LogError, LogKey, LogVerifier, NoteSignature, SignedCheckpoint, VerifiedCheckpoint};
use certus_signing::{VerifierKind, merkle};

use super::tile::Tiles;
use super::{Error, Log, Shelf, tree};

/// Cosigns a checkpoint as the witness whose key this is, at `time` (seconds since 1970). `last_seen` is what it
/// cosigned last of this log, and `proof` shows that the log continues that. Whoever calls keeps the checkpoint as
/// what was seen last, before the signature leaves.
///
/// # Errors
/// A checkpoint that `log` has not signed or that is of another log, a log that became shorter, and a proof that does
/// not show that it continues.
pub fn cosign(
    checkpoint: &SignedCheckpoint,
    log: &LogVerifier,
    last_seen: Option<&Checkpoint>,
    proof: &[Sha256],
    key: &LogKey,
    time: u64,
) -> Result<NoteSignature, LogError> {
    let verified = checkpoint.verify(std::slice::from_ref(log))?;
    let stated = verified.checkpoint();
    let empty = Checkpoint { origin: stated.origin.clone(), size: 0, root: merkle::empty_root() };
    let seen = last_seen.unwrap_or(&empty);
    if seen.origin != stated.origin {
        return Err(LogError::OtherLog { found: stated.origin.clone(), expected: seen.origin.clone() });
    }
    if seen.size > stated.size {
        return Err(LogError::RolledBack { size: stated.size, remembered: seen.size });
    }
    merkle::verify_consistency(seen.size, stated.size, proof, &seen.root, &stated.root)?;
    key.cosign(checkpoint.note().text(), time)
}

/// The hashes that a witness needs: that the log on `shelf` with `to` entries continues the one with `from`, which is not
/// more. Whether they show it is for [`cosign`] to see.
///
/// # Errors
/// Files that are missing or changed, and a place that fails.
pub async fn consistency(shelf: &dyn Shelf, from: u64, to: u64) -> Result<Vec<Sha256>, Error> {
    Tiles::new(shelf, to).ask(|ask| tree::consistency(from, to, ask)).await
}

impl Log {
    /// Adds the signature of a witness to the current checkpoint, and publishes that. `witnesses` are those who are
    /// known here.
    ///
    /// # Errors
    /// A log without a checkpoint, a signature of nobody who is known, or one of another checkpoint: the log has grown
    /// meanwhile, and the witness must look again.
    pub async fn accept(
        &self,
        cosignature: NoteSignature,
        witnesses: &[LogVerifier],
    ) -> Result<VerifiedCheckpoint, Error> {
        let turn = self.sequencer.begin().await?;
        let mut current = self.own(turn.checkpoint().ok_or(Error::NoCheckpoint)?)?;
        let mut known = witnesses.to_vec();
        known.retain(|witness| witness.kind() == VerifierKind::Witness);
        if !known.iter().any(|witness| witness.name() == cosignature.name() && witness.hint() == cosignature.hint()) {
            let name = certus_model::escape::one_line(cosignature.name(), 100);
            return Err(LogError::UnknownSigner(name).into());
        }
        current.add(cosignature);
        known.push(self.key.verifier());
        let verified = current.verify(&known)?;
        turn.commit(&current.to_string()).await?;
        self.publish().await?;
        Ok(verified)
    }
}
