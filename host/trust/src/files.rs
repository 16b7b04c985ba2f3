//! Files that an operator names.

use std::path::{Path, PathBuf};

use crate::error::Error;

/// The largest file that is read: far more than people write.
const LARGEST: u64 = 4 << 20;

/// The text of a file.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    let failed = |cause| Error::File { path: path.display().to_string(), cause };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > LARGEST {
        let why = format!("it has {size} bytes, more than {LARGEST}");
        return Err(Error::Policy { path: path.display().to_string(), why });
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// The files of a folder with this ending, sorted by name.
pub(crate) fn list(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Error> {
    let failed = |cause| Error::File { path: folder.display().to_string(), cause };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ending)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
