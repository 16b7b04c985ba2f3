//! What can go wrong with writing and reading bundles.

use std::io;

use crate::FileName;
use crate::refusal::Refusal;

/// Every message names the value and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bundle was read and does not verify. Not the host's failure.
    #[error("{0}")]
    Refused(#[from] Refusal),

    /// A file without content.
    #[error("the bundle's file `{0}` is empty; leave it out instead")]
    EmptyFile(FileName),
    /// A file that was added twice.
    #[error("the bundle's file `{0}` was made twice; report this as a fault of the host")]
    FileTwice(FileName),
    /// What was about to be written does not verify.
    #[error("the new bundle does not verify and was not put in place: {0}; report this as a fault of the host")]
    Unsound(#[source] Refusal),
    /// A value that JSON cannot hold.
    #[error("the bundle cannot be written as JSON ({0}); report this as a fault of the host")]
    Json(#[source] serde_json::Error),
    /// Signing failed.
    #[error("the bundle could not be signed: {0}")]
    Signing(#[from] certus_signing::Error),

    /// A path without a last name.
    #[error("`{0}` names no folder of its own; give the name of a folder to be made, such as `out`")]
    NoName(String),
    /// The output exists and holds something.
    #[error("`{0}` exists and is not empty; choose another folder, or replace the bundle in it with `--force`")]
    NotEmpty(String),
    /// The output exists and is no folder.
    #[error("`{0}` exists and is not a folder; choose another name for the bundle")]
    NotAFolder(String),
    /// The output is not what a bundle is, so it is not replaced.
    #[error("`{folder}` is not replaced, because it {why}; move it away or choose another folder")]
    NotABundle {
        /// The output.
        folder: String,
        /// What it has or lacks.
        why: String,
    },
    /// The disk is full.
    #[error("`{path}` could not be written, because the disk is full; free space or choose another folder")]
    DiskFull {
        /// The file or folder.
        path: String,
    },
    /// The operating system refused.
    #[error("`{path}` could not be {action} ({cause}); check that its folder exists and that you may use it")]
    Io {
        /// The file or folder.
        path: String,
        /// `read`, `written`, `put in place`.
        action: &'static str,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
}

impl Error {
    /// Whether the bundle is at fault rather than the host or the machine.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    pub(crate) fn io(path: impl std::fmt::Display, action: &'static str, cause: io::Error) -> Self {
        let path = certus_model::escape::one_line(&path.to_string(), 1024);
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, action, cause },
        }
    }
}
