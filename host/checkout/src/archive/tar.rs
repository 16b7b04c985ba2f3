//! tar, plain or compressed.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use certus_model::workspace::EntryKind;
use tar::{Entry, EntryType};

use super::collect::{Collector, Name};
use super::meter::{Consumed, Meter, Produced};
use super::{Archive, Format};
use crate::error::{Error, shown};

/// A tar ends with two blocks of zeros; one is enough to tell an end from a cut.
const END: u64 = super::BLOCK as u64;

/// Adds all entries of the archive.
pub(super) fn read(archive: &Archive<'_>, format: Format, collector: &mut Collector<'_>) -> Result<(), Error> {
    let meter = archive.meter();
    let zeros = Rc::new(Cell::new(0));
    let failure = |cause: io::Error| archive.failure(&cause, &meter);
    let plain = plain(archive, format, &meter).map_err(failure)?;
    let mut tar = tar::Archive::new(Produced { inner: plain, meter: meter.clone(), zeros: Rc::clone(&zeros) });
    let mut entries = tar.entries().map_err(failure)?;
    loop {
        meter.between_entries();
        let Some(entry) = entries.next() else { break };
        meter.within_entry();
        let mut entry = entry.map_err(failure)?;
        add(&mut entry, archive, &meter, collector)?;
        // What an entry holds beyond its content counts as content, not as headers.
        io::copy(&mut entry, &mut io::sink()).map_err(failure)?;
    }
    meter.within_entry();
    let at_end = zeros.get();
    let mut rest = tar.into_inner();
    let drained = io::copy(&mut rest, &mut io::sink()).map_err(failure)?;
    if zeros.get() < END || zeros.get() < at_end.saturating_add(drained) {
        return Err(archive.damaged("it does not end with zeros"));
    }
    Ok(())
}

/// The archive's bytes without their compression.
fn plain<'a>(archive: &'a Archive<'_>, format: Format, meter: &Meter) -> io::Result<Box<dyn Read + 'a>> {
    let raw = Consumed { inner: BufReader::with_capacity(64 << 10, archive.bytes()), meter: meter.clone() };
    Ok(match format {
        Format::Gzip => Box::new(flate2::read::MultiGzDecoder::new(raw)),
        Format::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(raw)),
        Format::Zstd => Box::new(zstd::stream::read::Decoder::new(raw)?),
        Format::Tar | Format::Zip => Box::new(raw),
    })
}

/// Adds one entry.
fn add<R: Read>(
    entry: &mut Entry<'_, R>,
    archive: &Archive<'_>,
    meter: &Meter,
    collector: &mut Collector<'_>,
) -> Result<(), Error> {
    let failure = |cause: io::Error| archive.failure(&cause, meter);
    let kind = entry.header().entry_type();
    if kind.is_pax_global_extensions() {
        return Ok(());
    }
    let raw = entry.path_bytes().into_owned();
    let Name::Path(name) = Name::parse(&raw)? else { return Ok(()) };
    let refuse = |problem: &str| Err(Error::malformed(&shown(&String::from_utf8_lossy(&raw)), problem));
    match kind {
        EntryType::Directory => collector.directory(&name),
        // Before 1988 a slash was all that told a directory.
        EntryType::Regular if raw.ends_with(b"/") => collector.directory(&name),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            if is_sparse_in_pax(entry).map_err(failure)? {
                return refuse("it is sparse in a form that is not understood; pack the archive without sparse files");
            }
            let mode = entry.header().mode().map_err(failure)?;
            let size = entry.size();
            // The holes of a sparse file never come out of the decompressor, so they are counted here.
            if kind.is_gnu_sparse() {
                meter.produce(size).map_err(failure)?;
            }
            let kind = if mode & 0o100 == 0 { EntryKind::File } else { EntryKind::Executable };
            collector.add(&name, kind, size, entry, failure)
        }
        EntryType::Symlink => match entry.link_name_bytes() {
            Some(target) => collector.add(&name, EntryKind::Symlink, target.len() as u64, &*target, failure),
            None => refuse("the link has no target; pack the archive again"),
        },
        EntryType::Link => match entry.link_name_bytes().map(|target| Name::parse(&target)).transpose()? {
            Some(Name::Path(target)) => collector.hard_link(&name, &target),
            _ => refuse("the hard link leads to no file of the archive; pack the archive again"),
        },
        EntryType::Char | EntryType::Block | EntryType::Fifo => {
            refuse("it is a device or a pipe, which no source holds; pack the archive without it")
        }
        _ => refuse("it is of a kind that is not understood; pack the archive again with a usual tar"),
    }
}

/// Whether the entry's content is a sparse file in one of the forms that PAX headers describe.
fn is_sparse_in_pax<R: Read>(entry: &mut Entry<'_, R>) -> io::Result<bool> {
    let Some(extensions) = entry.pax_extensions()? else { return Ok(false) };
    for extension in extensions {
        if extension?.key_bytes().starts_with(b"GNU.sparse.") {
            return Ok(true);
        }
    }
    Ok(false)
}
