/// Why there is no bundle. Whatever it is, nothing half-written is left.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source became no workspace.
    #[error(transparent)]
    Checkout(#[from] certus_checkout::Error),
    /// The plugins could not be selected or admitted.
    #[error(transparent)]
    Catalog(#[from] certus_catalog::Error),
    /// The engine failed.
    #[error(transparent)]
    Engine(certus_engine::Error),
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

impl From<certus_engine::Error> for Error {
    fn from(error: certus_engine::Error) -> Self {
        match error {
            certus_engine::Error::Cancelled => Self::Cancelled,
            error => Self::Engine(error),
        }
    }
}
