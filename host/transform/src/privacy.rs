//! A privacy scan: which objects there are, and what was seen in each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek as _, SeekFrom};
use std::sync::Arc;

use certus_model::document::PROOF;
use certus_model::{RepoPath, ScanId, Sha256};
use certus_store::{Listed, Objects};

use crate::error::Error;
use crate::inspector::{Given, Inspector, Seen};
use crate::quarantine::QUARANTINE;

/// Objects that one scan takes at most.
pub const MOST: usize = 10_000;
/// Objects that are looked at together.
const TOGETHER: usize = 1_000;
/// Bytes that are looked at together; an object that is larger is looked at alone.
const BYTES: u64 = 256 << 20;
/// Largest object that scanners are given, in bytes: what a workspace takes as one file.
const LARGEST: u64 = 64 << 20;
/// What the host writes beside the files of a scan, and what of them is a record of its own.
const RECORDS: [&str; 4] = ["scan.json", PROOF, "claim.json", "complete.json"];

/// What came of a privacy scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivacyScan {
    /// Its id: a UUID.
    pub id: String,
    /// The place, as its address.
    pub place: String,
    /// Below which prefix.
    pub prefix: String,
    /// Whether nothing was moved.
    pub dry_run: bool,
    /// Every object that was looked at, by its key.
    pub objects: Vec<Looked>,
}

/// An object that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Its key.
    pub key: String,
    /// SHA-256 of it.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size: u64,
    /// What was seen in it.
    pub seen: Seen,
    /// Whether an operator has released this content.
    pub released: bool,
    /// Where it lies now, if it was moved.
    pub moved_to: Option<String>,
}

impl Looked {
    /// Whether it may stay where it lies.
    pub fn is_clean(&self) -> bool {
        self.released || self.seen == Seen::default()
    }
}

impl PrivacyScan {
    /// How many objects are not clean.
    pub fn quarantined(&self) -> usize {
        self.objects.iter().filter(|object| !object.is_clean()).count()
    }

    /// How many objects were moved.
    pub(crate) fn moved(&self) -> usize {
        self.objects.iter().filter(|object| object.moved_to.is_some()).count()
    }
}

/// Looks at every object below `prefix`. What is gone by the time that it is looked at is left out.
pub(crate) async fn look(
    place: &dyn Objects,
    prefix: &str,
    inspector: &Arc<dyn Inspector>,
) -> Result<Vec<Looked>, Error> {
    let listed = of_interest(place.list(prefix).await?, prefix)?;
    let mut looked = Vec::with_capacity(listed.len());
    for batch in batches(&listed) {
        looked.extend(look_at(place, batch, inspector).await?);
    }
    Ok(looked)
}

/// What there is to look at.
fn of_interest(listed: Vec<Listed>, prefix: &str) -> Result<Vec<Listed>, Error> {
    let listed: Vec<_> = listed.into_iter().filter(|one| is_of_interest(&one.key)).collect();
    match listed.len() <= MOST {
        true => Ok(listed),
        false => Err(Error::TooMany { prefix: prefix.to_owned(), most: MOST }),
    }
}

/// Whether an object is anybody else's than the host's.
fn is_of_interest(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    let of_scan = key.split('/').next().is_some_and(|first| first.parse::<ScanId>().is_ok());
    let is_record = of_scan && RECORDS.contains(&name);
    !is_record && !key.starts_with(QUARANTINE)
}

/// The objects in parts that fit into memory.
fn batches(listed: &[Listed]) -> Vec<&[Listed]> {
    let (mut batches, mut from, mut bytes) = (Vec::new(), 0, 0);
    for (at, object) in listed.iter().enumerate() {
        if at > from && (at - from == TOGETHER || bytes + object.size > BYTES) {
            batches.push(&listed[from..at]);
            (from, bytes) = (at, 0);
        }
        bytes += object.size;
    }
    if from < listed.len() {
        batches.push(&listed[from..]);
    }
    batches
}

async fn look_at(place: &dyn Objects, batch: &[Listed], inspector: &Arc<dyn Inspector>) -> Result<Vec<Looked>, Error> {
    let (mut looked, mut given) = (Vec::new(), Vec::new());
    for (at, object) in batch.iter().enumerate() {
        let mut file = match place.open(&object.key).await {
            Err(certus_store::Error::Gone { .. }) => continue,
            opened => opened?,
        };
        let unreadable = |cause| certus_store::Error::Folder { what: object.key.clone(), done: "read", cause };
        // The digest of what the scanners are given, so that nothing else is ever moved in its name.
        let read = tokio::task::spawn_blocking(move || {
            let (sha256, size) = certus_store::digest(&mut file)?;
            file.seek(SeekFrom::Start(0))?;
            Ok((sha256, size, file))
        });
        let (sha256, size, file) = read.await?.map_err(unreadable)?;
        let mut seen = Seen::default();
        if size > LARGEST {
            seen.gap = Some(format!("it is larger than {LARGEST} bytes"));
        } else {
            given.push((looked.len(), Given { path: path(at, &object.key), size, file }));
        }
        looked.push(Looked { key: object.key.clone(), sha256, size, seen, released: false, moved_to: None });
    }
    let (places, given): (Vec<_>, Vec<_>) = given.into_iter().unzip();
    if given.is_empty() {
        return Ok(looked);
    }
    let inspector = inspector.clone();
    let seen = tokio::task::spawn_blocking(move || inspector.inspect(given)).await?.map_err(Error::Inspector)?;
    if seen.len() != places.len() {
        return Err(Error::Inspector("the scanners have answered about other objects".to_owned()));
    }
    for (at, seen) in places.into_iter().zip(seen) {
        looked[at].seen = seen;
    }
    Ok(looked)
}

/// What scanners see as the path. Keys need not be paths of one tree, so each has a folder of its own.
fn path(at: usize, key: &str) -> RepoPath {
    let path = RepoPath::from_bytes(format!("{at}/{key}").as_bytes());
    path.or_else(|_| RepoPath::from_bytes(format!("{at}/object").as_bytes())).expect("a number and a word are a path")
}

/// Marks what an operator has released.
pub(crate) fn release(objects: &mut [Looked], released: &BTreeSet<Sha256>) {
    for object in objects {
        object.released = released.contains(&object.sha256);
    }
}

/// The rules with their counts in one line, for people and for what an object carries.
pub(crate) fn summary(seen: &Seen) -> String {
    let counts: &BTreeMap<_, _> = &seen.findings;
    let counts = counts.iter().map(|(rule, count)| format!("{rule} x{count}"));
    counts.chain(seen.gap.iter().map(|gap| format!("not examined: {gap}"))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(sizes: &[u64]) -> Vec<Listed> {
        let each = sizes.iter().enumerate();
        each.map(|(at, size)| Listed { key: format!("active/{at:05}"), size: *size }).collect()
    }

    #[test]
    fn a_scan_takes_so_many_objects_and_no_more() {
        assert_eq!(of_interest(listed(&[1; MOST]), "active/").unwrap().len(), MOST);
        let error = of_interest(listed(&[1; MOST + 1]), "active/").unwrap_err();
        assert_eq!(error.to_string(), "there are more than 10000 objects below `active/`; name a longer prefix");
    }

    #[test]
    fn batches_fit_into_memory_and_leave_nothing_out() {
        for (sizes, wanted) in [
            (vec![], vec![]),
            (vec![1; 2_500], vec![1_000, 1_000, 500]),
            (vec![BYTES, 1, BYTES - 1, 1], vec![1, 2, 1]),
            (vec![BYTES + 1, BYTES + 1], vec![1, 1]),
        ] {
            let listed = listed(&sizes);
            let batches = batches(&listed);
            assert_eq!(batches.iter().map(|batch| batch.len()).collect::<Vec<_>>(), wanted);
            assert_eq!(batches.concat(), listed);
        }
    }

    #[test]
    fn any_key_makes_a_path() {
        for key in ["active/a b.csv", "/", "a//b", "..", "a/../b", &"x".repeat(2_000), "a\u{0}b"] {
            assert!(path(7, key).as_str().starts_with("7/"), "{key}");
        }
    }
}
