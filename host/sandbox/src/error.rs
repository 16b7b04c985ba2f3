use certus_model::escape::one_line;
use certus_model::outcome::AdmissionReason;
use serde::{Deserialize, Serialize};

/// A component is not admitted: its fault, not the host's.
#[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
#[error("{reason}: {message}")]
pub struct Refusal {
    /// The closed-set reason.
    pub reason: AdmissionReason,
    /// One clause that names the value and the fix.
    pub message: String,
}

impl Refusal {
    /// The message may quote names of the component, which a stranger chose.
    pub(crate) fn new(reason: AdmissionReason, message: impl AsRef<str>) -> Self {
        Self { reason, message: one_line(message.as_ref(), 1000) }
    }
}

/// The host could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// wasmtime refused the host's own configuration.
    #[error("the WebAssembly engine could not be set up: {0}")]
    Engine(String),
    /// A child of this program could not be run.
    #[error("the child process `{program}` could not be run ({source}); reinstall certus")]
    Child {
        /// The program.
        program: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The cache folder is unusable or not safe.
    #[error("the folder of compiled plugins `{path}` {problem}")]
    Cache {
        /// The folder.
        path: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Compiled code that this host has just made or authenticated does not load.
    #[error("compiled code does not load: {0}")]
    Load(String),
    /// The folder that was laid out for a WASI guest cannot be opened.
    #[error(
        "the files laid out at `{path}` cannot be opened ({source}); opening them needs openat2, that is Linux 5.6 or newer and a container that allows it"
    )]
    Root {
        /// The folder.
        path: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A file of the workspace could not be read during a call.
    #[error(transparent)]
    Workspace(#[from] certus_model::workspace::ReadError),
}

/// Why there is no admitted plugin.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// The component's fault.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The host's fault.
    #[error(transparent)]
    Host(#[from] Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_printable_line_whatever_it_quotes() {
        let quoted = format!("the component imports `\u{1b}[2J\nfake: line{}`", "x".repeat(100_000));
        let message = Refusal::new(AdmissionReason::UnknownImport, quoted).to_string();
        assert!(message.chars().all(certus_model::escape::is_printable) && message.len() < 1100, "{message}");
        assert!(message.contains("\\u{1b}[2J"), "what was meant can still be read: {message}");
    }
}
