use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, File};
use certus_model::Sha256;
use futures_util::future::BoxFuture;

use super::{Content, Listed, Meta, Object, Objects, Over};
use crate::blob::{blocking, is_young, open_root, sync_names};
use crate::error::Error;

/// Below which what objects carry lies.
const META: &str = ".meta";
/// In which objects come to be.
const NEW: &str = ".new";

/// A folder with objects. What an object carries lies beside it, as `.meta/KEY/SHA256.json`, and is written first.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    dir: Dir,
}

impl Directory {
    /// Opens the folder, and makes it if it does not exist.
    ///
    /// # Errors
    /// A folder that can be neither made nor opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let (path, dir) = open_root(path)?;
        for part in [META, NEW] {
            dir.create_dir_all(part).map_err(|cause| Error::folder(part, "made", cause))?;
        }
        let directory = Self { path, dir };
        directory.sweep().map_err(|cause| Error::folder(NEW, "swept", cause))?;
        Ok(directory)
    }

    /// Removes what processes have left that died.
    fn sweep(&self) -> io::Result<()> {
        for entry in self.dir.open_dir(NEW)?.entries()? {
            let entry = entry?;
            // What is gone meanwhile was not left.
            let Some(metadata) = found(entry.metadata())? else { continue };
            if !metadata.modified().is_ok_and(|time| is_young(time.into_std())) {
                found(entry.remove_file())?;
            }
        }
        Ok(())
    }

    fn put_now(&self, key: &str, content: Content<'_>, meta: &Meta, over: Over) -> io::Result<()> {
        check(key)?;
        let new = self.fresh(|file| content.copy_to(file, meta))?;
        let put = self.put_meta(key, meta).and_then(|()| {
            crate::crash::point("object-announced");
            self.make_parents(key)?;
            match over {
                Over::Anything => self.dir.rename(&new, &self.dir, key),
                Over::Nothing => match self.dir.hard_link(&new, &self.dir, key) {
                    // It is there, by an earlier try or by somebody else's.
                    Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                    linked => linked,
                },
            }
        });
        // What is there under its own name does not need this one.
        found(self.dir.remove_file(&new))?;
        put?;
        self.sync_parents(key)
    }

    fn put_meta(&self, key: &str, meta: &Meta) -> io::Result<()> {
        let beside = beside(key, meta.sha256());
        let bytes = serde_json::to_vec(meta)?;
        let new = self.fresh(|file| file.write_all(&bytes))?;
        self.make_parents(&beside)?;
        self.dir.rename(&new, &self.dir, &beside)?;
        self.sync_parents(&beside)
    }

    /// A file of a name that nobody else uses, on disk once this returns.
    fn fresh(&self, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<String> {
        let new = format!("{NEW}/{}", uuid::Uuid::now_v7());
        let mut file = self.dir.create(&new)?;
        let written = write(&mut file).and_then(|()| file.sync_all());
        if written.is_err() {
            // What cannot be removed is nobody's object.
            let _ = self.dir.remove_file(&new);
        }
        written.map(|()| new)
    }

    fn make_parents(&self, key: &str) -> io::Result<()> {
        let made = key.rsplit_once('/').map_or(Ok(()), |(above, _)| self.dir.create_dir_all(above));
        made.map_err(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
            _ => cause,
        })
    }

    /// The names of a key, up to this folder.
    fn sync_parents(&self, key: &str) -> io::Result<()> {
        for (at, _) in key.rmatch_indices('/') {
            sync_names(&self.dir.open_dir(&key[..at])?)?;
        }
        sync_names(&self.dir)
    }

    /// What an object carries is found by what it holds, so that the two cannot be taken for each other's.
    fn look_now(&self, key: &str) -> io::Result<Option<Object>> {
        check(key)?;
        // A file above it or a folder in its place is no absence: nothing can be put there.
        let mut file = match self.dir.open(key) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let (sha256, size) = crate::blob::digest(&mut file)?;
        let meta = found(self.dir.read(beside(key, sha256)))?;
        Ok(Some(Object { size, meta: meta.and_then(|bytes| serde_json::from_slice(&bytes).ok()) }))
    }

    fn list_now(&self, prefix: &str) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        below(&self.dir, "", &mut listed)?;
        listed.retain(|object| object.key.starts_with(prefix));
        listed.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(listed)
    }

    fn remove_now(&self, key: &str) -> io::Result<()> {
        check(key)?;
        match self.dir.symlink_metadata(key) {
            // What lies in it has other keys.
            Ok(metadata) if metadata.is_dir() => return Ok(()),
            _ => found(self.dir.remove_file(key))?,
        };
        found(self.dir.remove_dir_all(format!("{META}/{key}"))).map(drop)
    }

    fn failed(&self, key: &str, done: &'static str, cause: io::Error) -> Error {
        let (what, place) = (certus_model::escape::one_line(key, 300), self.place());
        match cause.kind() {
            io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => Error::Taken { what, place },
            _ => Error::Blob { what, done, place, cause: cause.into() },
        }
    }
}

impl Objects for Directory {
    fn place(&self) -> String {
        self.uri("")
    }

    fn uri(&self, key: &str) -> String {
        // Only paths that are not absolute have no address.
        let root = url::Url::from_directory_path(&self.path).map(String::from).unwrap_or_default();
        format!("{root}{}", percent_encoding::utf8_percent_encode(key, super::bucket::KEY))
    }

    fn look<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Object>, Error>> {
        Box::pin(async move { blocking(|| self.look_now(key)).map_err(|cause| self.failed(key, "read", cause)) })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        content: Content<'a>,
        meta: &'a Meta,
        over: Over,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let put = blocking(|| self.put_now(key, content, meta, over));
            put.map_err(|cause| self.failed(key, "written", cause))
        })
    }

    fn copy<'a>(
        &'a self,
        from: &'a dyn Objects,
        from_key: &'a str,
        key: &'a str,
        meta: &'a Meta,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let file = from.open(from_key).await?;
            self.put(key, Content::File(&file), meta, Over::Anything).await
        })
    }

    fn open<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<std::fs::File, Error>> {
        Box::pin(async move {
            let open = || match found(self.dir.open(key))? {
                Some(file) if file.metadata()?.is_file() => Ok(Some(file)),
                _ => Ok(None),
            };
            match check(key).and_then(|()| open()) {
                Ok(Some(file)) => Ok(file.into_std()),
                Ok(None) => Err(Error::Gone { what: key.to_owned() }),
                Err(cause) => Err(self.failed(key, "read", cause)),
            }
        })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, Error>> {
        Box::pin(async move {
            let listed = blocking(|| self.list_now(prefix));
            listed.map_err(|cause| self.failed(prefix, "listed", cause))
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { self.remove_now(key).map_err(|cause| self.failed(key, "removed", cause)) })
    }
}

/// Refuses keys that are no plain paths, or lead to what is ours.
fn check(key: &str) -> io::Result<()> {
    let is_plain = |name: &str| !matches!(name, "" | "." | "..") && !name.contains('\0');
    match key.split('/').all(is_plain) && !key.starts_with('.') {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "its key is no plain path")),
    }
}

fn beside(key: &str, sha256: Sha256) -> String {
    format!("{META}/{key}/{sha256}.json")
}

/// Nothing where there is nothing.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Every file below, but what is ours.
fn below(dir: &Dir, above: &str, listed: &mut Vec<Listed>) -> io::Result<()> {
    for entry in dir.entries()? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if above.is_empty() && name.starts_with('.') {
            continue;
        }
        let key = format!("{above}{name}");
        if kind.is_dir() {
            below(&entry.open_dir()?, &format!("{key}/"), listed)?;
        } else if kind.is_file() {
            listed.push(Listed { key, size: entry.metadata()?.len() });
        }
    }
    Ok(())
}
