//! The workspace that is scanned where an operator wants to try clients out, and has nothing to scan.

use std::sync::atomic::AtomicBool;

use certus_checkout::{Checkout, Error, Git, Scratch, Source, SourcePolicy};
use certus_model::RepoPath;
use certus_model::limits::WorkspaceLimits;
use certus_model::source::SourceRecord;
use certus_model::workspace::{MemoryWorkspace, Workspace as _};

/// What the record of a sample names in a path's place.
pub(crate) const NAME: &str = "sample";

const FILES: [(&[u8], &[u8]); 4] = [
    (b"Cargo.lock", include_bytes!("../sample/Cargo.lock")),
    (b"LICENSE", include_bytes!("../sample/LICENSE")),
    (b"README.md", include_bytes!("../sample/README.md")),
    (b"settings.env", include_bytes!("../sample/settings.env")),
];

/// Seals the sample the way every directory is sealed.
pub(crate) fn checkout(
    limits: &WorkspaceLimits,
    scratch: &Scratch,
    git: &Git,
    cancelled: &AtomicBool,
) -> Result<Checkout, Error> {
    let files = FILES.iter().filter_map(|(path, content)| Some((RepoPath::from_bytes(path).ok()?, content.to_vec())));
    let files = MemoryWorkspace::new(files);
    let all: Vec<usize> = (0..files.entries().len()).collect();
    let tree = certus_checkout::materialise(&files, &all, scratch)?;
    let source = Source::parse(&format!("dir:{}", tree.path().display()), SourcePolicy::Any)?;
    let sealed = certus_checkout::checkout(&source, None, limits, scratch, git, cancelled)?;
    // Where it was laid out is nobody's business, and differs from run to run.
    Ok(Checkout { record: SourceRecord::Directory { directory_path: NAME.to_owned() }, ..sealed })
}
