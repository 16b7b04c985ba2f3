//! The artifact root: the folders of uploads and of bundles. Opened once, used beneath only.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt as _, File, OpenOptions};
use certus_model::{ScanId, UploadId};

use crate::error::Error;

/// The artifact root.
#[derive(Debug)]
pub struct Folders {
    root: PathBuf,
    uploads: Dir,
    bundles: Dir,
}

const UPLOADS: &str = "uploads";
const BUNDLES: &str = "bundles";

/// What is younger than this may be about to be put on record.
const YOUNG: Duration = Duration::from_secs(15 * 60);

impl Folders {
    /// Opens the artifact root, and makes it if it does not exist.
    ///
    /// # Errors
    /// A folder that can be neither made nor opened.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let shown = root.display().to_string();
        let root = std::path::absolute(root).map_err(|cause| Error::folder(shown.clone(), "found", cause))?;
        let open = || {
            Dir::create_ambient_dir_all(&root, ambient_authority())?;
            let dir = Dir::open_ambient_dir(&root, ambient_authority())?;
            for name in [UPLOADS, BUNDLES] {
                match dir.create_dir_with(name, DirBuilder::new().mode(0o700)) {
                    Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => return Err(cause),
                    _ => {}
                }
            }
            Ok((dir.open_dir(UPLOADS)?, dir.open_dir(BUNDLES)?))
        };
        let (uploads, bundles) = open().map_err(|cause| Error::folder(shown, "opened", cause))?;
        Ok(Self { root, uploads, bundles })
    }

    /// A new file for an upload, under the name that it gets with [`Folders::keep_upload`].
    ///
    /// # Errors
    /// A disk that is full or fails.
    pub fn new_upload(&self, id: &UploadId) -> Result<File, Error> {
        let options = OpenOptions::new().write(true).create_new(true).to_owned();
        self.uploads
            .open_with(partial(id), &options)
            .map_err(|cause| Error::folder(format!("{UPLOADS}/{id}"), "written", cause))
    }

    /// Gives a received upload its name, for good once this returns.
    ///
    /// # Errors
    /// A disk that is full or fails.
    pub fn keep_upload(&self, id: &UploadId, file: &File) -> Result<(), Error> {
        let keep = || {
            crate::crash::disk("upload-sync")?;
            file.sync_all()?;
            self.uploads.rename(partial(id), &self.uploads, id.as_str())?;
            sync_names(&self.uploads)
        };
        keep().map_err(|cause| Error::folder(format!("{UPLOADS}/{id}"), "written", cause))
    }

    /// Removes what there is of an upload that failed.
    pub fn drop_upload(&self, id: &UploadId) {
        // If it cannot be removed now, the sweeper does it later.
        let _ = self.uploads.remove_file(partial(id));
        let _ = self.uploads.remove_file(id.as_str());
    }

    /// Where an upload lies.
    pub fn upload_path(&self, id: &UploadId) -> PathBuf {
        self.root.join(UPLOADS).join(id.as_str())
    }

    /// The folder's name for the bundle that this claim of a scan makes: no two claims share one.
    pub fn bundle_name(id: &ScanId, fence: i64) -> String {
        format!("{id}.{fence}")
    }

    /// Where a bundle lies.
    pub fn bundle_path(&self, name: &str) -> PathBuf {
        self.root.join(BUNDLES).join(name)
    }

    /// A file of a bundle. Neither name may lead out of the folder of bundles.
    ///
    /// # Errors
    /// A file that is not there or cannot be read.
    pub fn bundle_file(&self, bundle: &str, file: &str) -> Result<File, Error> {
        let open = || self.bundles.open_dir(bundle)?.open(file);
        open().map_err(|cause| Error::folder(format!("{BUNDLES}/{bundle}/{file}"), "read", cause))
    }

    /// Removes a bundle that nobody has on record.
    pub fn drop_bundle(&self, name: &str) {
        // If it cannot be removed now, the sweeper does it later.
        let _ = self.bundles.remove_dir_all(name);
    }

    /// Makes a bundle's folder and all that is in it last, whatever happens to the power.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn sync_bundle(&self, bundle: &str) -> Result<(), Error> {
        let sync = || {
            crate::crash::disk("bundle-sync")?;
            sync(&self.bundles.open_dir(bundle)?)?;
            sync_names(&self.bundles)
        };
        sync().map_err(|cause| Error::folder(format!("{BUNDLES}/{bundle}"), "written", cause))
    }

    /// Removes what nobody has on record: bundles that no scan names, uploads and parts of them that no row
    /// names. What is young or in `live` stays, and so does what is being written: its name begins with a dot,
    /// and its writer sweeps. Returns how many things were removed.
    ///
    /// # Errors
    /// A folder that cannot be listed.
    pub fn sweep(&self, bundles: &[String], uploads: &[UploadId], live: &[String]) -> Result<usize, Error> {
        let mut removed = 0;
        for (dir, place) in [(&self.bundles, BUNDLES), (&self.uploads, UPLOADS)] {
            let failed = |cause| Error::folder(place, "listed", cause);
            for entry in dir.entries().map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let known = match place {
                    BUNDLES => bundles.contains(&name) || live.contains(&name),
                    _ => uploads.iter().any(|id| id.as_str() == name),
                };
                // What cannot be looked at is left for the next time.
                let Ok(metadata) = entry.metadata() else { continue };
                let young = metadata
                    .modified()
                    .is_ok_and(|time| SystemTime::now().duration_since(time.into_std()).is_ok_and(|age| age < YOUNG));
                if known || young || name.starts_with('.') {
                    continue;
                }
                let gone = if metadata.is_dir() { dir.remove_dir_all(&name) } else { dir.remove_file(&name) };
                removed += usize::from(gone.is_ok());
                crate::crash::point("sweep-begun");
            }
        }
        Ok(removed)
    }
}

fn partial(id: &UploadId) -> String {
    format!("{id}.partial")
}

/// Files first, then the folders that name them.
fn sync(dir: &Dir) -> io::Result<()> {
    for entry in dir.entries()? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync(&entry.open_dir()?)?;
        } else {
            entry.open()?.sync_all()?;
        }
    }
    sync_names(dir)
}

/// The names in a folder. A `Dir` is a place and no open file, so that it cannot be synced itself.
fn sync_names(dir: &Dir) -> io::Result<()> {
    dir.open(".")?.sync_all()
}
