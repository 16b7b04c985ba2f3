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
    /// A key of which only the public half is here.
    #[error("only the public half of the key `{0}` is here; make a new key where the private half is, and import that")]
    KeyElsewhere(Name),
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
    /// What is wrong with one file or one key.
    #[error("`{path}`: {cause}")]
    InFile {
        /// The file, or the reference to the key.
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
        /// `read`, `written`, `created` or `locked`.
        action: &'static str,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },

    /// The record of when the keys of a folder count is damaged.
    #[error("`{path}` is no record of when keys count ({cause}); put it right, or take it from a backup")]
    MalformedRecord {
        /// The file.
        path: String,
        /// What is wrong with it.
        #[source]
        cause: serde_json::Error,
    },
    /// More keys than the record of a folder may name.
    #[error("the key folder `{0}` has more keys than 1 MiB of record can name; begin a new folder")]
    TooManyKeys(String),
    /// A key's time has not begun.
    #[error("the key `{key}` is not valid before {not_before}; wait for it, or set the clock right")]
    KeyNotYet {
        /// The key's id.
        key: Sha256,
        /// When its time begins.
        not_before: String,
    },
    /// A key's time is over.
    #[error("the key `{key}` ran out at {not_after}, what it signs since does not count; run `certus keys rotate`")]
    KeyExpired {
        /// The key's id.
        key: Sha256,
        /// When its time ended.
        not_after: String,
    },
    /// A key was revoked.
    #[error(
        "the key `{key}` was revoked, what it signed since {since} does not count ({reason}); sign with another key"
    )]
    KeyRevoked {
        /// The key's id.
        key: Sha256,
        /// Since when.
        since: String,
        /// Why.
        reason: String,
    },
    /// What signed made a signature that its own public half refuses.
    #[error("a fresh signature of the key `{0}` does not verify, so it was not used; check what holds the key")]
    FaultySigner(Sha256),
    /// A private key that cannot leave its place.
    #[error("the private key stays in its token or with its service, so it cannot be written to a file")]
    NotExportable,

    /// Half a key of a transparency log or a witness, or halves of two.
    #[error("`{path}` is not the private half of the .vkey of that name beside it; restore both from one backup")]
    LogKey {
        /// The private half.
        path: String,
    },
    /// What is wrong with a log's key or a note.
    #[error("{0}")]
    Note(#[source] Box<crate::note::Error>),
    /// A reference to a key that cannot be used as it is written.
    #[error("the key reference `{reference}` {why}")]
    BadKeyRef {
        /// As much of it as holds no secret.
        reference: String,
        /// What is wrong with it, and what to write.
        why: String,
    },
    /// The signer `kms-hmac` of the service that this one replaces.
    #[error("`kms-hmac` is refused, as nobody without the secret can check an HMAC; sign with awskms:///KEY")]
    HmacKey,
    /// A key whose reference or settings leave something out.
    #[error("the key `{key}` needs {what}")]
    KeyNeeds {
        /// The reference.
        key: String,
        /// What.
        what: &'static str,
    },
    /// A PKCS#11 module that cannot be loaded.
    #[error("the PKCS#11 module `{path}` could not be loaded ({cause}); install it, or name another")]
    TokenModule {
        /// The file.
        path: String,
        /// What was wrong with it.
        cause: String,
    },
    /// No token fits the reference.
    #[error("the token of the key `{0}` is not there; plug it in, or name another")]
    TokenAway(String),
    /// A wrong PIN. It is not tried again: tokens lock themselves.
    #[error("the PIN does not open the token of the key `{0}`; put it right before the token locks itself")]
    WrongPin(String),
    /// A token that has locked itself.
    #[error("the token of the key `{0}` has locked its PIN; unlock it with its security officer's PIN")]
    PinLocked(String),
    /// A reference that fits more than one thing.
    #[error("the key reference `{key}` fits several {what}")]
    KeyAmbiguous {
        /// The reference.
        key: String,
        /// What there are several of, and what to add.
        what: &'static str,
    },
    /// A key that its holder does not have.
    #[error("there is no key `{key}` {place}; put the reference right, or make the key there")]
    KeyMissing {
        /// The reference.
        key: String,
        /// Where it was looked for.
        place: &'static str,
    },
    /// A key of another kind.
    #[error("the key `{0}` is not an ECDSA P-256 key that signs; name one that is")]
    KeyKind(String),
    /// A login that may not use the key.
    #[error("AWS KMS denies this login the use of the key `{key}` ({code}); let it call kms:GetPublicKey and kms:Sign")]
    KeyDenied {
        /// The reference.
        key: String,
        /// What the service called it.
        code: String,
    },
    /// A service that does not answer.
    #[error(
        "AWS KMS could not be asked for the key `{key}` ({cause}); check its address and the network, then try again"
    )]
    KmsAway {
        /// The reference.
        key: String,
        /// What happened.
        cause: String,
    },
    /// Anything else that a token or service answered.
    #[error("the holder of the key `{key}` answered {said}; look there for the reason")]
    KeyHolder {
        /// The reference.
        key: String,
        /// What it answered.
        said: String,
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

    /// A permission that contradicts itself.
    #[error("the permit {0}; ask Trust for another one")]
    MalformedPermit(String),
    /// A permission that has run out.
    #[error("the permit ran out at {expires_at}; ask Trust for another one")]
    PermitExpired {
        /// When.
        expires_at: String,
    },
    /// A permission of the future.
    #[error("the permit was given at {issued_at}, which this machine's clock has not reached; set the clock right")]
    PermitNotYet {
        /// When.
        issued_at: String,
    },
}

impl From<crate::note::Error> for Error {
    fn from(error: crate::note::Error) -> Self {
        Self::Note(Box::new(error))
    }
}

impl Error {
    /// Names the file that the error is about.
    pub(crate) fn in_file(self, path: &std::path::Path) -> Self {
        Self::InFile { path: path.display().to_string(), cause: Box::new(self) }
    }
}
