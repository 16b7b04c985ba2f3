//! What can go wrong with keys, envelopes and statements.

use std::io;

use certus_model::Sha256;
use certus_model::ids::Name;

/// Every message names the value and says what to do; none holds a password or a private key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A private key file has not the form that cosign writes.
    #[error("the private key file {0}; make one with `certus keys generate` or `cosign generate-key-pair`")]
    MalformedPrivateKey(&'static str),
    /// The password does not open the private key.
    #[error("the password does not open the private key; set COSIGN_PASSWORD to the one that it was made with")]
    WrongPassword,
    /// The private key opens, but is of another kind.
    #[error("the private key is not an ECDSA P-256 key; make one with `certus keys generate`")]
    UnsupportedKey,
    /// A public key has not the form that cosign and OpenSSL write.
    #[error("the text is no ECDSA P-256 public key in PEM; give the `.pub` file that stands beside the private key")]
    MalformedPublicKey,
    /// A signature in text is not base64.
    #[error("the signature is not padded standard base64; fetch the envelope again")]
    MalformedSignature,
    /// The crypto library failed where it only can for want of memory or entropy.
    #[error("the crypto library could not {0}; try again, and check the machine if it happens twice")]
    Crypto(&'static str),

    /// A key of that name exists.
    #[error("the key `{0}` exists already; choose another name, or move its .key and .pub files away first")]
    KeyExists(Name),
    /// The name belongs to the key that is made on first use.
    #[error("the name `{0}` is kept for the key that a scan without a key makes; choose another name")]
    ReservedName(Name),
    /// There is no such key.
    #[error("there is no key `{name}` in `{folder}`; see `certus keys list`, or make it with `certus keys generate`")]
    NoSuchKey {
        /// The name that was asked for.
        name: String,
        /// Where it was looked for.
        folder: String,
    },
    /// A private key file that others may read.
    #[error("the private key `{path}` may be read by others (mode {mode:04o}); run `chmod 600 {path}`")]
    ReadableByOthers {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// A key folder that others may write to: they could plant verification keys.
    #[error("the key folder `{path}` may be written to by others (mode {mode:04o}); run `chmod 700 {path}`")]
    WritableByOthers {
        /// The folder.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// A file that is no key by its size or kind alone.
    #[error("`{path}` is not a regular file of at most 64 KiB, so it is no key file; name another")]
    NotAKeyFile {
        /// The file.
        path: String,
    },
    /// A public key file whose name is none.
    #[error("`{path}` is not named like a key (lower-case letters, digits, `-`); rename it")]
    BadKeyFileName {
        /// The file.
        path: String,
    },
    /// What is wrong with one file.
    #[error("`{path}`: {cause}")]
    InFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        #[source]
        cause: Box<Error>,
    },
    /// The operating system refused.
    #[error("`{path}` could not be {action} ({cause}); check that the folder exists and that you may use it")]
    Io {
        /// The file or folder.
        path: String,
        /// `read`, `written` or `created`.
        action: &'static str,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },

    /// The bytes are no envelope in canonical form.
    #[error("the envelope {0}; fetch it again from where it was made")]
    MalformedEnvelope(String),
    /// More or fewer signatures than one.
    #[error("the envelope carries {0} signatures where exactly one is expected; fetch it again from where it was made")]
    SignatureCount(usize),
    /// The signer is not among the known keys.
    #[error("the signer `{0}` is not known here; give its public key with `--key PUB`")]
    UnknownSigner(Sha256),
    /// The signer is known, the signature is not its own.
    #[error("the signature does not verify with the key `{0}`; the content was changed after it was signed")]
    BadSignature(Sha256),
    /// The payload is of another type.
    #[error("the envelope holds `{found}` where `{expected}` is expected; give the right file")]
    PayloadType {
        /// What the envelope says.
        found: String,
        /// What was asked for.
        expected: &'static str,
    },
    /// The payload is no statement in canonical form.
    #[error("the signed statement {0}; it was made by another program or another version")]
    MalformedStatement(String),
}

impl Error {
    /// Names the file that the error is about.
    pub(crate) fn in_file(self, path: &std::path::Path) -> Self {
        Self::InFile { path: path.display().to_string(), cause: Box::new(self) }
    }
}
