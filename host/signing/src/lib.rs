#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod checkpoint;
pub mod dsse;
pub mod error;
pub mod key;
pub mod keyset;
pub mod merkle;
pub mod note;
pub mod password;
pub mod permit;
pub mod public;
pub mod sigstore;
pub mod statement;
pub mod store;

pub use checkpoint::{Checkpoint, SignedCheckpoint, VerifiedCheckpoint};
pub use dsse::{Envelope, VerifiedPayload};
pub use error::Error;
pub use key::SigningKey;
pub use key::kms::{KmsAccess, KmsLogin};
pub use key::reference::{KeyRef, OpenWith, TenantKeyRef};
pub use key::validity::{Revocation, Rotation, Validity};
pub use keyset::KeySet;
pub use note::{Cosignature, Error as LogError, LogKey, LogVerifier, Note, NoteSignature, VerifierKind};
pub use password::Password;
pub use permit::{Permit, PermitTerms, PermittedFile};
pub use public::{PublicKey, Signature};
pub use sigstore::{LogProof, LoggedEntry};
pub use statement::{Statement, Subject};
pub use store::{KeyInfo, KeyStore, LogOwner};
