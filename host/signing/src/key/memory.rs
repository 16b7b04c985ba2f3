//! A private key in this process's memory, from a file or made here.

use sigstore::crypto::signing_key::ecdsa::ec::{EcdsaKeys, EcdsaSigner};
use sigstore::crypto::signing_key::ecdsa::{ECDSAKeys, EllipticCurve};
use sigstore::crypto::signing_key::{KeyPair as _, Signer as _};
use sigstore::errors::SigstoreError;
use zeroize::Zeroizing;

use crate::{Error, Password, PublicKey};

use super::{Signer, cosign};

pub(super) struct MemoryKey(EcdsaSigner);

impl MemoryKey {
    pub(super) fn generate() -> Result<Self, Error> {
        EcdsaKeys::new(EllipticCurve::P256).map_err(|_| Error::Crypto("make a key")).and_then(|keys| Self::new(&keys))
    }

    pub(super) fn from_cosign_pem(pem: &str, password: &Password) -> Result<Self, Error> {
        cosign::check_form(pem)?;
        match ECDSAKeys::from_encrypted_pem(pem.as_bytes(), password.as_bytes()) {
            Ok(ECDSAKeys::P256(keys)) => Self::new(&keys),
            Ok(_) => Err(Error::UnsupportedKey),
            // The library reports a seal that does not open under the name of the other direction.
            Err(SigstoreError::PrivateKeyEncryptError(_)) => Err(Error::WrongPassword),
            Err(SigstoreError::PrivateKeyDecryptError(_)) => {
                Err(Error::MalformedPrivateKey("is sealed in a way that cosign does not use"))
            }
            Err(_) => Err(Error::UnsupportedKey),
        }
    }

    pub(super) fn public(&self) -> Result<PublicKey, Error> {
        let spki = self.0.ecdsa_keys().public_key_to_der().map_err(|_| Error::UnsupportedKey)?;
        PublicKey::from_spki(spki)
    }

    fn new(keys: &EcdsaKeys) -> Result<Self, Error> {
        keys.to_signer().map(Self).map_err(|_| Error::UnsupportedKey)
    }
}

impl Signer for MemoryKey {
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.sign(bytes).map_err(|_| Error::Crypto("sign"))
    }

    fn seal(&self, password: &Password) -> Result<Zeroizing<String>, Error> {
        let keys = self.0.ecdsa_keys();
        keys.private_key_to_encrypted_pem(password.as_bytes()).map_err(|_| Error::Crypto("seal a private key"))
    }
}
