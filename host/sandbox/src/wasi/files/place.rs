//! Paths, which the kernel resolves beneath a directory, and directories.

use std::fs::File;
use std::io;

use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use wasmtime_wasi::ResourceTableError;

use super::Failure;
use super::types::{DescriptorType, DirectoryEntry, ErrorCode};

/// How often a path with `..` is tried again while something is renamed beneath it.
const TRIES: u32 = 8;

/// Opens `path` beneath `directory` to be read, through no link and on the same file system.
pub(super) fn open(directory: &File, path: &str, more: OFlags) -> io::Result<File> {
    let mut flags = more | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if !more.contains(OFlags::PATH) {
        // Opening a pipe or a device must not wait for its other end.
        flags |= OFlags::NONBLOCK | OFlags::NOCTTY;
    }
    let resolve =
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let mut tries = TRIES;
    loop {
        match openat2(directory, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) if tries > 0 => tries -= 1,
            opened => return Ok(opened?.into()),
        }
    }
}

/// The entries of `directory` in byte order of their names, but for itself and its parent.
pub(super) fn list(directory: &File, most: usize) -> Result<Vec<DirectoryEntry>, Failure> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        if entries.len() == most {
            return Err(ResourceTableError::Full.into());
        }
        let name = std::str::from_utf8(name).map_err(|_| ErrorCode::IllegalByteSequence)?;
        entries.push(DirectoryEntry { type_: kind(entry.file_type()), name: name.to_owned() });
    }
    entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// The standard's word for a type of inode.
pub(super) fn kind(kind: FileType) -> DescriptorType {
    match kind {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::Fifo => DescriptorType::Fifo,
        FileType::Socket => DescriptorType::Socket,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        FileType::Unknown => DescriptorType::Unknown,
    }
}
