use std::path::{Path, PathBuf};

use certus_checkout::{MaterialisedTree, Scratch};
use certus_engine::Root;
use certus_model::workspace::Workspace;

struct Tree {
    tree: MaterialisedTree,
    path: PathBuf,
}

impl Root for Tree {
    fn path(&self) -> &Path {
        &self.path
    }

    fn skipped(&self) -> &[usize] {
        self.tree.skipped()
    }
}

/// Lays out entries of `workspace` for a WASI plugin, read-only and without links, under `scratch`.
///
/// # Errors
/// One sentence: a file cannot be read or written.
pub fn materialise(workspace: &dyn Workspace, indices: &[usize], scratch: &Scratch) -> Result<Box<dyn Root>, String> {
    let tree = certus_checkout::materialise(workspace, indices, scratch).map_err(|error| error.to_string())?;
    Ok(Box::new(Tree { path: tree.path(), tree }))
}
