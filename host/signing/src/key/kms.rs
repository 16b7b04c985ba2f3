//! A private key of AWS KMS, which signs digests and never gives the key away.

mod client;
mod uri;

use std::fmt;
use std::sync::mpsc;
use std::thread;

use certus_model::Sha256;

use crate::{Error, Password, PublicKey, SigningKey};

use super::Signer;

pub use uri::KmsUri;

/// How KMS is asked.
#[derive(Clone, Default)]
pub struct KmsAccess {
    /// Who asks.
    pub login: Option<KmsLogin>,
    /// The region, for keys that are not named by an ARN.
    pub region: Option<String>,
    /// The service's address, for references without one; that of AWS where there is none.
    pub endpoint: Option<String>,
    /// Certificates (PEM) of the authorities that vouch for the service, in place of the machine's.
    pub authorities: Option<Vec<u8>>,
}

/// A login to AWS. It cannot be printed.
#[derive(Clone)]
pub struct KmsLogin {
    /// The name.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: Password,
    /// What temporary logins have besides.
    pub session_token: Option<Password>,
}

impl fmt::Debug for KmsAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KmsAccess")
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for KmsLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KmsLogin(redacted)")
    }
}

/// Opens the key: asks for its public half, which is kept.
pub(super) fn open(uri: &KmsUri, access: &KmsAccess) -> Result<SigningKey, Error> {
    let key = KmsKey::new(uri, access)?;
    let public = key.public()?;
    Ok(SigningKey::with(key, public))
}

/// Asks for the public half.
pub(super) fn public(uri: &KmsUri, access: &KmsAccess) -> Result<PublicKey, Error> {
    KmsKey::new(uri, access)?.public()
}

/// The key, and the thread that asks for it: signing is done in the middle of work that is not asynchronous, or on
/// threads of a runtime that must not run another. The thread ends with the key.
struct KmsKey {
    uri: KmsUri,
    questions: mpsc::Sender<Question>,
}

struct Question {
    what: What,
    answer: mpsc::SyncSender<Result<Vec<u8>, Error>>,
}

enum What {
    PublicKey,
    Signature(Sha256),
}

impl KmsKey {
    fn new(uri: &KmsUri, access: &KmsAccess) -> Result<Self, Error> {
        let config = client::config(uri, access)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|cause| away(uri, &cause.to_string()))?;
        let (questions, asked) = mpsc::channel::<Question>();
        let key = uri.clone();
        let work = move || {
            let client = client::Client::new(config, key);
            for Question { what, answer } in asked {
                let answered = runtime.block_on(async {
                    match what {
                        What::PublicKey => client.public_key().await,
                        What::Signature(digest) => client.sign(&digest).await,
                    }
                });
                // Nobody waits any more where this fails.
                let _ = answer.send(answered);
            }
        };
        thread::Builder::new().name("kms".to_owned()).spawn(work).map_err(|cause| away(uri, &cause.to_string()))?;
        Ok(Self { uri: uri.clone(), questions })
    }

    fn public(&self) -> Result<PublicKey, Error> {
        PublicKey::from_spki(self.ask(What::PublicKey)?).map_err(|_| Error::KeyKind(self.uri.to_string()))
    }

    fn ask(&self, what: What) -> Result<Vec<u8>, Error> {
        let gone = || away(&self.uri, "the thread that asks it has ended");
        let (answer, answered) = mpsc::sync_channel(1);
        self.questions.send(Question { what, answer }).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

impl Signer for KmsKey {
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        self.ask(What::Signature(Sha256::of(bytes)))
    }
}

fn away(uri: &KmsUri, cause: &str) -> Error {
    Error::KmsAway { key: uri.to_string(), cause: cause.to_owned() }
}

#[cfg(test)]
mod tests;
