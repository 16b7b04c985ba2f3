//! Signed notes (C2SP `signed-note`): a text, and under it one line for each signature over it. Checkpoints of a
//! transparency log are notes.

mod error;
mod key;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

pub use self::error::Error;
pub(crate) use self::key::is_origin;
pub use self::key::{Cosignature, Hint, LogKey, LogVerifier, VerifierKind};

/// What every signature line begins with: an em dash and a space.
const LINE: &str = "\u{2014} ";
/// How long a note may be, in bytes: that of Go's `sumdb/note`.
const MAX_NOTE: usize = 1_000_000;
/// How many signatures a note may carry: that of Go's `sumdb/note`.
const MAX_SIGNATURES: usize = 100;

/// A text with signatures. Nothing in it has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line of a note.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoteSignature {
    name: String,
    hint: Hint,
    bytes: Vec<u8>,
}

/// A signature of a note that a known key has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer<'a> {
    /// By the key of a log.
    Log(&'a LogVerifier),
    /// By a witness, at a time that it states.
    Witness(Cosignature),
}

impl Note {
    /// A note without signatures.
    ///
    /// # Errors
    /// A text that does not end in a line break or holds a control character.
    pub fn new(text: String) -> Result<Self, Error> {
        let control = text.bytes().any(|byte| byte < b' ' && byte != b'\n');
        match text.ends_with('\n') && !control {
            true => Ok(Self { text, signatures: Vec::new() }),
            false => Err(Error::MalformedNote("holds a control character or does not end in a line break")),
        }
    }

    /// What is signed; it ends in a line break.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures in their order.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature at the end; it takes the place of one by the same key.
    pub fn add(&mut self, signature: NoteSignature) {
        self.signatures.retain(|other| (&other.name, other.hint) != (&signature.name, signature.hint));
        self.signatures.push(signature);
    }

    /// Looks for signatures of known keys. Those of other keys say nothing and are passed over.
    ///
    /// # Errors
    /// A signature that claims to be of a known key and is not, or two of one key.
    pub fn verify<'a>(&self, known: &'a [LogVerifier]) -> Result<Vec<Signer<'a>>, Error> {
        let mut seen = BTreeSet::new();
        let mut signers = Vec::new();
        for signature in &self.signatures {
            let Some(verifier) = known.iter().find(|verifier| verifier.made(signature)) else { continue };
            if !seen.insert((&*signature.name, signature.hint)) {
                return Err(Error::SignedTwice(signature.name.clone()));
            }
            signers.push(verifier.check(&self.text, signature)?);
        }
        Ok(signers)
    }
}

impl NoteSignature {
    pub(crate) fn new(name: &str, hint: Hint, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), hint, bytes }
    }

    /// Who is said to have signed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first bytes of the key's id, which tell keys of one name apart.
    pub fn hint(&self) -> Hint {
        self.hint
    }

    /// What follows the hint.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl FromStr for Note {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_NOTE {
            return Err(Error::MalformedNote("is longer than a million bytes"));
        }
        // The last empty line: a text may hold others.
        let end = text.rfind("\n\n").ok_or(Error::MalformedNote("has no signatures"))?;
        let (body, lines) = (&text[..=end], &text[end + 2..]);
        let mut note = Self::new(body.to_owned())?;
        let lines = lines.strip_suffix('\n').ok_or(Error::MalformedNote("does not end in a line break"))?;
        for line in lines.split('\n') {
            note.signatures.push(line.parse()?);
        }
        match note.signatures.len() {
            ..=MAX_SIGNATURES => Ok(note),
            _ => Err(Error::MalformedNote("carries more than 100 signatures")),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl FromStr for NoteSignature {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self, Error> {
        const MALFORMED: Error = Error::MalformedNote("has a line in the place of a signature that is none");
        let (name, blob) = line.strip_prefix(LINE).and_then(|rest| rest.split_once(' ')).ok_or(MALFORMED)?;
        let blob = BASE64.decode(blob).map_err(|_| MALFORMED)?;
        match blob.split_first_chunk() {
            Some((hint, bytes)) if key::is_name(name) && !bytes.is_empty() => {
                Ok(Self::new(name, Hint::from_bytes(*hint), bytes.to_vec()))
            }
            _ => Err(MALFORMED),
        }
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blob = [self.hint.as_bytes(), self.bytes.as_slice()].concat();
        write!(f, "{LINE}{} {}", self.name, BASE64.encode(blob))
    }
}

#[cfg(test)]
mod tests;
