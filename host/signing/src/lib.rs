#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod dsse;
pub mod error;
pub mod key;
pub mod keyset;
pub mod password;
pub mod public;
pub mod statement;
pub mod store;

pub use dsse::{Envelope, VerifiedPayload};
pub use error::Error;
pub use key::SigningKey;
pub use keyset::KeySet;
pub use password::Password;
pub use public::{PublicKey, Signature};
pub use statement::{Statement, Subject};
pub use store::{KeyInfo, KeyStore};
