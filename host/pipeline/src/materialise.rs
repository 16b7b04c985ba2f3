use certus_checkout::Scratch;
use certus_engine::Root;
use certus_model::workspace::Workspace;

/// Lays out entries of `workspace` for a WASI plugin, read-only and without links, under `scratch`.
///
/// # Errors
/// One sentence: a file cannot be read or written.
pub fn materialise(workspace: &dyn Workspace, indices: &[usize], scratch: &Scratch) -> Result<Root, String> {
    let tree = certus_checkout::materialise(workspace, indices, scratch).map_err(|error| error.to_string())?;
    Ok(Root::new(tree.path(), tree.skipped().to_vec(), tree))
}
