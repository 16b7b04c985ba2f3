//! zip, read by its central directory, all entries' own headers compared with it.

use std::cell::Cell;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;

use certus_model::workspace::EntryKind;
use zip::ZipArchive;
use zip::result::ZipError;

use super::collect::{Collector, Name};
use super::meter::Struck;
use super::{Archive, At};
use crate::error::{Error, shown};

/// The bits of a Unix mode that say what an entry is.
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// Bytes of the central directory per entry of the tree budget: twice what a usual path takes. The whole
/// directory is held in memory, so it is bounded before it is read.
const DIRECTORY_ENTRY: u64 = 192;
/// What else is read to find it.
const FREE: u64 = 1 << 20;

/// Adds all entries of the archive.
pub(super) fn read(archive: &Archive<'_>, collector: &mut Collector<'_>) -> Result<(), Error> {
    let damaged = |error: ZipError| match error {
        ZipError::Io(cause) if cause.raw_os_error().is_some() => Error::unreadable(archive.place, cause),
        error => archive.damaged(&error.to_string()),
    };
    let meter = archive.meter();
    let directory = archive.limits.entries.saturating_mul(DIRECTORY_ENTRY).saturating_add(FREE);
    let left = Rc::new(Cell::new(directory));
    let bytes = Bounded { bytes: archive.bytes(), left: Rc::clone(&left) };
    let mut zip = match ZipArchive::new(BufReader::new(bytes)) {
        Err(_) if left.get() == 0 => return Err(Struck::Headers(directory).error(archive.place, archive.limits)),
        opened => opened.map_err(damaged)?,
    };
    left.set(u64::MAX);
    // Each entry's own header says what the directory says, no name comes twice, none shares its bytes with
    // another (each would count them as consumed, and the ratio would mean nothing), and there is none that
    // the directory passes over, where other tools would find what no scanner saw.
    zip.validate_header_consistency().map_err(damaged)?;
    for index in 0..zip.len() {
        let entry = zip.by_index_data(index).map_err(damaged)?;
        let raw = entry.name_raw().to_vec();
        let Name::Path(name) = Name::parse(&raw)? else { continue };
        let refuse = |problem: &str| Err(Error::malformed(&shown(&String::from_utf8_lossy(&raw)), problem));
        if entry.encrypted() {
            return refuse("it is encrypted; pack the archive without a password");
        }
        let mode = entry.unix_mode().unwrap_or(REGULAR);
        let kind = match mode & TYPE {
            DIRECTORY => None,
            _ if raw.ends_with(b"/") => None,
            LINK => Some(EntryKind::Symlink),
            REGULAR | 0 if mode & 0o100 == 0 => Some(EntryKind::File),
            REGULAR | 0 => Some(EntryKind::Executable),
            _ => return refuse("it is a device or a pipe, which no source holds; pack the archive without it"),
        };
        let Some(kind) = kind else {
            collector.directory(&name)?;
            continue;
        };
        let size = entry.size();
        meter.consume(entry.compressed_size());
        if meter.produce(size).is_err() {
            return Err(meter.struck().unwrap_or(Struck::Ratio).error(archive.place, archive.limits));
        }
        drop(entry);
        let content = match zip.by_index(index) {
            Ok(content) => content,
            Err(ZipError::UnsupportedArchive(_)) => {
                return refuse("it is compressed in a way that is not understood; pack it with deflate");
            }
            Err(error) => return Err(damaged(error)),
        };
        collector.add(&name, kind, size, content, |cause| archive.failure(&cause, &meter))?;
    }
    Ok(())
}

/// The archive's bytes, of which only so many may be read.
struct Bounded<'a> {
    bytes: At<'a>,
    left: Rc<Cell<u64>>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(count as u64));
        if self.left.get() == 0 { Err(io::Error::other("a limit was reached")) } else { Ok(count) }
    }
}

impl Seek for Bounded<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}
