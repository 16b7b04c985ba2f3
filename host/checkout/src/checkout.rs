//! From a source to a sealed workspace.

use std::fs::File;
use std::sync::atomic::AtomicBool;

use certus_model::limits::WorkspaceLimits;
use certus_model::source::SourceRecord;
use certus_model::workspace::EntryKind;
use certus_model::{RepoPath, Sha256};

use crate::error::{Error, shown};
use crate::git::{self, Git};
use crate::reference::Reference;
use crate::scratch::Scratch;
use crate::seal::{SealedWorkspace, Sealer, read_exactly};
use crate::source::{Kind, Source};
use crate::{archive, directory};

/// A workspace and where it came from. It holds memory and at most one file without a name: nothing
/// remains when it is dropped or the process is killed.
#[derive(Debug)]
pub struct Checkout {
    /// The sealed tree.
    pub workspace: SealedWorkspace,
    /// Its origin, without credentials.
    pub record: SourceRecord,
    /// The digest of the tree, equal for equal content wherever it came from.
    pub tree_digest: Sha256,
}

/// Seals `source`, at `reference` if it is a git repository; none means its default branch. Setting
/// `cancelled` stops it soon.
///
/// # Errors
/// A refusal with a reason ([`Error::reason`]), or a failure of the host. Nothing is left in `scratch`
/// either way.
pub fn checkout(
    source: &Source,
    reference: Option<&Reference>,
    limits: &WorkspaceLimits,
    scratch: &Scratch,
    git: &Git,
    cancelled: &AtomicBool,
) -> Result<Checkout, Error> {
    let (workspace, record) = match &source.0 {
        Kind::Remote { url, credential, pinned } => {
            let origin = git::Origin::remote(url, credential.as_ref(), pinned.as_ref());
            git::checkout(&origin, reference, limits, scratch, git, cancelled)?
        }
        Kind::LocalGit(place) => {
            git::checkout(&git::Origin::local(place)?, reference, limits, scratch, git, cancelled)?
        }
        Kind::Directory(place) => {
            refuse_reference(reference)?;
            let workspace = directory::read(place, Sealer::new(limits, scratch, cancelled))?;
            (workspace, SourceRecord::Directory { directory_path: place.path().to_string_lossy().into_owned() })
        }
        Kind::Archive(place) => {
            refuse_reference(reference)?;
            let (workspace, archive_hash) = archive::read(place, Sealer::new(limits, scratch, cancelled))?;
            let name = place.path().file_name().unwrap_or(place.path().as_os_str());
            (workspace, SourceRecord::Archive { archive_name: name.to_string_lossy().into_owned(), archive_hash })
        }
    };
    let tree_digest = workspace.tree_digest();
    Ok(Checkout { workspace, record, tree_digest })
}

/// Seals files that are open already, each under the path that it is given and with the length that it is said to
/// have. Setting `cancelled` stops it soon.
///
/// # Errors
/// A file that is longer or shorter, two of one path, more than the budgets allow, no file at all.
pub fn seal_files(
    files: Vec<(RepoPath, u64, File)>,
    limits: &WorkspaceLimits,
    scratch: &Scratch,
    cancelled: &AtomicBool,
) -> Result<SealedWorkspace, Error> {
    let mut sealer = Sealer::new(limits, scratch, cancelled);
    for (path, size, file) in files {
        sealer.count(0, b"")?;
        sealer.admit(&path, size)?;
        let content = read_exactly(file, size).map_err(|cause| Error::unreadable(path.as_str(), cause))?;
        sealer.add(path, EntryKind::File, content)?;
    }
    sealer.seal("the files")
}

fn refuse_reference(reference: Option<&Reference>) -> Result<(), Error> {
    match reference {
        None => Ok(()),
        Some(asked) => Err(Error::UnknownRef {
            asked: shown(asked.as_str()),
            problem: "means nothing here, for the source is no git repository".to_owned(),
            remedy: "leave it out".to_owned(),
        }),
    }
}
