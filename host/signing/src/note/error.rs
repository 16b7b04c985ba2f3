//! What can go wrong with a log's keys, notes, checkpoints and proofs.

use certus_model::Sha256;

/// Every message names the value and says what to do; none holds a private key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that cannot stand in a signature line.
    #[error("`{0}` is no name for a log or a witness; write a host name with a path, without spaces and `+`")]
    BadName(String),
    /// A private key of another form or kind.
    #[error("the text is no Ed25519 private key in PKCS#8 PEM; make one with `certus log key`")]
    MalformedKey,
    /// A verifier key of another form.
    #[error("`{0}` is no verifier key; write NAME+HHHHHHHH+BASE64 as `certus log key` shows it")]
    MalformedVerifier(String),
    /// The operating system has no randomness to give.
    #[error("the operating system gave no random bytes; try again, and check the machine if it happens twice")]
    NoEntropy,
    /// A text that is no signed note.
    #[error("the signed note {0}; fetch it again from where it was made")]
    MalformedNote(&'static str),
    /// A note that is no checkpoint.
    #[error("the checkpoint {0}; fetch it again from the log")]
    MalformedCheckpoint(&'static str),
    /// A signature with the name and hint of a known key that the key has not made.
    #[error("the signature of `{0}` does not verify; the text was changed after it was signed")]
    BadSignature(String),
    /// Two signatures of one key.
    #[error("`{0}` has signed twice; fetch the checkpoint again from the log")]
    SignedTwice(String),
    /// No known log has signed.
    #[error("the checkpoint of `{0}` is signed by no log that is known here; give the log's verifier key")]
    UnknownLog(String),
    /// A signature of somebody unknown where none may be.
    #[error("the checkpoint carries a signature of `{0}`, who is not known here; give that verifier key too")]
    UnknownSigner(String),
    /// Somebody else's checkpoint.
    #[error("the checkpoint is of the log `{found}` where one of `{expected}` is expected; give the right one")]
    OtherLog {
        /// Whose it is.
        found: String,
        /// Whose was asked for.
        expected: String,
    },
    /// A proof of inclusion that proves nothing.
    #[error("the proof does not show that entry {index} is in the log of size {size}; fetch it again from the log")]
    NotIncluded {
        /// Which entry, counted from 0.
        index: u64,
        /// Of how many.
        size: u64,
    },
    /// Two states of a log of which the later does not hold the earlier.
    #[error(
        "the log of size {to} does not continue that of size {from}: its history was rewritten; keep both checkpoints and tell whoever relies on it"
    )]
    Inconsistent {
        /// The earlier size.
        from: u64,
        /// The later size.
        to: u64,
    },
    /// A log that became shorter.
    #[error("the log has {size} entries where {remembered} were seen before; it was rolled back")]
    RolledBack {
        /// How many it has.
        size: u64,
        /// How many it had.
        remembered: u64,
    },

    /// Bytes that are no Sigstore bundle in the one form that is written here.
    #[error("the Sigstore bundle {0}; it was changed, or made by another program")]
    MalformedBundle(String),
    /// A bundle around something else.
    #[error("the Sigstore bundle wraps another envelope than the one beside it; fetch both again")]
    OtherEnvelope,
    /// A bundle for another key.
    #[error("the Sigstore bundle names another key than `{0}`, which signed the envelope; fetch it again")]
    OtherKey(Sha256),
    /// A log entry about something else.
    #[error("the log entry is not about this envelope and this key; fetch the Sigstore bundle again")]
    OtherEntry,
    /// The independent verifier says no.
    #[error("the Sigstore bundle does not verify: {0}; fetch it again")]
    Refused(String),
    /// An address under which Sigstore clients would not find the log.
    #[error("the host of the address `{url}` is not the log's name `{name}`, by which clients match them; change one")]
    BadAddress {
        /// The address.
        url: String,
        /// The log's name.
        name: String,
    },
    /// What the envelope says of itself is wrong.
    #[error(transparent)]
    Envelope(#[from] crate::Error),
}
