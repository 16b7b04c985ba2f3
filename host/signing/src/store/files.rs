//! The files of a key folder: small, with checked permissions, never half written.

use std::fs::DirBuilder;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, MetadataExt as _, OpenOptions, OpenOptionsExt as _, PermissionsExt as _};
use zeroize::Zeroizing;

use crate::Error;

/// A cosign key file has about 650 bytes; what is larger than this is none.
const MAX_FILE: u64 = 64 << 10;
/// Permission bits that let anybody but the owner read, write or use a file.
const OTHERS: u32 = 0o077;
/// Permission bits that let anybody but the owner write.
const OTHERS_WRITE: u32 = 0o022;

/// The turn to change the folder: nobody else, in this process or another, has one as long as it is held.
pub(super) struct Turn(#[expect(dead_code, reason = "the lock lasts as long as the file is open")] std::fs::File);

/// Waits until nobody else changes the folder.
pub(super) fn take_turn(dir: &Dir, path: &Path) -> Result<Turn, Error> {
    // Opened anew: a lock belongs to one opening, and whoever shares it shares the lock.
    let file = dir.open(".").map(File::into_std).map_err(|cause| io_error(path, "read", cause))?;
    file.lock().map_err(|cause| io_error(path, "locked", cause))?;
    Ok(Turn(file))
}

/// Opens the folder; none when it does not exist.
pub(super) fn open_folder(path: &Path) -> Result<Option<Dir>, Error> {
    let dir = match Dir::open_ambient_dir(path, ambient_authority()) {
        Ok(dir) => dir,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(io_error(path, "read", cause)),
    };
    let mode = dir.dir_metadata().map_err(|cause| io_error(path, "read", cause))?.mode() & 0o7777;
    if mode & OTHERS_WRITE == 0 {
        Ok(Some(dir))
    } else {
        Err(Error::WritableByOthers { path: path.display().to_string(), mode })
    }
}

/// Opens the folder, which is made for the owner alone when it does not exist.
pub(super) fn create_folder(path: &Path) -> Result<Dir, Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|cause| io_error(path, "created", cause))?;
    open_folder(path)?.ok_or_else(|| io_error(path, "created", io::ErrorKind::NotFound.into()))
}

/// The names of the folder's entries that are text and not hidden.
pub(super) fn names(dir: &Dir, path: &Path) -> Result<Vec<String>, Error> {
    let entries = dir.entries().map_err(|cause| io_error(path, "read", cause))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|cause| io_error(path, "read", cause))?.file_name();
        names.extend(name.into_string().ok().filter(|name| !name.starts_with('.')));
    }
    Ok(names)
}

/// Reads a public key file of the folder; none when it does not exist.
pub(super) fn read(dir: &Dir, name: &str, path: &Path) -> Result<Option<String>, Error> {
    read_up_to(dir, name, path, MAX_FILE)
}

/// Reads a public file of at most `max` bytes; none when it does not exist.
pub(super) fn read_up_to(dir: &Dir, name: &str, path: &Path, max: u64) -> Result<Option<String>, Error> {
    match dir.open(name) {
        Ok(file) => read_file(file, path, max).map(|text| Some(text.to_string())),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(io_error(path, "read", cause)),
    }
}

/// Reads a private file of the folder, which nobody but its owner may be able to read.
pub(super) fn read_private(dir: &Dir, name: &str, path: &Path) -> Result<Option<Zeroizing<String>>, Error> {
    match dir.open(name) {
        Ok(file) => {
            check_private(&file, path)?;
            read_file(file, path, MAX_FILE).map(Some)
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(io_error(path, "read", cause)),
    }
}

/// Reads a public file anywhere.
pub(crate) fn read_ambient(path: &Path) -> Result<String, Error> {
    let file = File::open_ambient(path, ambient_authority()).map_err(|cause| io_error(path, "read", cause))?;
    read_file(file, path, MAX_FILE).map(|text| text.to_string())
}

/// Reads a private file anywhere.
pub(crate) fn read_private_ambient(path: &Path) -> Result<Zeroizing<String>, Error> {
    let file = File::open_ambient(path, ambient_authority()).map_err(|cause| io_error(path, "read", cause))?;
    check_private(&file, path)?;
    read_file(file, path, MAX_FILE)
}

/// Makes `name` with `text`, whole or not at all, and never over another file.
pub(super) fn write_new(dir: &Dir, name: &str, text: &str, mode: u32) -> io::Result<()> {
    let temporary = format!(".certus-{}", uuid::Uuid::now_v7());
    let written = write(dir, &temporary, text, mode).and_then(|()| dir.hard_link(&temporary, dir, name));
    // The link is what counts; a name that is left behind is hidden, and as private as the key.
    let _ = dir.remove_file(&temporary);
    written
}

/// Puts `text` in the place of what `name` held, whole or not at all.
pub(super) fn replace(dir: &Dir, name: &str, text: &str, mode: u32) -> io::Result<()> {
    let temporary = format!(".certus-{}", uuid::Uuid::now_v7());
    let replaced = write(dir, &temporary, text, mode).and_then(|()| dir.rename(&temporary, dir, name));
    if replaced.is_err() {
        let _ = dir.remove_file(&temporary);
    }
    // So that no crash of the machine undoes this change and keeps a later one.
    replaced.and_then(|()| dir.open(".")?.sync_all())
}

fn write(dir: &Dir, name: &str, text: &str, mode: u32) -> io::Result<()> {
    let mut file = dir.open_with(name, OpenOptions::new().write(true).create_new(true).mode(mode))?;
    // The umask may have taken bits away from the mode.
    file.set_permissions(cap_std::fs::Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn check_private(file: &File, path: &Path) -> Result<(), Error> {
    let mode = file.metadata().map_err(|cause| io_error(path, "read", cause))?.mode() & 0o7777;
    if mode & OTHERS == 0 { Ok(()) } else { Err(Error::ReadableByOthers { path: path.display().to_string(), mode }) }
}

fn read_file(file: File, path: &Path, max: u64) -> Result<Zeroizing<String>, Error> {
    let not_a_key = || Error::NotAKeyFile { path: path.display().to_string() };
    let meta = file.metadata().map_err(|cause| io_error(path, "read", cause))?;
    if !meta.is_file() || meta.len() > max {
        return Err(not_a_key());
    }
    // One allocation, so that no copy of a private key is left behind by a growing buffer.
    let mut text = Zeroizing::new(String::with_capacity(max as usize));
    match file.take(max).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(cause) if cause.kind() == io::ErrorKind::InvalidData => Err(not_a_key()),
        Err(cause) => Err(io_error(path, "read", cause)),
    }
}

pub(super) fn io_error(path: &Path, action: &'static str, cause: io::Error) -> Error {
    Error::Io { path: path.display().to_string(), action, cause }
}
