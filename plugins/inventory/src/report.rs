//! From lock files to the report: ids, order, and the findings that follow from the packages.

use std::collections::BTreeMap;
use std::ops::Range;

use certus_sdk_core::{Confidence, Dependency, Finding, Location, Problem, Report};

use crate::error::Error;
use crate::lock::Lock;
use crate::package::{Package, Source};
use crate::url;

/// The host takes 32 MiB of a tree scanner and counts what it needs itself to hold it. Half of it,
/// by [`weight`], leaves room for where that count differs from this one.
const MAX_WEIGHT: usize = 16 << 20;

/// Longest text of a record, in bytes: the host's own bound.
const MAX_TEXT: usize = 4096;

/// Other places that one finding names.
const MAX_RELATED: usize = 20;

/// A report that grows file by file.
#[derive(Default)]
pub(crate) struct Builder {
    report: Report,
    weight: usize,
}

impl Builder {
    pub(crate) fn problem(&mut self, problem: Problem) {
        self.report.problems.push(problem);
    }

    /// Adds what a lock file says. `skipped` bytes stand before its text.
    ///
    /// # Errors
    /// [`Error::ReportFull`] where there is no room for it, [`Error::Unprintable`] where the host would
    /// refuse a record; nothing of it is added then.
    pub(crate) fn add(&mut self, path: &str, skipped: usize, lock: &Lock) -> Result<(), Error> {
        let file = File { path, skipped, lock, ids: ids(path, lock) };
        let mut dependencies = Vec::with_capacity(lock.packages.len());
        let mut weight = self.weight;
        for at in 0..lock.packages.len() {
            let dependency = file.dependency(at);
            if !is_taken(&dependency) {
                let entry = lock.packages[at].entries.first().map_or(0, |span| span.start);
                return Err(Error::Unprintable { at: skipped + entry });
            }
            weight += self::weight(&dependency);
            if weight > MAX_WEIGHT {
                return Err(Error::ReportFull { limit: MAX_WEIGHT });
            }
            dependencies.push(dependency);
        }
        self.weight = weight;
        self.report.dependencies.extend(dependencies);
        self.report.findings.extend(file.findings());
        Ok(())
    }

    /// The report, in an order that depends on its content alone.
    pub(crate) fn finish(mut self) -> Report {
        self.report.dependencies.sort_by(|a, b| a.id.cmp(&b.id));
        self.report.findings.sort_by(|a, b| (&a.at, &a.rule).cmp(&(&b.at, &b.rule)));
        self.report.problems.sort_by(|a, b| (&a.at, &a.note).cmp(&(&b.at, &b.note)));
        self.report
    }
}

/// Whether the host takes the texts of a record: it refuses no name, and those that cannot be shown.
fn is_taken(dependency: &Dependency) -> bool {
    let optional = [&dependency.namespace, &dependency.version, &dependency.origin].into_iter().flatten();
    let texts = [&dependency.id, &dependency.name].into_iter().chain(optional).chain(&dependency.licences);
    let shown = |c: char| {
        !(c.is_control()
            || matches!(c,
                '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'))
    };
    !dependency.name.is_empty() && texts.into_iter().all(|text| text.len() <= MAX_TEXT && text.chars().all(shown))
}

struct File<'l> {
    path: &'l str,
    skipped: usize,
    lock: &'l Lock,
    ids: Vec<String>,
}

impl File<'_> {
    fn dependency(&self, at: usize) -> Dependency {
        let package = &self.lock.packages[at];
        let mut needs: Vec<String> = package.depends_on.iter().map(|to| self.ids[*to].clone()).collect();
        needs.sort();
        let mut evidence = package.entries.clone();
        evidence.sort_by_key(|span| (span.start, span.end));
        Dependency {
            id: self.ids[at].clone(),
            ecosystem: package.ecosystem.as_str().to_owned(),
            namespace: package.namespace.clone(),
            name: package.name.clone(),
            version: package.version.clone(),
            qualifiers: package.qualifiers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            root: package.root,
            scope: package.scope,
            licences: package.licences.iter().cloned().collect(),
            hashes: package.hashes.iter().cloned().collect(),
            origin: package.origin.clone(),
            depends_on: needs,
            evidence: evidence.iter().map(|span| self.location(span)).collect(),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (at, span) in &self.lock.unpinned {
            let name = full_name(&self.lock.packages[*at]);
            findings.push(self.finding("unpinned-requirement", span).text("package", name));
        }
        for package in &self.lock.packages {
            let Some(entry) = package.entries.first() else {
                continue;
            };
            match package.source {
                Source::Hashed if package.hashes.is_empty() => findings.push(
                    self.finding("lockfile-missing-integrity", entry)
                        .text("package", full_name(package))
                        .text("version", package.version.as_deref().unwrap_or("?")),
                ),
                Source::Git { pinned: false } => {
                    findings.push(self.finding("git-dependency-unpinned", entry).text("package", full_name(package)))
                }
                _ => {}
            }
        }
        findings.extend(self.insecure());
        findings
    }

    /// One finding a host, at its first place: a lock file repeats its registry in each entry.
    fn insecure(&self) -> impl Iterator<Item = Finding> {
        let mut hosts: BTreeMap<&str, Vec<&Range<usize>>> = BTreeMap::new();
        for (host, span) in &self.lock.insecure {
            hosts.entry(host).or_default().push(span);
        }
        for package in &self.lock.packages {
            if let Some(host) = package.origin.as_deref().and_then(url::insecure_host) {
                hosts.entry(host).or_default().extend(&package.entries);
            }
        }
        hosts.into_iter().filter_map(|(host, mut spans)| {
            spans.sort_by_key(|span| (span.start, span.end));
            let (first, others) = spans.split_first()?;
            let count = i64::try_from(spans.len()).unwrap_or(i64::MAX);
            let mut finding = self.finding("insecure-registry", first).text("host", host).number("entries", count);
            let others = others.iter().take(MAX_RELATED);
            finding.related.extend(others.map(|span| self.location(span)));
            Some(finding)
        })
    }

    fn finding(&self, rule: &str, span: &Range<usize>) -> Finding {
        Finding::new(rule, self.location(span)).confidence(Confidence::High)
    }

    fn location(&self, span: &Range<usize>) -> Location {
        Location::range(self.path, span.start + self.skipped..span.end + self.skipped)
    }
}

/// Names each package within the report: lock file, ecosystem, name and version, and a number where
/// the same version comes from several places.
fn ids(path: &str, lock: &Lock) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let ids = lock.packages.iter().map(|package| {
        let ecosystem = package.ecosystem.as_str();
        let version = package.version.as_deref().unwrap_or_default();
        let id = format!("{path}#{ecosystem}/{}@{version}", full_name(package));
        let count = seen.entry(id.clone()).or_default();
        *count += 1;
        match *count {
            1 => id,
            count => format!("{id}~{count}"),
        }
    });
    ids.collect()
}

fn full_name(package: &Package) -> String {
    match &package.namespace {
        Some(namespace) => format!("{namespace}/{}", package.name),
        None => package.name.clone(),
    }
}

/// About what the host needs to hold a record: its texts, and for each list and each of its items a
/// little more than their own bytes.
fn weight(dependency: &Dependency) -> usize {
    const RECORD: usize = 256;
    const ITEM: usize = 32;
    let texts = [
        Some(&dependency.id),
        Some(&dependency.ecosystem),
        Some(&dependency.name),
        dependency.namespace.as_ref(),
        dependency.version.as_ref(),
        dependency.origin.as_ref(),
    ];
    let texts: usize = texts.iter().flatten().map(|text| text.len()).sum();
    let qualifiers = dependency.qualifiers.iter();
    let qualifiers: usize = qualifiers.map(|(k, v)| k.len() + v.len() + 2 * ITEM).sum();
    let licences: usize = dependency.licences.iter().map(|l| l.len() + ITEM).sum();
    let hashes: usize = dependency.hashes.iter().map(|h| h.value.len() + ITEM).sum();
    let needs: usize = dependency.depends_on.iter().map(|id| id.len() + ITEM).sum();
    let evidence: usize = dependency.evidence.iter().map(|at| at.path.len() + 2 * ITEM).sum();
    RECORD + texts + qualifiers + licences + hashes + needs + evidence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::Ecosystem;

    fn lock(packages: impl IntoIterator<Item = Package>) -> Lock {
        let mut lock = Lock::default();
        for package in packages {
            lock.add(package);
        }
        lock
    }

    #[test]
    fn the_same_version_from_two_places_has_two_ids_and_the_edges_know_which() {
        let package = |at| Package::new(Ecosystem::Cargo, "a", at).version(Some("1"));
        let fork = package(2..3).git("https://x.example/a", None);
        let app = Package::new(Ecosystem::Cargo, "app", 4..5).root();
        let mut lock = lock([package(0..1), fork, app]);
        lock.link(2, 1);
        let mut builder = Builder::default();
        builder.add("x/Cargo.lock", 3, &lock).unwrap();
        let report = builder.finish();
        let ids: Vec<_> = report.dependencies.iter().map(|d| d.id.as_str()).collect();
        assert_eq!(ids, ["x/Cargo.lock#cargo/a@1", "x/Cargo.lock#cargo/a@1~2", "x/Cargo.lock#cargo/app@"]);
        assert_eq!(report.dependencies[2].depends_on, ["x/Cargo.lock#cargo/a@1~2"]);
        assert_eq!(
            report.dependencies[0].evidence,
            [Location::range("x/Cargo.lock", 3..4_usize)],
            "a byte order mark shifts every span"
        );
    }

    #[test]
    fn a_full_report_takes_no_part_of_another_file() {
        let wide = |n: usize| Package::new(Ecosystem::Npm, &"x".repeat(4000), n..n + 1);
        let few = lock((0..768).map(|n| wide(n).version(Some(&n.to_string()))));
        let mut builder = Builder::default();
        assert_eq!(builder.add("a", 0, &few), Ok(()));
        assert_eq!(builder.add("b", 0, &few), Ok(()));
        assert_eq!(builder.add("c", 0, &few), Err(Error::ReportFull { limit: MAX_WEIGHT }));
        assert_eq!(builder.finish().dependencies.len(), 2 * 768);
    }

    #[test]
    fn a_registry_without_encryption_is_one_finding_however_many_entries_name_it() {
        let package = |n: usize| {
            let url = format!("http://x.example/{n}.tgz");
            Package::new(Ecosystem::Npm, "a", n..n + 1).version(Some(&n.to_string())).archive(Some(&url))
        };
        let mut builder = Builder::default();
        builder.add("yarn.lock", 0, &lock((0..50).map(package))).unwrap();
        let report = builder.finish();
        let insecure = report.findings.iter().filter(|f| f.rule == "insecure-registry");
        let insecure: Vec<_> = insecure.collect();
        assert_eq!(insecure.len(), 1);
        assert_eq!(insecure[0].related.len(), MAX_RELATED);
    }
}
