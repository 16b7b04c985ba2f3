//! Blobs in a folder of this machine, or of a file system that all machines share.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_std::fs::Dir;
use futures_util::future::BoxFuture;

use super::incoming::{open_area, open_root};
use super::{Area, BlobStore, Incoming, Kept};
use crate::error::Error;

/// A folder with one folder for each area. What it keeps is moved into it at once, by its name.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    uploads: Dir,
    bundles: Dir,
}

impl Folder {
    /// Opens the folder, and makes it if it does not exist.
    ///
    /// # Errors
    /// A folder that can be neither made nor opened.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let (root, dir) = open_root(root)?;
        let uploads = open_area(&dir, Area::Uploads.as_str())?;
        let bundles = open_area(&dir, Area::Bundles.as_str())?;
        Ok(Self { root, uploads, bundles })
    }

    fn area(&self, area: Area) -> &Dir {
        match area {
            Area::Uploads => &self.uploads,
            Area::Bundles => &self.bundles,
        }
    }

    fn keep_now(&self, incoming: &Dir, area: Area, name: &str) -> io::Result<()> {
        crate::crash::disk(match area {
            Area::Uploads => "upload-sync",
            Area::Bundles => "bundle-sync",
        })?;
        match incoming.symlink_metadata(name) {
            Ok(metadata) if metadata.is_dir() => sync(&incoming.open_dir(name)?)?,
            Ok(_) => incoming.open(name)?.sync_all()?,
            // A call before this one came so far.
            Err(_) if self.area(area).symlink_metadata(name).is_ok() => return sync_names(self.area(area)),
            Err(cause) => return Err(cause),
        }
        incoming.rename(name, self.area(area), name)?;
        sync_names(self.area(area))
    }

    fn open_now(&self, area: Area, name: &str, path: Option<&str>) -> io::Result<std::fs::File> {
        let file = match path {
            None => self.area(area).open(name)?,
            Some(path) => self.area(area).open_dir(name)?.open(path)?,
        };
        Ok(file.into_std())
    }

    fn look_now(&self, area: Area, name: &str) -> io::Result<Option<Kept>> {
        let metadata = match self.area(area).symlink_metadata(name) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata?,
        };
        let changed = metadata.modified().map_or_else(|_| SystemTime::now(), |time| time.into_std());
        let bytes = if metadata.is_dir() { size(&self.area(area).open_dir(name)?)? } else { metadata.len() };
        Ok(Some(Kept { changed, bytes }))
    }

    fn remove_now(&self, area: Area, name: &str) -> io::Result<()> {
        let dir = self.area(area);
        let removed = match area {
            Area::Uploads => dir.remove_file(name),
            Area::Bundles => dir.remove_dir_all(name),
        };
        removed.or_else(|cause| if cause.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(cause) })
    }
}

fn shown(area: Area, name: &str) -> String {
    format!("{}/{name}", area.as_str())
}

impl BlobStore for Folder {
    fn place(&self) -> String {
        format!("folder `{}`", self.root.display())
    }

    fn check(&self) -> BoxFuture<'_, Result<(), Error>> {
        const PROBE: &str = ".probe";
        let tried = [Area::Uploads, Area::Bundles].into_iter().try_for_each(|area| {
            let dir = self.area(area);
            dir.write(PROBE, b"").and_then(|()| dir.remove_file(PROBE))
        });
        let place = self.root.display().to_string();
        Box::pin(async move { tried.map_err(|cause| Error::folder(place, "written", cause)) })
    }

    fn keep<'a>(&'a self, incoming: &'a Incoming, area: Area, name: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            // Waiting for the disk would keep others of this thread waiting.
            let kept = blocking(|| self.keep_now(incoming.dir(), area, name));
            kept.map_err(|cause| Error::folder(shown(area, name), "written", cause))
        })
    }

    fn open<'a>(
        &'a self,
        _: &'a Incoming,
        area: Area,
        name: &'a str,
        path: Option<&'a str>,
    ) -> BoxFuture<'a, Result<std::fs::File, Error>> {
        let what = path.map_or_else(|| shown(area, name), |path| format!("{}/{path}", shown(area, name)));
        let opened = self.open_now(area, name, path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => Error::Gone { what },
            _ => Error::folder(what, "read", cause),
        });
        Box::pin(async move { opened })
    }

    fn path(&self, area: Area, name: &str) -> Option<PathBuf> {
        Some(self.root.join(area.as_str()).join(name))
    }

    fn names(&self, area: Area) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        let names = || {
            let names = self.area(area).entries()?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
            // What begins with a dot is being tried.
            names.filter(|name| !name.as_ref().is_ok_and(|name| name.starts_with('.'))).collect::<io::Result<Vec<_>>>()
        };
        let listed = names().map_err(|cause| Error::folder(area.as_str(), "listed", cause));
        Box::pin(async move { listed })
    }

    fn look<'a>(&'a self, area: Area, name: &'a str) -> BoxFuture<'a, Result<Option<Kept>, Error>> {
        let looked = self.look_now(area, name).map_err(|cause| Error::folder(shown(area, name), "read", cause));
        Box::pin(async move { looked })
    }

    fn remove<'a>(&'a self, area: Area, name: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let removed = blocking(|| self.remove_now(area, name));
            removed.map_err(|cause| Error::folder(shown(area, name), "removed", cause))
        })
    }
}

/// Runs what waits for the disk, where this runtime can spare the thread.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// The content of every file below.
pub(super) fn size(dir: &Dir) -> io::Result<u64> {
    dir.entries()?.try_fold(0, |sum, entry| {
        let entry = entry?;
        let below = if entry.file_type()?.is_dir() { size(&entry.open_dir()?)? } else { entry.metadata()?.len() };
        Ok(sum + below)
    })
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
pub(crate) fn sync_names(dir: &Dir) -> io::Result<()> {
    dir.open(".")?.sync_all()
}
