//! The kind of a source, before anything is read of it.

use crate::source::{Kind, Source};

impl Source {
    /// The word for the kind as records have it: `git`, `directory` or `archive`.
    pub const fn kind(&self) -> &'static str {
        match self.0 {
            Kind::Remote { .. } | Kind::LocalGit(_) => "git",
            Kind::Directory(_) => "directory",
            Kind::Archive(_) => "archive",
        }
    }
}
