use certus_model::workspace::ReadError;
use certus_model::{CredentialName, FailureReason, RepoPath, Sha256, UploadId};

/// Why there is no bundle. Whatever it is, nothing half-written is left.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source became no workspace.
    #[error(transparent)]
    Checkout(certus_checkout::Error),
    /// The archive that was sent is not there any more.
    #[error("upload `{0}` is gone; send the archive again")]
    UploadGone(UploadId),
    /// There is no such login, or it cannot be opened.
    #[error("git credential `{0}` is not there; store it again, or name another")]
    CredentialGone(CredentialName),
    /// A login is for another host.
    #[error("git credential `{0}` is for another host than the repository's; name the one for that host")]
    CredentialHost(CredentialName),
    /// The plugins could not be selected or admitted.
    #[error(transparent)]
    Catalog(#[from] certus_catalog::Error),
    /// The files for a WASI plugin could not be laid out.
    #[error("the files for plugin `{plugin}` could not be laid out: {cause}")]
    Materialise {
        /// Whose.
        plugin: String,
        /// What went wrong.
        cause: String,
    },
    /// A scan worker could not be started.
    #[error("a scan worker could not be started ({0}); reinstall certus")]
    Worker(#[source] std::io::Error),
    /// The host's own part failed in a worker.
    #[error("the scan could not be done: {0}")]
    WorkerFailed(String),
    /// The report could not be made.
    #[error(transparent)]
    Report(#[from] certus_report::Error),
    /// The bundle could not be written.
    #[error(transparent)]
    Bundle(#[from] certus_bundle::Error),
    /// The manifest does not parse.
    #[error("the manifest does not parse ({0}); see docs/operations/manifest.md for its form")]
    Manifest(String),
    /// There is no such file in the tree.
    #[error("manifest path `{0}` not found in source; name a regular file, relative to the root of what is scanned")]
    ManifestNotFound(RepoPath),
    /// The manifest or its signature is too large.
    #[error("{what} has {size} bytes, the limit is {limit}; make it smaller")]
    ManifestTooLarge {
        /// What.
        what: String,
        /// Its length.
        size: u64,
        /// What is read.
        limit: u64,
    },
    /// The manifest in the tree could not be read.
    #[error(transparent)]
    ManifestRead(ReadError),
    /// The manifest or its signature did not come.
    #[error("the manifest at `{uri}` could not be fetched: {cause}")]
    ManifestUnreachable {
        /// Where, without secrets.
        uri: String,
        /// What went wrong.
        cause: String,
    },
    /// Manifests have to be signed, but there is nothing to check signatures with.
    #[error("manifest verification requires a key; the operator sets one, or does not require verification")]
    ManifestKeyMissing,
    /// Manifests have to be signed, and this one is not.
    #[error("manifest signature is required for verification; sign the manifest with `cosign sign-blob`")]
    ManifestUnsigned,
    /// The signature is not over these bytes, or not of that key.
    #[error(
        "the manifest's signature does not verify with the key `{0}`; sign these very bytes with that key, as `cosign sign-blob` does"
    )]
    ManifestSignature(Sha256),
    /// The tenant has a key of its own that does not sign.
    #[error("the tenant's signing key `{reference}` cannot be used: {cause}")]
    TenantKey {
        /// Which, without secrets.
        reference: String,
        /// Why not.
        cause: String,
    },
    /// What was signed could not be logged.
    #[error("the bundle's signature could not be entered into the transparency log: {0}")]
    Log(#[source] certus_trust::Error),
    /// No runtime could be made.
    #[error("the transparency log could not be used ({0}); check the machine")]
    Runtime(#[source] std::io::Error),
    /// A document could not be serialised: a fault of the host.
    #[error("a document could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The clock is set before 1970 or after 9999.
    #[error("the system clock shows no usable date; set it")]
    Clock,
    /// The caller asked to stop.
    #[error("the scan was interrupted")]
    Cancelled,
}

impl From<certus_trust::log::Error> for Error {
    fn from(error: certus_trust::log::Error) -> Self {
        Self::Log(error.into())
    }
}

impl From<certus_checkout::Error> for Error {
    fn from(error: certus_checkout::Error) -> Self {
        match error {
            certus_checkout::Error::Cancelled => Self::Cancelled,
            error => Self::Checkout(error),
        }
    }
}

impl Error {
    /// The reason that goes into a failed scan's bundle.
    pub fn reason(&self) -> FailureReason {
        use certus_catalog::Error as Catalog;
        match self {
            Self::Checkout(error) => error.reason().map_or(FailureReason::Internal, Into::into),
            Self::Catalog(Catalog::Read { .. } | Catalog::Admit { .. } | Catalog::Twice { .. }) => {
                FailureReason::Internal
            }
            Self::Catalog(_) => FailureReason::Selection,
            Self::Manifest(_)
            | Self::ManifestNotFound(_)
            | Self::ManifestTooLarge { .. }
            | Self::ManifestUnreachable { .. }
            | Self::ManifestKeyMissing
            | Self::ManifestUnsigned
            | Self::ManifestSignature(_) => FailureReason::Manifest,
            Self::UploadGone(_) | Self::CredentialGone(_) => FailureReason::NotFound,
            Self::CredentialHost(_) => FailureReason::BadUrl,
            Self::Cancelled => FailureReason::Cancelled,
            Self::TenantKey { .. }
            | Self::Log(_)
            | Self::Runtime(_)
            | Self::Materialise { .. }
            | Self::ManifestRead(_)
            | Self::Worker(_)
            | Self::WorkerFailed(_)
            | Self::Report(_)
            | Self::Bundle(_)
            | Self::Json(_)
            | Self::Clock => FailureReason::Internal,
        }
    }

    /// What may be told to whoever asked for the scan. The host's own failures, and where its plugins lie, are
    /// the operator's to read in the log.
    pub fn told(&self) -> String {
        use certus_catalog::Error as Catalog;
        match self {
            Self::Catalog(Catalog::NotInstalled { profile, plugin, .. }) => {
                format!("profile `{profile}` needs plugin `{plugin}`, which is not installed; ask the operator for it")
            }
            Self::Catalog(Catalog::Refused { .. }) => {
                "a plugin of this host is refused; ask the operator, whose log says which and why".to_owned()
            }
            Self::TenantKey { reference, .. } => format!(
                "the tenant's signing key `{}` cannot be used; ask the operator, whose log says why",
                certus_model::escape::one_line(reference, 300)
            ),
            error if error.reason() == FailureReason::Internal => {
                "the host could not do its part; ask the operator, whose log says why".to_owned()
            }
            error => certus_model::escape::one_line(&error.to_string(), 1000),
        }
    }
}
