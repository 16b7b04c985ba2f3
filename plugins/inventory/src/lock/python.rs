//! What the lock files of Python's tools share.

use std::collections::BTreeMap;

use super::Lock;
use crate::hash;
use crate::node::Node;
use crate::package::{Package, normalised};
use crate::url;

/// The packages of a lock by their normalised name; markers may lock several versions of one.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, Vec<usize>>);

impl Names {
    pub(super) fn insert(&mut self, name: &str, at: usize) {
        self.0.entry(normalised(name)).or_default().push(at);
    }

    pub(super) fn get(&self, name: &str) -> &[usize] {
        self.0.get(&normalised(name)).map_or(&[], Vec::as_slice)
    }

    /// Links `from` to every version of `name` that fits `version`.
    pub(super) fn link(&self, lock: &mut Lock, from: usize, name: &str, version: Option<&str>) {
        for to in self.matching(lock, name, version) {
            lock.link(from, to);
        }
    }

    pub(super) fn matching(&self, lock: &Lock, name: &str, version: Option<&str>) -> Vec<usize> {
        let fits = |at: &&usize| version.is_none_or(|v| lock.packages[**at].version.as_deref() == Some(v));
        self.get(name).iter().filter(fits).copied().collect()
    }
}

/// Adds the files of an entry, tables with `url` and `hash` or `hashes`: the source distribution's
/// URL is the origin, else that of the first wheel.
pub(super) fn with_files(package: Package, entry: &Node<'_>) -> Package {
    let archive = entry.get("sdist").or_else(|| entry.get("archive"));
    let files: Vec<&Node<'_>> = archive.into_iter().chain(entry.items_of("wheels")).collect();
    let url = files.iter().find_map(|file| file.text("url"));
    let hashes = files.iter().flat_map(|file| {
        let table = file.members_of("hashes").iter();
        let table = table.filter_map(|m| hash::named(&m.key, m.node.as_text()?));
        table.chain(file.text("hash").and_then(hash::prefixed))
    });
    let hashes: Vec<_> = hashes.collect();
    package.archive(url.filter(|url| url::is_web(url))).hashes(hashes)
}
