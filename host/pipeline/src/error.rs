/// Why there is no bundle. Whatever it is, nothing half-written is left.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source became no workspace.
    #[error(transparent)]
    Checkout(certus_checkout::Error),
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

impl From<certus_checkout::Error> for Error {
    fn from(error: certus_checkout::Error) -> Self {
        match error {
            certus_checkout::Error::Cancelled => Self::Cancelled,
            error => Self::Checkout(error),
        }
    }
}
