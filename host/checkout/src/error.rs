//! Why a source became no workspace.

use std::io;

use certus_model::escape::one_line;
use certus_model::outcome::CheckoutReason;

/// A refusal or a failure. Every text in it is printable and free of credentials.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was given is no source that is accepted here.
    #[error("source `{given}` {problem}; {remedy}")]
    BadSource {
        /// What was given, without credentials.
        given: String,
        /// What is wrong with it.
        problem: String,
        /// What to give instead.
        remedy: &'static str,
    },
    /// The network guard does not let it be reached.
    #[error(transparent)]
    Guarded(certus_outbound::Error),
    /// There is nothing at that place, or it may not be read.
    #[error("`{place}` cannot be read: {cause}; {remedy}")]
    NotFound {
        /// The source, or a file of it.
        place: String,
        /// Why.
        cause: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The branch, tag or commit does not exist or cannot be one.
    #[error("reference `{asked}` {problem}; {remedy}")]
    UnknownRef {
        /// What was asked for.
        asked: String,
        /// What is wrong with it.
        problem: String,
        /// What to ask for instead.
        remedy: String,
    },
    /// There is no commit or no file in it.
    #[error("there is nothing to scan in `{place}`: {problem}; add at least one file, or name a branch that has one")]
    Empty {
        /// The source.
        place: String,
        /// What is missing.
        problem: &'static str,
    },
    /// Objects, tree or archive break their own format, or a name is one that no workspace may hold.
    #[error("`{place}` is refused: {problem}")]
    Malformed {
        /// The source, or an entry of it.
        place: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Too many entries, too deep, or too long a path.
    #[error("the tree holds {excess} at `{path}`; scan a part of it")]
    TreeBudget {
        /// Where the limit was reached.
        path: String,
        /// Which limit, with its value.
        excess: String,
    },
    /// One file or all files together are too large.
    #[error("the source holds {excess} at `{path}`; leave it out of what is scanned")]
    FileBudget {
        /// Where the limit was reached.
        path: String,
        /// Which limit, with its value.
        excess: String,
    },
    /// The archive expands beyond its allowed ratio.
    #[error(
        "archive `{archive}` expands to more than {ratio} times its size; unpack it and scan the directory if you trust it"
    )]
    ArchiveRatio {
        /// The archive.
        archive: String,
        /// The limit.
        ratio: u64,
    },
    /// It took too long.
    #[error("`{place}` was not read within {seconds} seconds; try again, or clone it yourself and scan the clone")]
    Timeout {
        /// The source.
        place: String,
        /// The limit.
        seconds: u64,
    },
    /// The caller asked to stop.
    #[error("the checkout was interrupted; start it again")]
    Cancelled,
    /// The host itself failed: its scratch folder or the git program.
    #[error("could not {doing}: {cause}; {remedy}")]
    Host {
        /// What was being done.
        doing: String,
        /// What the operating system said.
        #[source]
        cause: io::Error,
        /// What to do.
        remedy: &'static str,
    },
}

impl Error {
    /// The reason that bundles, events and messages carry; none when the host itself failed or was
    /// stopped, and nothing can be said of the source.
    pub const fn reason(&self) -> Option<CheckoutReason> {
        match self {
            Self::BadSource { .. } | Self::Guarded(_) => Some(CheckoutReason::BadUrl),
            Self::NotFound { .. } => Some(CheckoutReason::NotFound),
            Self::UnknownRef { .. } => Some(CheckoutReason::UnknownRef),
            Self::Empty { .. } => Some(CheckoutReason::Empty),
            Self::Malformed { .. } => Some(CheckoutReason::Fsck),
            Self::TreeBudget { .. } => Some(CheckoutReason::TreeBudget),
            Self::FileBudget { .. } => Some(CheckoutReason::FileBudget),
            Self::ArchiveRatio { .. } => Some(CheckoutReason::ArchiveRatio),
            Self::Timeout { .. } => Some(CheckoutReason::Timeout),
            Self::Cancelled | Self::Host { .. } => None,
        }
    }

    /// A failure of the scratch folder.
    pub(crate) fn scratch(doing: &str, cause: impl Into<io::Error>) -> Self {
        Self::Host {
            doing: format!("{doing} in the scratch folder"),
            cause: cause.into(),
            remedy: "check that the folder is writable and has space",
        }
    }

    /// Something of the source that was there cannot be read.
    pub(crate) fn unreadable(place: &str, cause: impl Into<io::Error>) -> Self {
        Self::NotFound {
            place: shown(place),
            cause: shown(&cause.into().to_string()),
            remedy: "check that it exists, that you may read it and that nothing changes it during the scan",
        }
    }

    pub(crate) fn malformed(place: &str, problem: impl Into<String>) -> Self {
        Self::Malformed { place: shown(place), problem: problem.into() }
    }
}

impl From<certus_outbound::Error> for Error {
    fn from(error: certus_outbound::Error) -> Self {
        match error {
            certus_outbound::Error::BadUrl { given, problem, remedy } => {
                Self::BadSource { given, problem: problem.to_owned(), remedy }
            }
            other => Self::Guarded(other),
        }
    }
}

/// Text from outside as it may stand in a message.
pub(crate) fn shown(text: &str) -> String {
    one_line(text, 300)
}
