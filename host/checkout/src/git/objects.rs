//! Objects of a fetched store, and the walk over a tree within the budgets of a workspace.
//!
//! git has checked every object by now; the walk checks again what it relies on and trusts nothing.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use certus_model::path::MAX_NAME;
use certus_model::workspace::EntryKind;
use gix::ObjectId;
use gix::hash::Kind as Hash;
use gix::objs::tree::{EntryRef, name_order};
use gix::objs::{CommitRefIter, FindExt as _, Kind, TagRefIter, TreeRefIter};
use gix::odb::HeaderExt as _;
use gix::odb::find::Header;

use super::{Session, refs};
use crate::error::{Error, shown};
use crate::seal::{Sealer, repo_path};

/// Tags that lead to tags are followed this far.
const MAX_TAGS: usize = 8;

/// Largest commit or tag that is read, in bytes; real ones have a few KiB.
const MAX_COMMIT: u64 = 1 << 20;

/// Longest chain of deltas that is followed; git itself makes none that is longer.
const MAX_DELTAS: u32 = 4095;

/// The objects of one store.
pub(super) struct Objects<'a> {
    store: gix::odb::Handle,
    session: &'a Session<'a>,
}

/// What is needed of a commit.
pub(super) struct Commit {
    pub(super) id: ObjectId,
    pub(super) tree: ObjectId,
    /// Committer time, seconds since 1970.
    pub(super) time: i64,
}

impl<'a> Objects<'a> {
    pub(super) fn open(path: &Path, ids: Hash, session: &'a Session<'a>) -> Result<Self, Error> {
        let options = gix::odb::store::init::Options {
            use_multi_pack_index: false,
            // The largest thing that is ever read, twice: a delta and its base.
            alloc_limit_bytes: usize::try_from(session.limits.file.max(64 << 20).saturating_mul(2)).ok(),
            ..Default::default()
        };
        let store = gix::odb::at_opts(path, ids, None, options)
            .map_err(|cause| Error::scratch("open the fetched store", cause))?;
        Ok(Self { store, session })
    }

    /// The commit that `id` names, by itself or through tags.
    pub(super) fn commit(&self, mut id: ObjectId) -> Result<Commit, Error> {
        for _ in 0..MAX_TAGS {
            match self.kind(id)? {
                Kind::Commit => return self.read_commit(id),
                Kind::Tag => {
                    let data = self.read(id, Kind::Tag, MAX_COMMIT)?;
                    id = TagRefIter::from_bytes(&data, id.kind()).target_id().map_err(|_| self.broken(id))?;
                }
                Kind::Tree | Kind::Blob => break,
            }
        }
        Err(refs::unknown(self.session.reference, "does not lead to a commit", "name a branch, or a tag of a commit"))
    }

    fn read_commit(&self, id: ObjectId) -> Result<Commit, Error> {
        let data = self.read(id, Kind::Commit, MAX_COMMIT)?;
        let mut commit = CommitRefIter::from_bytes(&data, id.kind());
        let tree = commit.tree_id().map_err(|_| self.broken(id))?;
        let time = commit.committer().map_err(|_| self.broken(id))?.seconds();
        Ok(Commit { id, tree, time })
    }

    /// Adds all that the tree at `id` names, subtrees included, as often as they are named.
    pub(super) fn tree(&self, id: ObjectId, sealer: &mut Sealer<'_>) -> Result<(), Error> {
        Walk { objects: self, sealer, sealed: HashMap::new(), path: Vec::new() }.tree(id)
    }

    fn kind(&self, id: ObjectId) -> Result<Kind, Error> {
        Ok(self.header(id)?.kind())
    }

    fn header(&self, id: ObjectId) -> Result<Header, Error> {
        let header = self.store.header(id).map_err(|_| self.broken(id))?;
        match header.num_deltas() {
            Some(deltas) if deltas > MAX_DELTAS => Err(Error::malformed(
                &self.session.origin.place,
                format!(
                    "object {id} is a delta upon {deltas} others, more than git makes; repack it with `git repack -adf`"
                ),
            )),
            _ => Ok(header),
        }
    }

    /// The content of an object, refused by its header if it is another kind or larger than `limit`.
    fn read(&self, id: ObjectId, kind: Kind, limit: u64) -> Result<Vec<u8>, Error> {
        let header = self.header(id)?;
        if header.kind() != kind || header.size() > limit {
            return Err(self.broken(id));
        }
        let mut data = Vec::new();
        self.store.find(&id, &mut data).map_err(|_| self.broken(id))?;
        if data.len() as u64 == header.size() { Ok(data) } else { Err(self.broken(id)) }
    }

    fn broken(&self, id: ObjectId) -> Error {
        let place = &self.session.origin.place;
        Error::malformed(
            place,
            format!("object {id} is missing, damaged or not of its kind; run `git fsck` in the repository"),
        )
    }
}

struct Walk<'a, 'b> {
    objects: &'a Objects<'a>,
    sealer: &'a mut Sealer<'b>,
    /// Blobs that were read already, by the number of their first entry.
    sealed: HashMap<ObjectId, usize>,
    path: Vec<u8>,
}

impl Walk<'_, '_> {
    /// Depth is bounded by the path's own limit.
    fn tree(&mut self, id: ObjectId) -> Result<(), Error> {
        let per_directory = self.sealer.limits().directory_entries;
        // A tree that is larger than this has more entries than the budget, or longer names.
        let largest = per_directory.saturating_mul(MAX_NAME as u64 + 32);
        if self.objects.header(id)?.size() > largest {
            return self.sealer.count(per_directory.saturating_add(1), &self.path);
        }
        let data = self.objects.read(id, Kind::Tree, largest)?;
        let mut before: Option<EntryRef<'_>> = None;
        for (number, entry) in (1..).zip(TreeRefIter::from_bytes(&data, id.kind())) {
            let entry = entry.map_err(|_| self.objects.broken(id))?;
            self.sealer.count(number, &self.path)?;
            if before.is_some_and(|before| !in_order(&before, &entry)) {
                return Err(self.malformed("its entries are not in order; write the tree again with git"));
            }
            before = Some(entry);
            let length = self.path.len();
            if length > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(entry.filename);
            self.entry(&entry)?;
            self.path.truncate(length);
        }
        Ok(())
    }

    fn entry(&mut self, entry: &EntryRef<'_>) -> Result<(), Error> {
        if Instant::now() > self.objects.session.deadline {
            return Err(self.objects.session.timeout());
        }
        if entry.filename.contains(&b'/') {
            return Err(self.malformed("a name in a tree holds a slash; rename it at its source"));
        }
        let path = repo_path(&self.path)?;
        let id = entry.oid.to_owned();
        let kind = match entry.mode.value() {
            0o040_000 => return self.tree(id),
            0o160_000 => {
                self.sealer.submodule(path, &id.to_string());
                return Ok(());
            }
            // Group-writable is what git wrote before 2005.
            0o100_644 | 0o100_664 => EntryKind::File,
            0o100_755 => EntryKind::Executable,
            0o120_000 => EntryKind::Symlink,
            mode => {
                return Err(self.malformed(&format!("mode {mode:o} is none of git's; write the tree again with git")));
            }
        };
        let header = self.objects.header(id)?;
        self.sealer.admit(&path, header.size())?;
        match self.sealed.get(&id) {
            Some(earlier) => self.sealer.again(path, kind, *earlier),
            None => {
                let content = self.objects.read(id, Kind::Blob, header.size())?;
                self.sealed.insert(id, self.sealer.add(path, kind, content)?);
            }
        }
        Ok(())
    }

    fn malformed(&self, problem: &str) -> Error {
        Error::malformed(&shown(&String::from_utf8_lossy(&self.path)), problem)
    }
}

/// git's order, in which no name comes twice.
fn in_order(a: &EntryRef<'_>, b: &EntryRef<'_>) -> bool {
    name_order(a.filename, a.mode.is_tree(), b.filename, b.mode.is_tree()).is_lt()
}
