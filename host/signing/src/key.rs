//! What signs: a private key that cannot be printed.

mod cosign;

use std::fmt;
use std::path::Path;

use sigstore::crypto::signing_key::ecdsa::ec::{EcdsaKeys, EcdsaSigner};
use sigstore::crypto::signing_key::ecdsa::{ECDSAKeys, EllipticCurve};
use sigstore::crypto::signing_key::{KeyPair as _, Signer as _};
use sigstore::errors::SigstoreError;
use zeroize::Zeroizing;

use crate::{Error, Password, PublicKey, Signature};

/// An ECDSA P-256 private key, in memory.
pub struct SigningKey {
    signer: EcdsaSigner,
    public: PublicKey,
    development: bool,
}

impl SigningKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// Only when the crypto library fails.
    pub fn generate() -> Result<Self, Error> {
        let keys = EcdsaKeys::new(EllipticCurve::P256).map_err(|_| Error::Crypto("make a key"))?;
        Self::from_keys(&keys)
    }

    /// Opens a cosign key file: an `ENCRYPTED SIGSTORE PRIVATE KEY` block, or the older
    /// `ENCRYPTED COSIGN PRIVATE KEY`.
    ///
    /// # Errors
    /// Another form, a password that does not open it, or a key that is not ECDSA P-256.
    pub fn from_cosign_pem(pem: &str, password: &Password) -> Result<Self, Error> {
        cosign::check_form(pem)?;
        match ECDSAKeys::from_encrypted_pem(pem.as_bytes(), password.as_bytes()) {
            Ok(ECDSAKeys::P256(keys)) => Self::from_keys(&keys),
            Ok(_) => Err(Error::UnsupportedKey),
            // The library reports a seal that does not open under the name of the other direction.
            Err(SigstoreError::PrivateKeyEncryptError(_)) => Err(Error::WrongPassword),
            Err(SigstoreError::PrivateKeyDecryptError(_)) => {
                Err(Error::MalformedPrivateKey("is sealed in a way that cosign does not use"))
            }
            Err(_) => Err(Error::UnsupportedKey),
        }
    }

    /// Opens a cosign key file at `path`. A file named `development.key` yields a development key.
    ///
    /// # Errors
    /// What [`Self::from_cosign_pem`] refuses, a file that others may read, and one that cannot be read.
    pub fn from_file(path: &Path, password: &Password) -> Result<Self, Error> {
        let pem = crate::store::read_private_ambient(path)?;
        let key = Self::from_cosign_pem(&pem, password).map_err(|error| error.in_file(path))?;
        let development = path.file_name().is_some_and(|name| name == crate::store::DEVELOPMENT_FILE);
        Ok(key.with_development(development))
    }

    /// The key sealed under `password`, as cosign writes it. Wiped when dropped.
    ///
    /// # Errors
    /// Only when the crypto library fails.
    pub fn to_cosign_pem(&self, password: &Password) -> Result<Zeroizing<String>, Error> {
        let keys = self.signer.ecdsa_keys();
        keys.private_key_to_encrypted_pem(password.as_bytes()).map_err(|_| Error::Crypto("seal a private key"))
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Whether the key was made on first use, by nobody's decision. What it signs says so.
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// Signs `bytes` (their SHA-256) and checks the fresh signature with the public half, so that a
    /// faulty machine or device cannot hand out one that nobody can verify.
    ///
    /// # Errors
    /// Only when the crypto library fails.
    pub fn sign(&self, bytes: &[u8]) -> Result<Signature, Error> {
        let der = self.signer.sign(bytes).map_err(|_| Error::Crypto("sign"))?;
        let signature = Signature::from_der(der);
        self.public.verify(bytes, &signature)?;
        Ok(signature)
    }

    pub(crate) fn with_development(self, development: bool) -> Self {
        Self { development, ..self }
    }

    fn from_keys(keys: &EcdsaKeys) -> Result<Self, Error> {
        let signer = keys.to_signer().map_err(|_| Error::UnsupportedKey)?;
        let spki = keys.public_key_to_der().map_err(|_| Error::UnsupportedKey)?;
        Ok(Self { signer, public: PublicKey::from_spki(spki)?, development: false })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.key_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_key_opens_with_its_password_alone() {
        let key = SigningKey::generate().unwrap();
        let pem = key.to_cosign_pem(&Password::new("open")).unwrap();
        assert!(pem.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----"));
        let again = SigningKey::from_cosign_pem(&pem, &Password::new("open")).unwrap();
        assert_eq!(again.public(), key.public());
        key.public().verify(b"x", &again.sign(b"x").unwrap()).unwrap();
        for wrong in ["", "Open", "open "] {
            let error = SigningKey::from_cosign_pem(&pem, &Password::new(wrong)).unwrap_err();
            assert!(matches!(error, Error::WrongPassword), "{wrong:?}: {error}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let key = SigningKey::generate().unwrap();
        let password = Password::new("hunter2");
        let pem = key.to_cosign_pem(&password).unwrap();
        let wrong = SigningKey::from_cosign_pem(&pem, &Password::new("hunter3")).unwrap_err();
        let shown = format!("{key:?} {password:?} {wrong} {wrong:?}");
        assert!(!shown.contains("hunter"), "{shown}");
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.public().key_id()));
    }
}
