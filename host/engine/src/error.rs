/// The host could not do its part; a plugin's failure is data and never stands here.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The sandbox or the sealed workspace failed.
    #[error(transparent)]
    Sandbox(#[from] certus_sandbox::Error),
    /// A file could not be read from the sealed workspace.
    #[error(transparent)]
    Read(#[from] certus_model::workspace::ReadError),
    /// The keywords of all plugins together make no automaton.
    #[error("the plugins' keywords could not be prepared: {0}")]
    Keywords(String),
    /// A worker could not be started.
    #[error("a worker could not be started: {0}")]
    Worker(#[source] std::io::Error),
    /// The caller asked to stop.
    #[error("the scan was interrupted")]
    Cancelled,
}
