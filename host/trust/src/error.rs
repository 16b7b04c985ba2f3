//! What keeps Trust from answering. None of it permits anything.

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A policy, or a file that it names, cannot be used.
    #[error("`{path}` cannot be used as a part of the trust policy: {why}; put it right, then start again")]
    Policy {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file that cannot be read.
    #[error("`{path}` could not be read ({cause}); check that it exists and that you may read it")]
    File {
        /// Which.
        path: String,
        /// What the operating system said.
        #[source]
        cause: std::io::Error,
    },
    /// A key or an envelope that is not as it has to be.
    #[error(transparent)]
    Signing(#[from] certus_signing::Error),
    /// What was signed could not be wrapped or proven.
    #[error(transparent)]
    Note(#[from] certus_signing::note::Error),
    /// The transparency log could not be written or read.
    #[error(transparent)]
    Log(#[from] crate::log::Error),
    /// Records could not be written or read.
    #[error(transparent)]
    Store(#[from] certus_store::Error),
    /// Trust's own key was revoked: why.
    #[error(
        "Trust signs nothing, for its own key does not count: {0}; name another with CERTUS_TRUST_KEY, and start again"
    )]
    OwnKeyRevoked(String),
    /// A thread died.
    #[error("the signer died; see the log for why")]
    Died,
}

impl Error {
    /// Whether it may work later: the place of the log or the database did not take it.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Log(crate::log::Error::Storage { .. }) => true,
            Self::Store(error) => error.is_transient(),
            _ => false,
        }
    }
}
