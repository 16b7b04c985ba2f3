//! A folder for targets whose subject reads from disk. The fuzzer ends its process without dropping
//! anything, so whoever starts it points `TMPDIR` at a folder of its own and removes that.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use certus_checkout::Scratch;
use certus_model::limits::WorkspaceLimits;

static PLACE: OnceLock<Place> = OnceLock::new();

/// One folder for the whole process.
pub struct Place {
    folder: PathBuf,
    scratch: Scratch,
}

impl Place {
    /// The process's folder, made on first use.
    pub fn get() -> &'static Self {
        PLACE.get_or_init(|| {
            let folder = tempfile::tempdir().expect("a temporary folder").keep();
            let scratch = Scratch::open(&folder.join("scratch")).expect("a scratch folder");
            Self { folder, scratch }
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the checkout keeps what is temporary.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }
}

/// Budgets that a fuzzer can reach.
pub fn small() -> WorkspaceLimits {
    WorkspaceLimits {
        entries: 500,
        directory_entries: 100,
        file: 256 << 10,
        total: 1 << 20,
        ..WorkspaceLimits::default()
    }
}
