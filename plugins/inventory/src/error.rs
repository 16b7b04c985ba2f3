use certus_sdk_core::Problem;

/// Why a lock file could not be read. No message holds content of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are not text.
    #[error("byte {at} is not UTF-8: save the file as UTF-8")]
    NotUtf8 {
        /// Offset of the first byte that is not UTF-8.
        at: usize,
    },
    /// The text breaks its format.
    #[error("byte {at} is not valid {format}: generate the file anew")]
    Syntax {
        /// The format that the file's name promises.
        format: &'static str,
        /// Offset of the byte.
        at: usize,
    },
    /// One object has the same key twice, so that two readers may see two different files.
    #[error("the key at byte {at} stands twice in its object: remove one of them")]
    DuplicateKey {
        /// Offset of the object or of its second key.
        at: usize,
    },
    /// A YAML anchor or alias. No tool writes one into a lock file, and they can multiply.
    #[error("byte {at} has a YAML anchor or alias, which no lock file needs: generate it anew")]
    Alias {
        /// Offset of the anchor or alias.
        at: usize,
    },
    /// The one thing that makes the file a lock file of its kind is missing.
    #[error("it has no `{what}`: generate the file anew")]
    Missing {
        /// A key or a section.
        what: &'static str,
    },
    /// A format of a version that came after this reader.
    #[error("`{key}` names a version that is not known here: update this scanner")]
    UnknownVersion {
        /// The key that holds the version.
        key: &'static str,
    },
    /// A file that another one includes is not among the granted files.
    #[error("byte {at} includes a file that is not read: name it requirements*.txt")]
    NotIncluded {
        /// Offset of the line.
        at: usize,
    },
    /// Prose, or another tool's list.
    #[error("byte {at} is no requirement, nor is anything before it: rename the file")]
    NotRequirements {
        /// Offset of the line.
        at: usize,
    },
    /// A name, version or address that no registry gives: empty, with control characters, or far too long.
    #[error(
        "the package at byte {at} has no name, or a name, version or address that cannot be shown: generate the file anew"
    )]
    Unprintable {
        /// Offset of the package's entry.
        at: usize,
    },
    /// Nested too deeply.
    #[error("byte {at} is nested more than {limit} deep: split the file")]
    TooDeep {
        /// Offset of the first value beyond the limit.
        at: usize,
        /// The limit.
        limit: usize,
    },
    /// More values than are kept in memory.
    #[error("it has more than {limit} values: split the file")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// Larger than is read.
    #[error("its {size} bytes are more than the {limit} that are read: split the file")]
    TooLarge {
        /// Size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The report as a whole would grow too large for one answer.
    #[error("the report is full at about {limit} bytes: scan the repository in parts")]
    ReportFull {
        /// The limit in bytes.
        limit: usize,
    },
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let note = error.to_string();
        match error {
            Error::NotUtf8 { .. }
            | Error::Syntax { .. }
            | Error::DuplicateKey { .. }
            | Error::Alias { .. }
            | Error::Missing { .. }
            | Error::Unprintable { .. } => Self::malformed(note),
            Error::UnknownVersion { .. } | Error::NotIncluded { .. } | Error::NotRequirements { .. } => {
                Self::unsupported(note)
            }
            Error::TooDeep { .. } | Error::TooMany { .. } | Error::TooLarge { .. } | Error::ReportFull { .. } => {
                Self::exhausted(note)
            }
        }
    }
}
