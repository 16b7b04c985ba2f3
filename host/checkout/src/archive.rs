//! An archive, read entry by entry and never unpacked to disk.
//!
//! What it is, its content says, not its name. Directories and links are recorded, `.git` and what
//! lies below it is passed over as in a directory, and an archive within is a file like any other.

mod collect;
mod meter;
mod tar;
mod zip;

use std::io::{self, BufReader, Read as _, Seek, SeekFrom};

use cap_std::fs::{File, FileExt as _, MetadataExt as _};
use certus_model::Sha256;
use certus_model::limits::WorkspaceLimits;
use sha2::Digest as _;

use crate::error::{Error, shown};
use crate::place::Place;
use crate::seal::{SealedWorkspace, Sealer};
use collect::Collector;
use meter::Meter;

/// The forms that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Tar,
    Gzip,
    Bzip2,
    Zstd,
    Zip,
}

/// A tar header, the largest piece that a format is recognised by.
const BLOCK: usize = 512;

/// Seals the archive at `place`; returns the SHA-256 of the file too.
pub(crate) fn read(place: &Place, sealer: Sealer<'_>) -> Result<(SealedWorkspace, Sha256), Error> {
    let limits = sealer.limits();
    let opened = place.open();
    let place = place.path().to_string_lossy();
    let unreadable = |cause| Error::unreadable(&place, cause);
    let file = opened.map_err(unreadable)?;
    let before = state(&file).map_err(unreadable)?;
    if before.0 > limits.total {
        let excess = format!("an archive of more than {} bytes", limits.total);
        return Err(Error::FileBudget { path: shown(&place), excess });
    }
    let digest = digest(&file).map_err(unreadable)?;
    let mut collector = Collector::new(sealer);
    let source = Archive { file: &file, size: before.0, place: &place, limits };
    match format(&file).map_err(unreadable)? {
        Some(Format::Zip) => zip::read(&source, &mut collector)?,
        Some(format) => tar::read(&source, format, &mut collector)?,
        None => {
            return Err(Error::BadSource {
                given: shown(&place),
                problem: "is no archive of a known form".to_owned(),
                remedy: "give tar, tar.gz, tar.bz2, tar.zst or zip, or a directory",
            });
        }
    }
    let workspace = collector.seal(&place)?;
    if state(&file).map_err(unreadable)? != before {
        return Err(unreadable(io::Error::other("it was written to while it was read")));
    }
    Ok((workspace, digest))
}

/// One open archive.
struct Archive<'a> {
    file: &'a File,
    size: u64,
    place: &'a str,
    limits: &'a WorkspaceLimits,
}

impl Archive<'_> {
    /// The archive's bytes from the start.
    fn bytes(&self) -> At<'_> {
        At { file: self.file, size: self.size, position: 0 }
    }

    fn meter(&self) -> Meter {
        Meter::new(self.limits)
    }

    /// What a failure to read means: a limit that struck, the disk, or the archive itself.
    fn failure(&self, cause: &io::Error, meter: &Meter) -> Error {
        match meter.struck() {
            Some(struck) => struck.error(self.place, self.limits),
            None if cause.raw_os_error().is_some() => Error::unreadable(self.place, io::Error::from(cause.kind())),
            None => self.damaged(&cause.to_string()),
        }
    }

    fn damaged(&self, cause: &str) -> Error {
        Error::malformed(
            self.place,
            format!("the archive is damaged or cut short ({}); fetch or pack it again", shown(cause)),
        )
    }
}

/// A place in a file, independent of the file's own and of any other.
#[derive(Clone)]
struct At<'a> {
    file: &'a File,
    size: u64,
    position: u64,
}

impl io::Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for At<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// Size and times, to notice that somebody writes to the file.
fn state(file: &File) -> io::Result<(u64, i64, i64, i64, i64)> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok((metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()))
}

fn digest(file: &File) -> io::Result<Sha256> {
    let size = file.metadata()?.len();
    let mut reader = At { file, size, position: 0 };
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 128 << 10];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(Sha256::from_bytes(hasher.finalize().into())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Recognises a form by its first bytes.
fn format(file: &File) -> io::Result<Option<Format>> {
    let mut head = Vec::new();
    let size = file.metadata()?.len();
    BufReader::new(At { file, size, position: 0 }).take(BLOCK as u64).read_to_end(&mut head)?;
    Ok(match head.as_slice() {
        [0x1f, 0x8b, ..] => Some(Format::Gzip),
        [b'B', b'Z', b'h', ..] => Some(Format::Bzip2),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Format::Zstd),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Format::Zip),
        head if head.len() == BLOCK && is_tar_header(head) => Some(Format::Tar),
        _ => None,
    })
}

/// Whether the checksum is right, which every age of tar has; an empty tar begins with zeros.
fn is_tar_header(block: &[u8]) -> bool {
    let sum: u64 =
        block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum();
    let digits: String = block[148..156].iter().filter(|b| b.is_ascii_digit()).map(|b| char::from(*b)).collect();
    block.iter().all(|byte| *byte == 0) || u64::from_str_radix(&digits, 8) == Ok(sum)
}

#[cfg(test)]
mod tests;
