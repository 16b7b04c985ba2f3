//! Checkpoints (C2SP `tlog-checkpoint`): a log states, signed, how many entries it has and what they hash to.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_model::Sha256;

use crate::note::{Cosignature, Error, LogKey, LogVerifier, Note, NoteSignature, Signer, is_origin};

/// The state of a log. As text it has three lines, and lines of extension are refused: what this reader does not
/// understand, it does not sign for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// What the log calls itself.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root over them.
    pub root: Sha256,
}

/// A checkpoint with signatures. Nothing in it has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    note: Note,
    checkpoint: Checkpoint,
}

/// A checkpoint that a known log has signed; comes from [`SignedCheckpoint::verify`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    checkpoint: Checkpoint,
    log_id: Sha256,
    witnesses: Vec<Cosignature>,
}

impl Checkpoint {
    /// Signs it with the key of the log that it is of.
    ///
    /// # Errors
    /// A key of another log.
    pub fn sign(&self, key: &LogKey) -> Result<SignedCheckpoint, Error> {
        if key.name() != self.origin {
            return Err(Error::OtherLog { found: self.origin.clone(), expected: key.name().to_owned() });
        }
        Ok(SignedCheckpoint { note: key.sign_note(&self.to_string())?, checkpoint: self.clone() })
    }
}

impl SignedCheckpoint {
    /// What is stated, unverified.
    pub fn unverified(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note that it is.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Adds the signature of a witness at the end; it takes the place of one by the same key.
    pub fn add(&mut self, signature: NoteSignature) {
        self.note.add(signature);
    }

    /// Checks that a known log has signed, under the name that the checkpoint has for its log. Signatures of those
    /// who are not known are passed over.
    ///
    /// # Errors
    /// No signature of a known log, or any signature of a known key that does not verify.
    pub fn verify(&self, known: &[LogVerifier]) -> Result<VerifiedCheckpoint, Error> {
        let (mut log_id, mut witnesses) = (None, Vec::new());
        for signer in self.note.verify(known)? {
            match signer {
                Signer::Log(log) if log.name() == self.checkpoint.origin => log_id = Some(log.id()),
                Signer::Log(_) => {}
                Signer::Witness(cosignature) => witnesses.push(cosignature),
            }
        }
        let log_id = log_id.ok_or_else(|| Error::UnknownLog(self.checkpoint.origin.clone()))?;
        Ok(VerifiedCheckpoint { checkpoint: self.checkpoint.clone(), log_id, witnesses })
    }

    /// As [`Self::verify`], and refuses signatures of those who are not known: every byte counts.
    ///
    /// # Errors
    /// What [`Self::verify`] refuses, and a signature of somebody unknown.
    pub fn verify_all(&self, known: &[LogVerifier]) -> Result<VerifiedCheckpoint, Error> {
        let unknown = |signature: &&NoteSignature| !known.iter().any(|verifier| verifier.made(signature));
        match self.note.signatures().iter().find(unknown) {
            Some(signature) if self.note.signatures().len() > 1 => {
                Err(Error::UnknownSigner(certus_model::escape::one_line(signature.name(), 100)))
            }
            _ => self.verify(known),
        }
    }
}

impl VerifiedCheckpoint {
    /// What the log states.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The id of the key that signed.
    pub fn log_id(&self) -> Sha256 {
        self.log_id
    }

    /// The known witnesses who have cosigned.
    pub fn witnesses(&self) -> &[Cosignature] {
        &self.witnesses
    }
}

impl FromStr for Checkpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = Error::MalformedCheckpoint;
        let lines = text.split('\n').collect::<Vec<_>>();
        let [origin, size, root, ""] = lines[..] else {
            return Err(malformed("has not the three lines name, size and root"));
        };
        let root = BASE64.decode(root).ok().and_then(|root| <[u8; 32]>::try_from(root).ok());
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| malformed("has a size that is no number"))?,
            root: Sha256::from_bytes(root.ok_or(malformed("has a root that is no SHA-256 in base64"))?),
        };
        match is_origin(origin) && checkpoint.to_string() == text {
            true => Ok(checkpoint),
            false => Err(malformed("is not written in the one form that it has")),
        }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root.as_bytes()))
    }
}

impl FromStr for SignedCheckpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let note: Note = text.parse()?;
        let checkpoint = note.text().parse()?;
        Ok(Self { note, checkpoint })
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.note)
    }
}

#[cfg(test)]
mod tests;
