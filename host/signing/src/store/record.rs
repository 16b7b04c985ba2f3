//! `validity.json`: when the keys of a folder count, by key id. Keys whose private half is elsewhere may be in it too.

use std::collections::BTreeMap;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use certus_model::Sha256;

use crate::Error;
use crate::key::validity::Validity;

use super::files;

pub(super) const FILE: &str = "validity.json";
/// An entry has about 200 bytes, so there is room for some 5,000 keys.
const MAX_RECORD: u64 = 1 << 20;

#[derive(Default)]
pub(super) struct Record(BTreeMap<Sha256, Validity>);

/// What a folder says of a key; without end where it says nothing.
pub(crate) fn validity_in(folder: &Path, id: &Sha256) -> Result<Validity, Error> {
    let dir =
        Dir::open_ambient_dir(folder, ambient_authority()).map_err(|cause| files::io_error(folder, "read", cause))?;
    Record::read(&dir, &folder.join(FILE)).map(|record| record.validity(id))
}

impl Record {
    /// Reads the record; an empty one when there is none.
    pub(super) fn read(dir: &Dir, path: &Path) -> Result<Self, Error> {
        let Some(text) = files::read_up_to(dir, FILE, path, MAX_RECORD)? else { return Ok(Self::default()) };
        serde_json::from_str(&text)
            .map(Self)
            .map_err(|cause| Error::MalformedRecord { path: path.display().to_string(), cause })
    }

    /// Puts it in the place of the one before.
    pub(super) fn write(&self, dir: &Dir, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(&self.0)
            .map_err(|cause| Error::MalformedRecord { path: path.display().to_string(), cause })?;
        if text.len() as u64 >= MAX_RECORD {
            return Err(Error::TooManyKeys(path.display().to_string()));
        }
        files::replace(dir, FILE, &(text + "\n"), 0o644).map_err(|cause| files::io_error(path, "written", cause))
    }

    pub(super) fn validity(&self, id: &Sha256) -> Validity {
        self.0.get(id).cloned().unwrap_or_default()
    }

    pub(super) fn set(&mut self, id: Sha256, validity: Validity) {
        self.0.insert(id, validity);
    }
}
