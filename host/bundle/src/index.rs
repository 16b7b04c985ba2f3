//! `index.json`: every file of a bundle with its size and digest.

use certus_model::document::INDEX;
use certus_model::{Sha256, canonical_json};
use serde::{Deserialize, Serialize};

use crate::name::{FileName, Group};
use crate::refusal::{Problem, Refusal};
use crate::{BundleFiles, Error};

/// The format's name and version. A reader refuses any other.
pub const FORMAT: &str = "certus-bundle/1";

/// The list of files, in two groups, each sorted by path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    format: String,
    result: ResultGroup,
    run: RunGroup,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultGroup {
    /// SHA-256 of the canonical JSON of `files`.
    digest: Sha256,
    files: Vec<FileEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunGroup {
    files: Vec<FileEntry>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Which.
    pub path: FileName,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size: u64,
}

impl Index {
    /// The index of `files`.
    ///
    /// # Errors
    /// None that these types can cause; the serialiser's own is passed on.
    pub fn of(files: &BundleFiles) -> Result<Self, Error> {
        let group = |group| {
            let of_group = files.iter().filter(|(name, _)| name.group() == group);
            let mut entries: Vec<_> = of_group
                .map(|(path, bytes)| FileEntry { path, sha256: Sha256::of(bytes), size: bytes.len() as u64 })
                .collect();
            entries.sort_by_key(|entry| entry.path.path());
            entries
        };
        let (result, run) = (group(Group::Result), group(Group::Run));
        let digest = digest_of(&result).map_err(Error::Json)?;
        Ok(Self {
            format: FORMAT.to_owned(),
            result: ResultGroup { digest, files: result },
            run: RunGroup { files: run },
        })
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// None that these types can cause; the serialiser's own is passed on.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        canonical_json(self).map_err(Error::Json)
    }

    /// Reads an index, which must be byte for byte its own canonical form.
    ///
    /// # Errors
    /// Another format, unknown fields or names, files that are not sorted, unique and in their group,
    /// a digest of the result that is not that of its files.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let refuse = |problem| Refusal::new(INDEX, problem);
        let index: Self =
            serde_json::from_slice(bytes).map_err(|cause| refuse(Problem::Malformed(cause.to_string())))?;
        if index.format != FORMAT {
            let found = certus_model::escape::one_line(&index.format, 100);
            return Err(refuse(Problem::Malformed(format!("its format is `{found}`, not `{FORMAT}`"))));
        }
        if canonical_json(&index).map_or(true, |canonical| canonical != bytes) {
            return Err(refuse(Problem::NotCanonical));
        }
        for (group, files) in [(Group::Result, &index.result.files), (Group::Run, &index.run.files)] {
            if !files.is_sorted_by(|a, b| a.path.path() < b.path.path()) {
                return Err(refuse(Problem::Malformed("its files are not sorted and unique".to_owned())));
            }
            if let Some(entry) = files.iter().find(|entry| entry.path.group() != group) {
                return Err(refuse(Problem::Malformed(format!("`{}` stands in the wrong group", entry.path))));
            }
            if let Some(entry) = files.iter().find(|entry| entry.size == 0) {
                return Err(refuse(Problem::Malformed(format!("it lists `{}`, which is empty", entry.path))));
            }
        }
        if let Some(missing) = FileName::ALWAYS.into_iter().find(|name| index.get(*name).is_none()) {
            return Err(refuse(Problem::Malformed(format!("it does not list `{missing}`, which every bundle has"))));
        }
        if digest_of(&index.result.files).ok() != Some(index.result.digest) {
            return Err(refuse(Problem::Malformed(
                "its result.digest is not the digest of its result files".to_owned(),
            )));
        }
        Ok(index)
    }

    /// What determinism, replay and caches compare: the digest over the `result` group.
    pub fn result_digest(&self) -> Sha256 {
        self.result.digest
    }

    /// Every file of both groups.
    pub fn files(&self) -> impl Iterator<Item = &FileEntry> {
        self.result.files.iter().chain(&self.run.files)
    }

    /// The entry of a file.
    pub fn get(&self, name: FileName) -> Option<&FileEntry> {
        self.files().find(|entry| entry.path == name)
    }
}

fn digest_of(files: &[FileEntry]) -> Result<Sha256, serde_json::Error> {
    Ok(Sha256::of(&canonical_json(&files)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index {
        let mut files = BundleFiles::default();
        for name in FileName::ALL {
            files.insert(name, name.path().as_bytes().to_vec()).unwrap();
        }
        Index::of(&files).unwrap()
    }

    /// `index` with `edit` made and the digest computed anew, as its maker would.
    fn edited(edit: impl FnOnce(&mut Index)) -> Vec<u8> {
        let mut index = index();
        edit(&mut index);
        index.result.digest = digest_of(&index.result.files).unwrap();
        index.to_bytes().unwrap()
    }

    #[test]
    fn round_trip() {
        let again = Index::parse(&index().to_bytes().unwrap()).unwrap();
        assert_eq!((&again, again.files().count()), (&index(), 13));
    }

    #[test]
    fn the_result_digest_covers_the_result_group_alone() {
        let mut files = BundleFiles::default();
        files.insert(FileName::Findings, b"{}".to_vec()).unwrap();
        let without = Index::of(&files).unwrap();
        files.insert(FileName::Scan, b"{}".to_vec()).unwrap();
        assert_eq!(Index::of(&files).unwrap().result_digest(), without.result_digest());
        files.insert(FileName::Coverage, b"{}".to_vec()).unwrap();
        assert_ne!(Index::of(&files).unwrap().result_digest(), without.result_digest());
    }

    #[test]
    fn other_indexes_are_refused() {
        let text = String::from_utf8(index().to_bytes().unwrap()).unwrap();
        let table = [
            ("white space", text.replacen(',', ", ", 1).into_bytes(), "canonical"),
            ("unknown field", text.replacen('{', "{\"a\":1,", 1).into_bytes(), "unknown field"),
            ("unknown name", text.replacen("coverage.json", "coverage.jsom", 1).into_bytes(), "coverage.jsom"),
            ("traversal", text.replacen("coverage.json", "../x", 1).into_bytes(), "../x"),
            ("format", edited(|index| index.format = "certus-bundle/2".into()), "certus-bundle/2"),
            (
                "digest",
                text.replacen(&index().result.digest.to_string(), &Sha256::of(b"").to_string(), 1).into_bytes(),
                "result.digest",
            ),
            ("unsorted", edited(|index| index.result.files.reverse()), "sorted"),
            ("twice", edited(|index| index.run.files.push(index.run.files[1].clone())), "unique"),
            (
                "wrong group",
                edited(|index| {
                    let entry = index.result.files.pop().unwrap();
                    index.run.files.push(entry);
                }),
                "`summary.json` stands in the wrong group",
            ),
            ("empty", edited(|index| index.run.files[0].size = 0), "empty"),
            (
                "without scan.json",
                edited(|index| {
                    index.run.files.pop();
                }),
                "scan.json",
            ),
        ];
        for (name, bytes, says) in table {
            let error = Index::parse(&bytes).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("index.json"), "{name}: {error}");
        }
    }
}
