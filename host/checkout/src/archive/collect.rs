//! Entries of an archive on their way into a workspace: names checked, directories counted.

use std::collections::HashMap;
use std::io::{self, Read};

use certus_model::RepoPath;
use certus_model::workspace::EntryKind;

use crate::error::{Error, shown};
use crate::seal::{SealedWorkspace, Sealer, read_exactly, repo_path};

/// What a name stands for so far.
enum Node {
    /// With this many entries.
    Directory(u64),
    /// With this number in the sealer.
    Leaf(usize),
}

pub(super) struct Collector<'a> {
    sealer: Sealer<'a>,
    nodes: HashMap<Vec<u8>, Node>,
}

/// A name that was refused or read.
pub(super) enum Name {
    /// An entry's own path.
    Path(Vec<u8>),
    /// The root, or something in a `.git`: no content.
    Nothing,
}

impl Name {
    /// Reads the name of an entry: `./` before it and `/` after it are how some archivers spell.
    pub(super) fn parse(raw: &[u8]) -> Result<Self, Error> {
        let mut name = raw;
        while let Some(rest) = name.strip_prefix(b"./") {
            name = rest;
        }
        let name = name.strip_suffix(b"/").unwrap_or(name);
        let parts = || name.split(|byte| *byte == b'/');
        if parts().any(|part| part == b"..") || raw.starts_with(b"/") {
            let place = shown(&String::from_utf8_lossy(raw));
            return Err(Error::malformed(&place, "the entry leads out of the archive; do not trust whoever made it"));
        }
        if name.is_empty() || name == b"." || parts().any(|part| part == b".git") {
            return Ok(Self::Nothing);
        }
        repo_path(name)?;
        Ok(Self::Path(name.to_vec()))
    }
}

impl<'a> Collector<'a> {
    pub(super) fn new(sealer: Sealer<'a>) -> Self {
        Self { sealer, nodes: HashMap::new() }
    }

    /// Counts a directory; naming one again is harmless.
    pub(super) fn directory(&mut self, name: &[u8]) -> Result<(), Error> {
        match self.nodes.get(name) {
            Some(Node::Directory(_)) => Ok(()),
            Some(Node::Leaf(_)) => Err(twice(name)),
            None => {
                self.enter(name)?;
                self.nodes.insert(name.to_vec(), Node::Directory(0));
                Ok(())
            }
        }
    }

    /// Adds a file or link with `size` bytes of content from `reader`, whose failures mean `failure`.
    pub(super) fn add(
        &mut self,
        name: &[u8],
        kind: EntryKind,
        size: u64,
        reader: impl Read,
        failure: impl FnOnce(io::Error) -> Error,
    ) -> Result<(), Error> {
        let path = self.claim(name)?;
        self.sealer.admit(&path, size)?;
        let content = read_exactly(reader, size).map_err(failure)?;
        let number = self.sealer.add(path, kind, content)?;
        self.nodes.insert(name.to_vec(), Node::Leaf(number));
        Ok(())
    }

    /// Adds a hard link: a file with the content of one that came before it.
    pub(super) fn hard_link(&mut self, name: &[u8], target: &[u8]) -> Result<(), Error> {
        let path = self.claim(name)?;
        let earlier = match self.nodes.get(target) {
            Some(Node::Leaf(earlier)) if self.sealer.sealed(*earlier).kind.is_file() => *earlier,
            _ => {
                return Err(Error::malformed(
                    path.as_str(),
                    "the hard link leads to no file before it; pack the archive again",
                ));
            }
        };
        let (kind, size) = (self.sealer.sealed(earlier).kind, self.sealer.sealed(earlier).size);
        self.sealer.admit(&path, size)?;
        self.sealer.again(path, kind, earlier);
        self.nodes.insert(name.to_vec(), Node::Leaf(earlier));
        Ok(())
    }

    pub(super) fn seal(self, place: &str) -> Result<SealedWorkspace, Error> {
        self.sealer.seal(place)
    }

    /// The path of a new leaf.
    fn claim(&mut self, name: &[u8]) -> Result<RepoPath, Error> {
        if self.nodes.contains_key(name) {
            return Err(twice(name));
        }
        self.enter(name)?;
        repo_path(name)
    }

    /// Counts `name` in its directory, which comes into being if it was not named before.
    fn enter(&mut self, name: &[u8]) -> Result<(), Error> {
        let parent = name.iter().rposition(|byte| *byte == b'/').map_or(&b""[..], |at| &name[..at]);
        if !parent.is_empty() {
            self.directory(parent)?;
        }
        let siblings = match self.nodes.entry(parent.to_vec()).or_insert(Node::Directory(0)) {
            Node::Directory(count) => {
                *count += 1;
                *count
            }
            Node::Leaf(_) => return Err(twice(parent)),
        };
        self.sealer.count(siblings, parent)
    }
}

fn twice(name: &[u8]) -> Error {
    Error::malformed(
        &shown(&String::from_utf8_lossy(name)),
        "the archive names it twice or puts something below a file; one name must mean one thing",
    )
}
