use std::collections::BTreeMap;

use crate::{Entry, Kind, ReadError, Revision};

/// A workspace in memory that answers as the host's does.
///
/// ```
/// use certus_sdk_core::{Revision, Workspace as _, testing::Workspace};
///
/// let workspace = Workspace::new([("src/main.rs", "fn main() {}")]).symlink("latest");
/// assert_eq!(workspace.read(Revision::Head, "src/main.rs").unwrap(), b"fn main() {}");
/// ```
#[derive(Debug, Clone)]
pub struct Workspace {
    head: BTreeMap<String, Content>,
    base: Option<BTreeMap<String, Content>>,
    answer_limit: u64,
}

#[derive(Debug, Clone)]
enum Content {
    File(Vec<u8>),
    Other(Kind),
}

impl Workspace {
    /// The head's files. There is no base.
    pub fn new<P: Into<String>, C: Into<Vec<u8>>>(files: impl IntoIterator<Item = (P, C)>) -> Self {
        Self { head: collect(files), base: None, answer_limit: u64::MAX }
    }

    /// Adds the base's files.
    #[must_use]
    pub fn base<P: Into<String>, C: Into<Vec<u8>>>(mut self, files: impl IntoIterator<Item = (P, C)>) -> Self {
        self.base = Some(collect(files));
        self
    }

    /// Adds a symlink to the head.
    #[must_use]
    pub fn symlink(mut self, path: impl Into<String>) -> Self {
        self.head.insert(path.into(), Content::Other(Kind::Symlink));
        self
    }

    /// Adds a submodule to the head.
    #[must_use]
    pub fn submodule(mut self, path: impl Into<String>) -> Self {
        self.head.insert(path.into(), Content::Other(Kind::Submodule));
        self
    }

    /// Makes `read` answer [`ReadError::TooLarge`] for files above `bytes`.
    #[must_use]
    pub fn answer_limit(mut self, bytes: u64) -> Self {
        self.answer_limit = bytes;
        self
    }

    fn side(&self, revision: Revision) -> Result<&BTreeMap<String, Content>, ReadError> {
        match revision {
            Revision::Head => Ok(&self.head),
            Revision::Base => self.base.as_ref().ok_or(ReadError::NoBase),
        }
    }

    fn file(&self, revision: Revision, path: &str) -> Result<&[u8], ReadError> {
        match self.side(revision)?.get(path) {
            Some(Content::File(content)) => Ok(content),
            Some(Content::Other(_)) => Err(ReadError::NotAFile),
            None => Err(ReadError::NotFound),
        }
    }
}

impl crate::Workspace for Workspace {
    fn entries(&self, revision: Revision, after: Option<&str>, limit: u32) -> Result<Vec<Entry>, ReadError> {
        let entries = self.side(revision)?.iter();
        Ok(entries
            .filter(|(path, _)| after.is_none_or(|after| path.as_str() > after))
            .take(limit.clamp(1, 10_000) as usize)
            .map(|(path, content)| Entry {
                path: path.clone(),
                kind: match content {
                    Content::File(_) => Kind::File,
                    Content::Other(kind) => *kind,
                },
                size: match content {
                    Content::File(content) => content.len() as u64,
                    Content::Other(_) => 0,
                },
                executable: false,
            })
            .collect())
    }

    fn read(&self, revision: Revision, path: &str) -> Result<Vec<u8>, ReadError> {
        let content = self.file(revision, path)?;
        let size = content.len() as u64;
        if size > self.answer_limit {
            return Err(ReadError::TooLarge(size));
        }
        Ok(content.to_vec())
    }

    fn read_range(&self, revision: Revision, path: &str, start: u64, length: u32) -> Result<Vec<u8>, ReadError> {
        let content = self.file(revision, path)?;
        let start = usize::try_from(start).map_or(content.len(), |start| start.min(content.len()));
        let length = u64::from(length).min(self.answer_limit) as usize;
        let end = start.saturating_add(length).min(content.len());
        Ok(content[start..end].to_vec())
    }
}

fn collect<P: Into<String>, C: Into<Vec<u8>>>(files: impl IntoIterator<Item = (P, C)>) -> BTreeMap<String, Content> {
    files.into_iter().map(|(path, content)| (path.into(), Content::File(content.into()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_pages_in_byte_order() {
        let files = (0..10_001).map(|n| (format!("{n:05}"), ""));
        let workspace = Workspace::new(files);
        let workspace: &dyn crate::Workspace = &workspace;
        let paths: Vec<String> = workspace
            .walk(Revision::Head)
            .map(|entry| entry.map(|entry| entry.path))
            .collect::<Result<_, _>>()
            .expect("the head can be listed");
        assert_eq!(paths.len(), 10_001);
        assert!(paths.is_sorted());
    }

    #[test]
    fn a_walk_over_a_missing_base_ends_with_one_error() {
        let workspace = Workspace::new([("a", "")]);
        let workspace: &dyn crate::Workspace = &workspace;
        let answers: Vec<_> = workspace.walk(Revision::Base).collect();
        assert_eq!(answers, [Err(ReadError::NoBase)]);
    }

    #[test]
    fn a_large_file_is_read_in_pieces() {
        let workspace = Workspace::new([("a", "0123456789")]).answer_limit(4);
        let workspace: &dyn crate::Workspace = &workspace;
        assert_eq!(workspace.read(Revision::Head, "a"), Err(ReadError::TooLarge(10)));
        let whole = workspace.read_all(Revision::Head, "a").expect("the file is there");
        assert_eq!(whole, b"0123456789");
    }

    #[test]
    fn links_are_entries_without_content() {
        let workspace = Workspace::new([("a", "")]).symlink("b").submodule("c");
        let workspace: &dyn crate::Workspace = &workspace;
        for path in ["b", "c"] {
            assert_eq!(workspace.read(Revision::Head, path), Err(ReadError::NotAFile));
        }
        assert_eq!(workspace.read(Revision::Head, "d"), Err(ReadError::NotFound));
    }
}
