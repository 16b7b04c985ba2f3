//! What signs: a private key that cannot be printed, in memory or where nobody can take it from.

mod cosign;
pub mod kms;
mod memory;
pub mod reference;
pub mod token;
pub mod validity;

use std::fmt;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::{Error, Password, PublicKey, Signature};

use self::memory::MemoryKey;
use self::validity::Validity;

/// An ECDSA P-256 private key: in memory, in a PKCS#11 token, or with AWS KMS.
pub struct SigningKey {
    signer: Box<dyn Signer>,
    public: PublicKey,
    development: bool,
    validity: Validity,
    /// The folders that say when the key counts: they are asked before each signature, since a key may be revoked while
    /// it is open.
    records: Vec<PathBuf>,
}

/// Where a private key is.
trait Signer: Send + Sync {
    /// An ECDSA P-256 signature over the SHA-256 of `bytes`, as ASN.1 DER. Nobody has checked it yet.
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, Error>;

    /// The private key sealed under `password`, where it can be had.
    fn seal(&self, _password: &Password) -> Result<Zeroizing<String>, Error> {
        Err(Error::NotExportable)
    }
}

impl SigningKey {
    /// Makes a new key, in memory.
    ///
    /// # Errors
    /// Only when the crypto library fails.
    pub fn generate() -> Result<Self, Error> {
        MemoryKey::generate().and_then(Self::in_memory)
    }

    /// Opens a cosign key file: an `ENCRYPTED SIGSTORE PRIVATE KEY` block, or the older
    /// `ENCRYPTED COSIGN PRIVATE KEY`.
    ///
    /// # Errors
    /// Another form, a password that does not open it, or a key that is not ECDSA P-256.
    pub fn from_cosign_pem(pem: &str, password: &Password) -> Result<Self, Error> {
        MemoryKey::from_cosign_pem(pem, password).and_then(Self::in_memory)
    }

    /// Opens a cosign key file at `path`. A file named `development.key` yields a development key.
    ///
    /// # Errors
    /// What [`Self::from_cosign_pem`] refuses, a file that others may read, one that cannot be read, and a key that
    /// the record beside it says is not valid now.
    pub fn from_file(path: &Path, password: &Password) -> Result<Self, Error> {
        let pem = crate::store::read_private_ambient(path)?;
        let key = Self::from_cosign_pem(&pem, password).map_err(|error| error.in_file(path))?;
        let development = path.file_name().is_some_and(|name| name == crate::store::DEVELOPMENT_FILE);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        key.with_development(development).recorded_in(folder)
    }

    /// The key sealed under `password`, as cosign writes it. Wiped when dropped.
    ///
    /// # Errors
    /// A key that stays where it is, in a token or with a service; else only when the crypto library fails.
    pub fn to_cosign_pem(&self, password: &Password) -> Result<Zeroizing<String>, Error> {
        self.signer.seal(password)
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Whether the key was made on first use, by nobody's decision. What it signs says so.
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// From when until when it signs; without end where nothing is recorded.
    pub fn validity(&self) -> &Validity {
        &self.validity
    }

    /// Signs `bytes` (their SHA-256) and checks the fresh signature with the public half, so that a
    /// faulty machine, device or service cannot hand out one that nobody can verify.
    ///
    /// # Errors
    /// A key that ran out or was revoked since it was opened, a token or service that refuses or is not there, and a
    /// signature that does not verify.
    pub fn sign(&self, bytes: &[u8]) -> Result<Signature, Error> {
        let (key, now) = (self.public.key_id(), OffsetDateTime::now_utc());
        self.validity.check(&key, now)?;
        for folder in &self.records {
            crate::store::validity_in(folder, &key)?.check(&key, now)?;
        }
        let signature = Signature::from_der(self.signer.sign(bytes)?);
        self.public.verify(bytes, &signature).map_err(|_| Error::FaultySigner(key))?;
        Ok(signature)
    }

    pub(crate) fn with_development(self, development: bool) -> Self {
        Self { development, ..self }
    }

    /// The key, if it is valid now.
    pub(crate) fn limited_to(self, validity: Validity) -> Result<Self, Error> {
        validity.check(&self.public.key_id(), OffsetDateTime::now_utc())?;
        // What was known before goes on holding where this says nothing.
        let validity = if validity.is_unlimited() { self.validity } else { validity };
        Ok(Self { validity, ..self })
    }

    /// The key, if it is valid now by the record of `folder`, which goes on being asked.
    pub(crate) fn recorded_in(self, folder: &Path) -> Result<Self, Error> {
        let validity = crate::store::validity_in(folder, &self.public.key_id())?;
        let mut key = self.limited_to(validity)?;
        if key.records.iter().all(|known| known != folder) {
            key.records.push(folder.to_owned());
        }
        Ok(key)
    }

    fn in_memory(key: MemoryKey) -> Result<Self, Error> {
        let public = key.public()?;
        Ok(Self::with(key, public))
    }

    fn with(signer: impl Signer + 'static, public: PublicKey) -> Self {
        Self {
            signer: Box::new(signer),
            public,
            development: false,
            validity: Validity::default(),
            records: Vec::new(),
        }
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

    /// Signs something else than it was given.
    struct Liar(SigningKey);

    impl Signer for Liar {
        fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
            Ok(self.0.sign(&[bytes, b"!"].concat())?.as_der().to_vec())
        }
    }

    #[test]
    fn a_fresh_signature_that_does_not_verify_is_not_handed_out() {
        let (honest, key) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let public = key.public().clone();
        let liar = SigningKey::with(Liar(key), public.clone());
        let error = liar.sign(b"x").unwrap_err();
        assert!(matches!(error, Error::FaultySigner(id) if id == public.key_id()), "{error}");
        assert!(matches!(liar.to_cosign_pem(&Password::default()), Err(Error::NotExportable)));
        honest.sign(b"x").unwrap();
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
