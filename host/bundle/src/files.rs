//! The content of a bundle before it is written.

use std::collections::BTreeMap;

use crate::Error;
use crate::name::FileName;
use certus_model::document::ATTESTATION;

/// The files of a bundle to be, in memory. None is empty: a file that would be is absent.
#[derive(Clone, Debug, Default)]
pub struct BundleFiles {
    files: BTreeMap<FileName, Vec<u8>>,
}

impl BundleFiles {
    /// Adds a file.
    ///
    /// # Errors
    /// An empty file, or one that is there already.
    pub fn insert(&mut self, name: FileName, bytes: Vec<u8>) -> Result<(), Error> {
        if bytes.is_empty() {
            return Err(Error::EmptyFile(name));
        }
        match self.files.insert(name, bytes) {
            None => Ok(()),
            Some(_) => Err(Error::FileTwice(name)),
        }
    }

    /// The bytes of a file.
    pub fn get(&self, name: FileName) -> Option<&[u8]> {
        self.files.get(&name).map(Vec::as_slice)
    }

    /// All files.
    pub fn iter(&self) -> impl Iterator<Item = (FileName, &[u8])> {
        self.files.iter().map(|(name, bytes)| (*name, bytes.as_slice()))
    }

    /// The `artifacts` map of `scan.json` and the API: key to path, for the files that are here and for
    /// the attestation, which every bundle has. Take it when everything but `scan.json` is in.
    pub fn artifacts(&self) -> BTreeMap<&'static str, &'static str> {
        let files = self.files.keys().filter_map(|name| Some((name.artifact_key()?, name.path())));
        files.chain([("attestation", ATTESTATION)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_there_once_and_not_empty() {
        let mut files = BundleFiles::default();
        files.insert(FileName::Sarif, b"{}".to_vec()).unwrap();
        assert!(matches!(files.insert(FileName::Sarif, b"{}".to_vec()), Err(Error::FileTwice(FileName::Sarif))));
        assert!(matches!(files.insert(FileName::Scan, Vec::new()), Err(Error::EmptyFile(FileName::Scan))));
        let artifacts = files.artifacts();
        assert_eq!(artifacts["sarif"], "reports/sast/findings.sarif.json");
        assert_eq!(artifacts.keys().copied().collect::<Vec<_>>(), ["attestation", "sarif"]);
    }
}
