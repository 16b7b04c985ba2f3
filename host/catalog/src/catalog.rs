//! The plugins that are installed: a folder of components, and files that were named.

use std::path::{Path, PathBuf};

use certus_model::limits::AdmissionLimits;
use certus_sandbox::{Admission, Passport};

use crate::error::Error;

/// One plugin file, read once: these bytes are inspected, admitted and run.
#[derive(Debug)]
pub struct Entry {
    /// The file.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What they say of themselves.
    pub passport: Passport,
    /// Whether it was named for this scan, rather than found in the folder.
    pub named: bool,
}

/// The plugins that can be selected from.
#[derive(Debug)]
pub struct Catalog {
    folder: PathBuf,
    entries: Vec<Entry>,
}

impl Catalog {
    /// Reads every `*.wasm` of `folder`, which need not exist, and the `named` files. A named plugin
    /// takes the place of one of the same id in the folder.
    ///
    /// # Errors
    /// A file that cannot be read or is no plugin, and two files of one id.
    pub fn open(folder: &Path, named: &[PathBuf], admission: &Admission) -> Result<Self, Error> {
        let mut entries: Vec<Entry> = Vec::new();
        for (path, is_named) in
            named.iter().map(|p| (p.clone(), true)).chain(installed(folder)?.into_iter().map(|p| (p, false)))
        {
            let bytes = read(&path, admission.limits())?;
            let passport = admission.inspect(&bytes).map_err(|error| Error::admission(&path, error))?;
            let id = &passport.manifest.plugin.id;
            match entries.iter().find(|entry| entry.passport.manifest.plugin.id == *id) {
                None => entries.push(Entry { path, bytes, passport, named: is_named }),
                Some(other) if other.named && !is_named => {}
                Some(other) => {
                    return Err(Error::Twice { id: id.to_string(), first: other.path.clone(), second: path });
                }
            }
        }
        entries.sort_by(|a, b| a.passport.manifest.plugin.id.cmp(&b.passport.manifest.plugin.id));
        Ok(Self { folder: folder.to_owned(), entries })
    }

    /// All plugins, sorted by id.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where installed plugins are looked for.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The plugin of that id or short name.
    ///
    /// # Errors
    /// No such plugin.
    pub fn plugin(&self, name: &str) -> Result<&Entry, Error> {
        let absent = || Error::Absent { plugin: name.to_owned(), folder: self.folder.clone() };
        self.find(name).map(|at| &self.entries[at]).ok_or_else(absent)
    }

    /// The plugin of that id or short name, by its place.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| {
            let id = &entry.passport.manifest.plugin.id;
            id.as_str().eq_ignore_ascii_case(name) || id.short_name().eq_ignore_ascii_case(name)
        })
    }
}

/// The plugin files of a folder, sorted; none if there is no such folder.
fn installed(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for item in listing {
        let path = item.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads a plugin file, but no more of it than may be admitted: one byte too many is enough to refuse.
fn read(path: &Path, limits: &AdmissionLimits) -> Result<Vec<u8>, Error> {
    use std::io::Read as _;
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limits.component.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
