//! Why a bundle does not verify.

use std::fmt;

use certus_model::Sha256;

/// One file of a bundle and what is wrong with it, in one sentence.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    file: String,
    problem: Problem,
}

/// What is wrong with a file of a bundle.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Listed, or needed by every bundle, and not there.
    #[error("is missing from the bundle")]
    Missing,
    /// There and not listed.
    #[error("is not listed in index.json, so nobody vouches for it")]
    Unlisted,
    /// A file that says what only a report can say.
    #[error("is part of a bundle whose scan failed, but says what only a scan can say")]
    OfAFailure,
    /// A file that index.json should list.
    #[error("is not listed in index.json, but such a bundle always has it")]
    Required,
    /// A symbolic link, which is never followed.
    #[error("is a symbolic link; a bundle holds regular files only")]
    Link,
    /// A device, a pipe, a socket, or a folder in a file's place.
    #[error("is not a regular file")]
    Special,
    /// Larger or smaller than listed.
    #[error("has another size than the {expected} bytes that index.json lists")]
    Size {
        /// The listed size.
        expected: u64,
    },
    /// Too large to be read.
    #[error("is larger than the {limit} bytes that a verifier reads")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Not the bytes that the index lists.
    #[error("has been changed: its digest is not the one that index.json lists")]
    Digest,
    /// An index that the statement is not about.
    #[error("is not the index that was signed: it was changed, or attestation.dsse.json is another bundle's")]
    NotSigned,
    /// Another spelling than the one that is signed.
    #[error("is not in canonical form (RFC 8785), so it was not written by this host")]
    NotCanonical,
    /// Does not have the expected form.
    #[error("is malformed: {0}")]
    Malformed(String),
    /// A broken hash chain.
    #[error("is broken at line {0}: the line does not follow from the one before")]
    Ledger(u64),
    /// A signer that is not among the known keys.
    #[error("is signed with the key {0}, which is not known here; give its public key with `--key PUB`")]
    UnknownSigner(Sha256),
    /// A signature that does not verify.
    #[error("carries a signature that its key {0} did not make; it was changed after signing")]
    Signature(Sha256),
    /// An entry of a log that is not proven, or of a log that is not known.
    #[error("does not prove that the signature is in a log: {0}")]
    Log(String),
    /// A permission for something else.
    #[error("does not permit what is here: {0}")]
    Permit(String),
    /// The statement is about other files than the index lists.
    #[error("does not agree with index.json about `{0}`: one of the two lacks it or names another digest")]
    Subject(String),
    /// A development key that denies being one.
    #[error("claims that its key {0} is no development key, but here it is known as one")]
    Development(Sha256),
    /// Two files say different things.
    #[error("says that {what} is `{claimed}`, but {other} says `{found}`")]
    Contradiction {
        /// What they speak of.
        what: &'static str,
        /// What the statement says.
        claimed: String,
        /// The other file.
        other: &'static str,
        /// What that file says.
        found: String,
    },
}

impl Refusal {
    /// A refusal for the file at `path`, made safe to print: names and causes may repeat what stands in
    /// a hostile bundle.
    pub(crate) fn new(path: &str, problem: Problem) -> Self {
        let problem = match problem {
            Problem::Malformed(cause) => Problem::Malformed(certus_model::escape::one_line(&cause, 300)),
            Problem::Log(cause) => Problem::Log(certus_model::escape::one_line(&cause, 300)),
            Problem::Permit(cause) => Problem::Permit(certus_model::escape::one_line(&cause, 300)),
            other => other,
        };
        Self { file: certus_model::escape::one_line(path, 300), problem }
    }

    /// The file, as a path inside the bundle.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What is wrong with it.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.file, self.problem)
    }
}

impl std::error::Error for Refusal {}
