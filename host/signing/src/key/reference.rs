//! What operators write to say which key: a name, a file, a token's key or one of AWS KMS.

mod tenant;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use certus_model::escape::one_line;
use certus_model::ids::Name;

use crate::{Error, KeyStore, Password, PublicKey, SigningKey};

use super::kms::{self, KmsAccess, KmsUri};
use super::token::{self, TokenUri};

pub use tenant::TenantKeyRef;

/// The signers of the service that this one replaces, which named modes and not keys.
const DETERMINISTIC: &str = "deterministic";
const KMS_HMAC: &str = "kms-hmac";
const AWS_KMS: &str = "aws-kms";

/// Which key. Written `NAME`, `PATH`, `file:PATH`, `pkcs11:…` (RFC 7512) or `awskms://[HOST[:PORT]]/KEY`; what it
/// shows is what was written, and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRef {
    /// The key that is made on first use: `development`, or `deterministic`, its old name.
    Development,
    /// A key of the key folder: one lower-case word.
    Named(Name),
    /// A key file: what has a slash or a dot in it, or `file:` before it.
    File(PathBuf),
    /// A key in a PKCS#11 token.
    Token(TokenUri),
    /// A key of AWS KMS.
    Kms(KmsUri),
}

/// What opening a key may need. Everything is optional until a reference asks for it.
#[derive(Clone, Debug, Default)]
pub struct OpenWith {
    /// The key folder: for keys by name, and for when a key counts, wherever it is.
    pub store: Option<KeyStore>,
    /// The password of key files.
    pub password: Password,
    /// The PIN of tokens, for references without `pin-source`.
    pub pin: Option<Password>,
    /// The PKCS#11 module (an absolute path), for references without `module-path`.
    pub pkcs11_module: Option<PathBuf>,
    /// How AWS KMS is asked.
    pub kms: KmsAccess,
}

impl KeyRef {
    /// Opens the key for signing. May wait for a device or the network for up to half a minute.
    ///
    /// # Errors
    /// A key that is missing, of another kind, or not valid now; a login, PIN or password that is missing or wrong; a
    /// token or service that refuses or is not there.
    pub fn open(&self, with: &OpenWith) -> Result<SigningKey, Error> {
        let key = match self {
            Self::Development => with.store(self)?.development()?,
            Self::Named(name) => with.store(self)?.load(name, &with.password)?,
            Self::File(path) => SigningKey::from_file(path, &with.password)?,
            Self::Token(uri) => token::open(uri, with)?,
            Self::Kms(uri) => kms::open(uri, &with.kms)?,
        };
        match &with.store {
            Some(store) if store.folder().is_dir() => key.recorded_in(store.folder()),
            _ => Ok(key),
        }
    }

    /// The public half alone, for verification: a `.pub` file, or what the key folder, token or service answers.
    ///
    /// # Errors
    /// As [`Self::open`], but that a key may be out of its time: what it signed is still to be verified.
    pub fn public(&self, with: &OpenWith) -> Result<PublicKey, Error> {
        match self {
            Self::Development => Ok(with.store(self)?.development()?.public().clone()),
            Self::Named(name) => Ok(with.store(self)?.show(name)?.public),
            Self::File(path) => PublicKey::from_file(path),
            Self::Token(uri) => token::public(uri, with),
            Self::Kms(uri) => kms::public(uri, &with.kms),
        }
    }
}

impl OpenWith {
    fn store(&self, reference: &KeyRef) -> Result<&KeyStore, Error> {
        self.store.as_ref().ok_or_else(|| bad(&reference.to_string(), "names a key of a key folder, and there is none"))
    }
}

impl FromStr for KeyRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let scheme = text.split_once(':').map_or(text, |(scheme, _)| scheme);
        match scheme {
            "development" | DETERMINISTIC if scheme == text => Ok(Self::Development),
            KMS_HMAC => Err(Error::HmacKey),
            AWS_KMS => Err(bad(text, "names no key; write awskms:///KEY with its id, alias or ARN")),
            "file" if scheme != text => file(text, &text["file:".len()..]),
            "pkcs11" if scheme != text => text.parse().map(Self::Token),
            "awskms" if scheme != text => text.parse().map(Self::Kms),
            _ if text.contains("://") => {
                Err(bad(text, "is of no kind that is known; write NAME, PATH, pkcs11:… or awskms://…"))
            }
            _ if text.contains(['/', '.']) => file(text, text),
            _ => text
                .parse()
                .map(Self::Named)
                .map_err(|_| bad(text, "is no key's name; use one lower-case word, or a path with a slash")),
        }
    }
}

fn file(text: &str, path: &str) -> Result<KeyRef, Error> {
    // `file://host/…` would name another machine's file.
    let path = path.strip_prefix("//").map_or(Some(path), |rest| rest.starts_with('/').then_some(rest));
    match path.filter(|path| !path.is_empty()) {
        Some(path) => Ok(KeyRef::File(Path::new(path).to_owned())),
        None => Err(bad(text, "names no file of this machine; write file:PATH")),
    }
}

/// A reference that cannot be used. `shown` must hold no secret.
pub(super) fn bad(shown: &str, why: &str) -> Error {
    Error::BadKeyRef { reference: one_line(shown, 200), why: why.to_owned() }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Development => f.write_str("development"),
            Self::Named(name) => name.fmt(f),
            // With the prefix where it would be read as a name.
            Self::File(path) if path.to_str().is_some_and(|path| path.contains(['/', '.'])) => path.display().fmt(f),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Token(uri) => uri.fmt(f),
            Self::Kms(uri) => uri.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
