use std::fmt;

/// A data pack that the operator granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// The name that the manifest asks for.
    pub name: String,
    /// The digest that was granted.
    pub digest: String,
    /// How many keys it holds.
    pub entries: u64,
}

/// Why a data pack gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataError {
    /// The manifest does not declare the pack, or the operator did not grant it.
    Denied,
    /// There is no pack of that name.
    UnknownPack,
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "the pack is not granted: declare it under [capabilities.data] and have it granted",
            Self::UnknownPack => "there is no pack of that name: check its spelling",
        })
    }
}

impl std::error::Error for DataError {}
