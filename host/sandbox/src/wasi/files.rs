//! The file system of a WASI guest: a folder that the host has laid out, at `/`, to be read.
//!
//! This is not wasmtime-wasi's file system, for three reasons. There is no code in here that writes, so
//! nothing can be talked into it. Every path is resolved by the kernel beneath the root and through no
//! link, whatever happens to the folder meanwhile. And a guest sees content, names and sizes alone:
//! times, link counts and inode numbers differ between two runs and two machines, as does the order of
//! a directory, and none of them may shape an answer.

mod failure;
mod place;
mod reader;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FileType, OFlags, Stat};
use rustix::io::Errno;
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::ResourceTable;
use wasmtime_wasi::p2::bindings::io::error::Error as IoError;
use wasmtime_wasi::p2::bindings::io::streams::{InputStream, OutputStream};

use self::failure::{Failure, code};
use self::generated::wasi::filesystem::{preopens, types};
use self::reader::Reader;
use self::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode, Filesize, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};
use crate::error::Error;
use crate::state::State;

mod generated {
    wasmtime::component::bindgen!({
        path: "wit/filesystem",
        world: "wasi:filesystem/files",
        imports: { default: trappable },
        require_store_data_send: true,
        trappable_error_type: { "wasi:filesystem/types.error-code" => super::Failure },
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:filesystem/types.descriptor": super::Descriptor,
            "wasi:filesystem/types.directory-entry-stream": super::Listing,
        },
    });
}

/// What one guest has of the file system.
#[derive(Default)]
pub(crate) struct Files {
    root: Option<Arc<File>>,
    /// Device and inode of what the guest has asked the identity of, numbered in that order.
    identities: BTreeMap<(u64, u64), u64>,
    /// Entries that may be in open listings, less those that are.
    listable: usize,
}

impl Files {
    /// The folder `root`; all open listings together may hold `listed` entries.
    pub(crate) fn open(root: &Path, listed: usize) -> Result<Self, Error> {
        let open = || {
            let root = File::open(root)?;
            place::open(&root, ".", OFlags::DIRECTORY)?;
            Ok(root)
        };
        let root = open().map_err(|source| Error::Root { path: root.display().to_string(), source })?;
        Ok(Self { root: Some(Arc::new(root)), identities: BTreeMap::new(), listable: listed })
    }
}

/// Links `wasi:filesystem`.
pub(super) fn link(linker: &mut Linker<State>, view: fn(&mut State) -> FilesView<'_>) -> Result<()> {
    types::add_to_linker::<State, FilesView<'static>>(linker, view)?;
    preopens::add_to_linker::<State, FilesView<'static>>(linker, view)
}

/// The files with the table that holds the guest's handles.
pub(super) struct FilesView<'a> {
    pub(super) files: &'a mut Files,
    pub(super) table: &'a mut ResourceTable,
}

impl HasData for FilesView<'static> {
    type Data<'a> = FilesView<'a>;
}

/// An open file or directory.
#[expect(unreachable_pub, reason = "the bindings export it again")]
pub struct Descriptor {
    file: Arc<File>,
    is_directory: bool,
}

impl Descriptor {
    fn file(&self) -> Result<&Arc<File>, Failure> {
        if self.is_directory { Err(ErrorCode::IsDirectory.into()) } else { Ok(&self.file) }
    }

    fn directory(&self) -> Result<&Arc<File>, Failure> {
        if self.is_directory { Ok(&self.file) } else { Err(ErrorCode::NotDirectory.into()) }
    }
}

/// The entries of a directory, in byte order of their names.
#[expect(unreachable_pub, reason = "the bindings export it again")]
pub struct Listing {
    entries: std::vec::IntoIter<DirectoryEntry>,
    /// What it takes of [`Files::listable`].
    count: usize,
}

/// What each function says that would change something.
const READ_ONLY: Failure = Failure::Code(ErrorCode::NotPermitted);

impl preopens::Host for FilesView<'_> {
    fn get_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        let Some(root) = &self.files.root else { return Ok(Vec::new()) };
        let root = Descriptor { file: root.clone(), is_directory: true };
        Ok(vec![(self.table.push(root)?, "/".to_owned())])
    }
}

impl types::Host for FilesView<'_> {
    fn convert_error_code(&mut self, failure: Failure) -> Result<ErrorCode> {
        match failure {
            Failure::Code(code) => Ok(code),
            Failure::Trap(error) => Err(error),
        }
    }

    fn filesystem_error_code(&mut self, error: Resource<IoError>) -> Result<Option<ErrorCode>> {
        let error = self.table.get(&error)?.downcast_ref::<std::io::Error>();
        Ok(error.map(|error| Errno::from_io_error(error).map_or(ErrorCode::Io, code)))
    }
}

impl FilesView<'_> {
    /// What stands at `path` below a directory, looked at but not opened.
    fn look(&self, directory: &Resource<Descriptor>, path: &str) -> Result<Stat, Failure> {
        let place = place::open(self.table.get(directory)?.directory()?, path, OFlags::PATH)?;
        Ok(rustix::fs::fstat(place)?)
    }

    fn identity(&mut self, stat: &Stat) -> MetadataHashValue {
        let next = self.files.identities.len() as u64;
        let lower = *self.files.identities.entry((stat.st_dev, stat.st_ino)).or_insert(next);
        MetadataHashValue { lower, upper: 0 }
    }
}

impl types::HostDescriptor for FilesView<'_> {
    fn read_via_stream(
        &mut self,
        it: Resource<Descriptor>,
        offset: Filesize,
    ) -> Result<Resource<InputStream>, Failure> {
        let reader = Reader::new(self.table.get(&it)?.file()?.clone(), offset);
        Ok(self.table.push(Box::new(reader) as InputStream)?)
    }

    fn read(&mut self, it: Resource<Descriptor>, length: u64, offset: u64) -> Result<(Vec<u8>, bool), Failure> {
        let content = reader::read(self.table.get(&it)?.file()?, length, offset)?;
        let is_end = content.is_empty();
        Ok((content, is_end))
    }

    fn read_directory(&mut self, it: Resource<Descriptor>) -> Result<Resource<Listing>, Failure> {
        let entries = place::list(self.table.get(&it)?.directory()?, self.files.listable)?;
        let count = entries.len();
        let listing = self.table.push(Listing { entries: entries.into_iter(), count })?;
        self.files.listable -= count;
        Ok(listing)
    }

    fn open_at(
        &mut self,
        it: Resource<Descriptor>,
        _links: PathFlags,
        path: String,
        how: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Resource<Descriptor>, Failure> {
        let directory = self.table.get(&it)?.directory()?;
        if how.intersects(OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE)
            || flags.contains(DescriptorFlags::WRITE)
        {
            return Err(READ_ONLY);
        }
        let only = if how.contains(OpenFlags::DIRECTORY) { OFlags::DIRECTORY } else { OFlags::empty() };
        let file = place::open(directory, &path, only)?;
        let is_directory = match FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) {
            FileType::Directory => true,
            FileType::RegularFile => false,
            // Reading it could block this thread for ever.
            _ => return Err(ErrorCode::NotPermitted.into()),
        };
        Ok(self.table.push(Descriptor { file: Arc::new(file), is_directory })?)
    }

    fn get_flags(&mut self, it: Resource<Descriptor>) -> Result<DescriptorFlags, Failure> {
        self.table.get(&it)?;
        Ok(DescriptorFlags::READ)
    }

    fn get_type(&mut self, it: Resource<Descriptor>) -> Result<DescriptorType, Failure> {
        let is_directory = self.table.get(&it)?.is_directory;
        Ok(if is_directory { DescriptorType::Directory } else { DescriptorType::RegularFile })
    }

    fn stat(&mut self, it: Resource<Descriptor>) -> Result<DescriptorStat, Failure> {
        Ok(shown(&rustix::fs::fstat(&*self.table.get(&it)?.file)?))
    }

    fn stat_at(&mut self, it: Resource<Descriptor>, _: PathFlags, path: String) -> Result<DescriptorStat, Failure> {
        Ok(shown(&self.look(&it, &path)?))
    }

    fn is_same_object(&mut self, it: Resource<Descriptor>, other: Resource<Descriptor>) -> Result<bool> {
        let place = |it: Resource<Descriptor>| -> Result<_> {
            let stat = rustix::fs::fstat(&*self.table.get(&it)?.file)?;
            Ok((stat.st_dev, stat.st_ino))
        };
        Ok(place(it)? == place(other)?)
    }

    fn metadata_hash(&mut self, it: Resource<Descriptor>) -> Result<MetadataHashValue, Failure> {
        let stat = rustix::fs::fstat(&*self.table.get(&it)?.file)?;
        Ok(self.identity(&stat))
    }

    fn metadata_hash_at(
        &mut self,
        it: Resource<Descriptor>,
        _: PathFlags,
        path: String,
    ) -> Result<MetadataHashValue, Failure> {
        let stat = self.look(&it, &path)?;
        Ok(self.identity(&stat))
    }

    fn readlink_at(&mut self, it: Resource<Descriptor>, path: String) -> Result<String, Failure> {
        self.look(&it, &path)?;
        // Nothing that the host lays out is a link, and where one leads is nobody's business.
        Err(ErrorCode::Invalid.into())
    }

    fn advise(&mut self, it: Resource<Descriptor>, _: u64, _: u64, _: Advice) -> Result<(), Failure> {
        self.table.get(&it)?.file().map(drop)
    }

    fn sync(&mut self, it: Resource<Descriptor>) -> Result<(), Failure> {
        Ok(self.table.get(&it).map(drop)?)
    }

    fn sync_data(&mut self, it: Resource<Descriptor>) -> Result<(), Failure> {
        Ok(self.table.get(&it).map(drop)?)
    }

    fn write(&mut self, _: Resource<Descriptor>, _: Vec<u8>, _: u64) -> Result<u64, Failure> {
        Err(READ_ONLY)
    }

    fn write_via_stream(&mut self, _: Resource<Descriptor>, _: u64) -> Result<Resource<OutputStream>, Failure> {
        Err(READ_ONLY)
    }

    fn append_via_stream(&mut self, _: Resource<Descriptor>) -> Result<Resource<OutputStream>, Failure> {
        Err(READ_ONLY)
    }

    fn set_size(&mut self, _: Resource<Descriptor>, _: u64) -> Result<(), Failure> {
        Err(READ_ONLY)
    }

    fn set_times(&mut self, _: Resource<Descriptor>, _: NewTimestamp, _: NewTimestamp) -> Result<(), Failure> {
        Err(READ_ONLY)
    }

    fn set_times_at(
        &mut self,
        _: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: NewTimestamp,
        _: NewTimestamp,
    ) -> Result<(), Failure> {
        Err(READ_ONLY)
    }

    fn create_directory_at(&mut self, _: Resource<Descriptor>, _: String) -> Result<(), Failure> {
        Err(READ_ONLY)
    }

    fn link_at(
        &mut self,
        _: Resource<Descriptor>,
        _: PathFlags,
        _: String,
        _: Resource<Descriptor>,
        _: String,
    ) -> Result<(), Failure> {
        Err(READ_ONLY)
    }

    fn remove_directory_at(&mut self, _: Resource<Descriptor>, _: String) -> Result<(), Failure> {
        Err(READ_ONLY)
    }

    fn rename_at(
        &mut self,
        _: Resource<Descriptor>,
        _: String,
        _: Resource<Descriptor>,
        _: String,
    ) -> Result<(), Failure> {
        Err(READ_ONLY)
    }

    fn symlink_at(&mut self, _: Resource<Descriptor>, _: String, _: String) -> Result<(), Failure> {
        Err(READ_ONLY)
    }

    fn unlink_file_at(&mut self, _: Resource<Descriptor>, _: String) -> Result<(), Failure> {
        Err(READ_ONLY)
    }

    fn drop(&mut self, it: Resource<Descriptor>) -> Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}

impl types::HostDirectoryEntryStream for FilesView<'_> {
    fn read_directory_entry(&mut self, it: Resource<Listing>) -> Result<Option<DirectoryEntry>, Failure> {
        Ok(self.table.get_mut(&it)?.entries.next())
    }

    fn drop(&mut self, it: Resource<Listing>) -> Result<()> {
        self.files.listable += self.table.delete(it)?.count;
        Ok(())
    }
}

/// What a guest sees of an inode: no times and no counts of links, and a size where it is content's.
fn shown(stat: &Stat) -> DescriptorStat {
    let type_ = place::kind(FileType::from_raw_mode(stat.st_mode));
    let size = if type_ == DescriptorType::RegularFile { u64::try_from(stat.st_size).unwrap_or(0) } else { 0 };
    DescriptorStat {
        type_,
        link_count: 1,
        size,
        data_access_timestamp: None,
        data_modification_timestamp: None,
        status_change_timestamp: None,
    }
}
