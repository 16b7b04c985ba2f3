//! Checks inventory records.

use std::collections::{BTreeMap, BTreeSet};

use certus_model::coverage::Refused;
use certus_model::escape::is_printable;
use certus_model::inventory::{Dependency, PackageHash, UnverifiedDependency};

use crate::check::{Checker, Given};

/// Longest text of a record, in bytes.
const MAX_TEXT: usize = 4096;

impl Checker<'_> {
    /// The records that hold, sorted by id. A record that is malformed, or whose id is taken, is
    /// refused whole; edges to records that do not exist are dropped and counted the same way.
    pub fn dependencies(
        &self,
        stated: Vec<UnverifiedDependency>,
        given: Given<'_>,
        refused: &mut Refused,
    ) -> Vec<Dependency> {
        let mut records = BTreeMap::new();
        for dependency in stated {
            match self.dependency(dependency, given) {
                Some(dependency) if !records.contains_key(&dependency.id) => {
                    records.insert(dependency.id.clone(), dependency);
                }
                _ => refused.malformed_dependency += 1,
            }
        }
        let ids: BTreeSet<String> = records.keys().cloned().collect();
        for dependency in records.values_mut() {
            let before = dependency.depends_on.len();
            dependency.depends_on.retain(|id| ids.contains(id));
            refused.malformed_dependency += (before - dependency.depends_on.len()) as u64;
        }
        records.into_values().collect()
    }

    fn dependency(&self, stated: UnverifiedDependency, given: Given<'_>) -> Option<Dependency> {
        let texts = [&stated.id, &stated.ecosystem, &stated.name];
        let optional = [&stated.namespace, &stated.version, &stated.origin].into_iter().flatten();
        let pairs = stated.qualifiers.iter().flat_map(|(key, value)| [key, value]);
        if texts.iter().any(|text| text.is_empty()) {
            return None;
        }
        if !texts.into_iter().chain(optional).chain(pairs).chain(&stated.licences).all(|text| is_clean(text)) {
            return None;
        }
        let mut hashes = Vec::with_capacity(stated.hashes.len());
        for (algorithm, value) in stated.hashes {
            if value.len() != algorithm.length() {
                return None;
            }
            hashes.push(PackageHash { algorithm, value: value.iter().map(|b| format!("{b:02x}")).collect() });
        }
        let evidence =
            stated.evidence.into_iter().map(|at| self.location(at, given)).collect::<Result<Vec<_>, _>>().ok()?;
        Some(Dependency {
            id: stated.id,
            ecosystem: stated.ecosystem,
            namespace: stated.namespace.filter(|n| !n.is_empty()),
            name: stated.name,
            version: stated.version.filter(|v| !v.is_empty()),
            qualifiers: stated.qualifiers.into_iter().collect(),
            root: stated.root,
            scope: stated.scope,
            licences: sorted(stated.licences),
            hashes: sorted(hashes),
            origin: stated.origin.map(|url| without_credentials(&url)),
            depends_on: sorted(stated.depends_on),
            evidence: sorted(evidence),
        })
    }
}

fn is_clean(text: &str) -> bool {
    text.len() <= MAX_TEXT && text.chars().all(is_printable)
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items.dedup();
    items
}

/// The URL without a user part before its host.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority_end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn credentials_leave_a_url() {
        for (url, clean) in [
            ("https://user:pass@host/a@b", "https://host/a@b"),
            ("https://host/x", "https://host/x"),
            ("git+ssh://t@h?q=1@2", "git+ssh://h?q=1@2"),
            ("plain", "plain"),
        ] {
            assert_eq!(super::without_credentials(url), clean);
        }
    }
}
