//! Some files of a workspace as real files, for scanners that read through WASI.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _, Permissions, PermissionsExt as _};
use certus_model::path::MAX_NAME;
use certus_model::workspace::Workspace;

use crate::error::Error;
use crate::scratch::{Folder, Scratch, private_dir};

/// A read-only tree of regular files, removed on drop.
#[derive(Debug)]
pub struct MaterialisedTree {
    folder: Folder,
    skipped: Vec<usize>,
}

/// The tree's name within its folder, beside the lock file.
const TREE: &str = "tree";

impl MaterialisedTree {
    /// Where the tree is: an absolute path.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(TREE)
    }

    /// Indices that have no file here: links, submodules, and files with a name that is longer than 255
    /// bytes in its escaped spelling. They are to be reported as not looked at.
    pub fn skipped(&self) -> &[usize] {
        &self.skipped
    }
}

/// Writes the regular files among `indices` of `workspace` into a fresh folder, each under its escaped
/// path, which holds no byte that a file system or a terminal could take amiss.
///
/// # Errors
/// When a file cannot be read from the workspace or the scratch folder cannot be written.
pub fn materialise(workspace: &dyn Workspace, indices: &[usize], scratch: &Scratch) -> Result<MaterialisedTree, Error> {
    let folder = scratch.folder("tree")?;
    let write_all = || -> io::Result<Vec<usize>> {
        private_dir(folder.dir(), TREE)?;
        let root = folder.dir().open_dir(TREE)?;
        let mut skipped = Vec::new();
        let mut directories = BTreeSet::from([PathBuf::from(".")]);
        for &index in indices {
            let entry = &workspace.entries()[index];
            let path = entry.path.as_str();
            if !entry.kind.is_file() || path.split('/').any(|name| name.len() > MAX_NAME) {
                skipped.push(index);
                continue;
            }
            let content = workspace.read(index).map_err(io::Error::other)?;
            write(&root, Path::new(path), &content, &mut directories)?;
        }
        // Deepest first: a directory that may no longer be written cannot be entered to close its children.
        for directory in directories.iter().rev() {
            root.set_permissions(directory, Permissions::from_mode(0o500))?;
        }
        Ok(skipped)
    };
    let skipped = write_all().map_err(|cause| Error::scratch("write files for a scanner", cause))?;
    Ok(MaterialisedTree { folder, skipped })
}

fn write(root: &Dir, path: &Path, content: &[u8], directories: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !directories.contains(*parent)) {
        root.create_dir_all(parent)?;
        directories.extend(parent.ancestors().filter(|parent| !parent.as_os_str().is_empty()).map(Path::to_owned));
    }
    root.open_with(path, OpenOptions::new().write(true).create_new(true).mode(0o444))?.write_all(content)
}

#[cfg(test)]
mod tests;
