//! A sealed tree as an archive, for whoever scans it elsewhere.

use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use certus_model::workspace::{EntryKind, Workspace as _};
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use crate::error::Error;
use crate::scratch::Scratch;
use crate::seal::SealedWorkspace;

/// A packed tree.
#[derive(Debug)]
pub struct Packed {
    /// tar with gzip, from its first byte; the file has no name, so nothing has to be removed.
    pub file: std::fs::File,
    /// Submodules that were left out: no archive can say what they are.
    pub left_out: usize,
}

/// Packs `workspace`: files, executables and links in order of their paths, without owners and times, so that the
/// same tree gives the same bytes. Setting `cancelled` stops it soon.
///
/// # Errors
/// [`Error::Cancelled`], or a failure of the host.
pub fn pack(workspace: &SealedWorkspace, scratch: &Scratch, cancelled: &AtomicBool) -> Result<Packed, Error> {
    let failed = |cause: io::Error| Error::scratch("pack the tree", cause);
    let file = scratch.nameless_file().map_err(failed)?.into_std();
    let gzip = GzBuilder::new().mtime(0).write(BufWriter::new(file), Compression::default());
    let mut tar = Builder::new(gzip);
    let mut left_out = 0;
    for (index, entry) in workspace.entries().iter().enumerate() {
        if cancelled.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        let content = workspace.read(index).map_err(|error| failed(io::Error::other(error)))?;
        let path = entry.path.to_bytes();
        let path = Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&path));
        let mut header = Header::new_gnu();
        header.set_mode(if entry.kind == EntryKind::Executable { 0o755 } else { 0o644 });
        header.set_mtime(0);
        match entry.kind {
            EntryKind::File | EntryKind::Executable => {
                header.set_entry_type(EntryType::Regular);
                header.set_size(entry.size);
                tar.append_data(&mut header, path, &*content).map_err(failed)?;
            }
            EntryKind::Symlink => {
                header.set_entry_type(EntryType::Symlink);
                header.set_size(0);
                let target = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&content);
                tar.append_link(&mut header, path, target).map_err(failed)?;
            }
            EntryKind::Submodule => left_out += 1,
        }
    }
    let mut file = tar.into_inner().and_then(|gzip| gzip.finish()).map_err(failed)?;
    file.flush().map_err(failed)?;
    let mut file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.rewind().map_err(failed)?;
    Ok(Packed { file, left_out })
}

#[cfg(test)]
mod tests;
