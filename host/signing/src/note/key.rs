//! Ed25519 keys that sign notes, and what verifies them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_model::Sha256;
use certus_model::escape::is_printable;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::{Error, Note, NoteSignature, Signer};

/// DER of an Ed25519 SubjectPublicKeyInfo before its 32 bytes of key (RFC 8410, section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// How long a name may be, in bytes: that of a host in the DNS.
const MAX_NAME: usize = 255;

/// An Ed25519 private key, in memory, with the name of the log or the witness whose it is.
pub struct LogKey {
    name: String,
    key: SigningKey,
}

/// What checks the signatures of one log or witness. As text it is a verifier key, `NAME+HHHHHHHH+BASE64`.
#[derive(Clone, PartialEq, Eq)]
pub struct LogVerifier {
    name: String,
    kind: VerifierKind,
    key: VerifyingKey,
}

/// What somebody signs. The two have different key ids, and what is signed differs, so that neither passes for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifierKind {
    /// The text of a note: a log its checkpoints (`0x01`).
    Log,
    /// That a checkpoint continues what was seen before, with the time (`0x04`, C2SP `cosignature/v1`).
    Witness,
}

/// The first four bytes of a key's id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hint([u8; 4]);

/// A witness has seen a checkpoint, and that it continues all that the witness saw before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// Which witness.
    pub name: String,
    /// When, by its own clock: seconds since 1970.
    pub time: u64,
}

impl LogKey {
    /// Makes a new key for the log or witness called `name`, which reads like `log.example.com/certus`.
    ///
    /// # Errors
    /// A name that cannot stand in a signature line, or a machine without randomness.
    pub fn generate(name: &str) -> Result<Self, Error> {
        let mut seed = Zeroizing::new([0; 32]);
        // Requests of up to 256 bytes are answered whole (getrandom(2)).
        match rustix::rand::getrandom(&mut seed[..], rustix::rand::GetRandomFlags::empty()) {
            Ok(32) => Self::new(name, SigningKey::from_bytes(&seed)),
            _ => Err(Error::NoEntropy),
        }
    }

    /// Opens a key that [`Self::to_pem`] has written, or `openssl genpkey -algorithm ed25519`.
    ///
    /// # Errors
    /// Another form, another kind of key, or a name that cannot stand in a signature line.
    pub fn from_pem(name: &str, pem: &str) -> Result<Self, Error> {
        Self::new(name, SigningKey::from_pkcs8_pem(pem).map_err(|_| Error::MalformedKey)?)
    }

    fn new(name: &str, key: SigningKey) -> Result<Self, Error> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), key })
    }

    /// The key as a `BEGIN PRIVATE KEY` block (PKCS#8 version 1, which every OpenSSL reads). Wiped when dropped.
    ///
    /// # Errors
    /// None that a key can cause; the encoder's own is passed on.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, Error> {
        let bytes = KeypairBytes { secret_key: self.key.to_bytes(), public_key: None };
        bytes.to_pkcs8_pem(LineEnding::LF).map_err(|_| Error::MalformedKey)
    }

    /// Whose key it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What checks this key's signatures of notes.
    pub fn verifier(&self) -> LogVerifier {
        self.verifier_as(VerifierKind::Log)
    }

    /// What checks this key's cosignatures.
    pub fn witness_verifier(&self) -> LogVerifier {
        self.verifier_as(VerifierKind::Witness)
    }

    fn verifier_as(&self, kind: VerifierKind) -> LogVerifier {
        LogVerifier { name: self.name.clone(), kind, key: self.key.verifying_key() }
    }

    /// Signs a text, as a log signs its checkpoints.
    ///
    /// # Errors
    /// A text that cannot be a note's.
    pub fn sign_note(&self, text: &str) -> Result<Note, Error> {
        let mut note = Note::new(text.to_owned())?;
        let verifier = self.verifier();
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        let signature = NoteSignature::new(&self.name, verifier.hint(), signature.to_vec());
        verifier.check(text, &signature)?;
        note.add(signature);
        Ok(note)
    }

    /// Signs, as a witness, that a checkpoint with this `text` was seen at `time` (seconds since 1970). Whether it
    /// continues what was seen before is the caller's to check.
    ///
    /// # Errors
    /// A text that cannot be a note's.
    pub fn cosign(&self, text: &str, time: u64) -> Result<NoteSignature, Error> {
        let note = Note::new(text.to_owned())?;
        let verifier = self.witness_verifier();
        let signature = self.key.sign(cosigned(note.text(), time).as_bytes()).to_bytes();
        let bytes = [time.to_be_bytes().as_slice(), &signature].concat();
        let signature = NoteSignature::new(&self.name, verifier.hint(), bytes);
        verifier.check(text, &signature)?;
        Ok(signature)
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey({})", self.verifier())
    }
}

impl LogVerifier {
    /// Whose signatures it checks.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What those are over.
    pub fn kind(&self) -> VerifierKind {
        self.kind
    }

    /// The key's id: SHA-256 of name, line break, algorithm and key. Sigstore calls a log by it.
    pub fn id(&self) -> Sha256 {
        Sha256::of(&[self.name.as_bytes(), b"\n", &self.typed_key()].concat())
    }

    /// The first four bytes of the id.
    pub fn hint(&self) -> Hint {
        let [a, b, c, d, ..] = *self.id().as_bytes();
        Hint([a, b, c, d])
    }

    /// The key as DER SubjectPublicKeyInfo.
    pub fn spki(&self) -> Vec<u8> {
        [SPKI_PREFIX.as_slice(), self.key.as_bytes()].concat()
    }

    fn typed_key(&self) -> Vec<u8> {
        let algorithm = match self.kind {
            VerifierKind::Log => 0x01,
            VerifierKind::Witness => 0x04,
        };
        [[algorithm].as_slice(), self.key.as_bytes()].concat()
    }

    /// Whether a signature claims to be this key's.
    pub(crate) fn made(&self, signature: &NoteSignature) -> bool {
        self.name == signature.name && self.hint() == signature.hint
    }

    /// Checks a signature that claims to be this key's.
    pub(super) fn check(&self, text: &str, signature: &NoteSignature) -> Result<Signer<'_>, Error> {
        let bad = || Error::BadSignature(self.name.clone());
        let verify = |text: &str, bytes: &[u8]| {
            let signature = Signature::from_slice(bytes).map_err(|_| bad())?;
            self.key.verify_strict(text.as_bytes(), &signature).map_err(|_| bad())
        };
        match self.kind {
            VerifierKind::Log => verify(text, &signature.bytes).map(|()| Signer::Log(self)),
            VerifierKind::Witness => {
                let (time, bytes) = signature.bytes.split_first_chunk().ok_or_else(bad)?;
                let time = u64::from_be_bytes(*time);
                verify(&cosigned(text, time), bytes)?;
                Ok(Signer::Witness(Cosignature { name: self.name.clone(), time }))
            }
        }
    }
}

/// What a witness signs (C2SP `tlog-cosignature`, section 4.1).
fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// Whether a name can stand in a signature line and in a verifier key.
pub(super) fn is_name(name: &str) -> bool {
    is_origin(name) && !name.contains(|c: char| c.is_whitespace() || c == '+')
}

/// Whether a text can be what a checkpoint calls its log: one that can be shown, of 255 bytes at most.
pub(crate) fn is_origin(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && text.chars().all(is_printable)
}

fn check_name(name: &str) -> Result<(), Error> {
    match is_name(name) {
        true => Ok(()),
        false => Err(Error::BadName(certus_model::escape::one_line(name, 100))),
    }
}

impl fmt::Display for LogVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:?}+{}", self.name, self.hint(), BASE64.encode(self.typed_key()))
    }
}

impl fmt::Debug for LogVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for LogVerifier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = || Error::MalformedVerifier(certus_model::escape::one_line(text, 200));
        let mut parts = text.trim_ascii().splitn(3, '+');
        let mut part = || parts.next().ok_or_else(malformed);
        // The key itself may hold further `+`, as base64 does.
        let (name, hint, key) = (part()?, part()?, part()?);
        let (kind, key) = match BASE64.decode(key).map_err(|_| malformed())?.split_first() {
            Some((0x01, key)) => (VerifierKind::Log, <[u8; 32]>::try_from(key)),
            Some((0x04, key)) => (VerifierKind::Witness, <[u8; 32]>::try_from(key)),
            _ => return Err(malformed()),
        };
        let key = key.ok().and_then(|key| VerifyingKey::from_bytes(&key).ok()).ok_or_else(malformed)?;
        let verifier = Self { name: name.to_owned(), kind, key };
        match is_name(name) && format!("{:?}", verifier.hint()) == hint && !verifier.key.is_weak() {
            true => Ok(verifier),
            false => Err(malformed()),
        }
    }
}

impl Hint {
    pub(super) fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The four bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}
