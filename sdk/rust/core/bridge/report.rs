//! The report of a scanner that looks at more than one file. Compiled into `tree` and `change`.

use certus_sdk_core as core;

use crate::bindings::certus::scanner::types as wit;
use crate::convert::all;

impl From<core::Report> for wit::Report {
    fn from(report: core::Report) -> Self {
        Self { findings: all(report.findings), problems: all(report.problems), dependencies: all(report.dependencies) }
    }
}

impl From<core::Dependency> for wit::Dependency {
    fn from(dependency: core::Dependency) -> Self {
        Self {
            id: dependency.id,
            ecosystem: dependency.ecosystem,
            namespace: dependency.namespace,
            name: dependency.name,
            version: dependency.version,
            qualifiers: dependency.qualifiers,
            root: dependency.root,
            scope: match dependency.scope {
                core::Scope::Runtime => wit::Scope::Runtime,
                core::Scope::Development => wit::Scope::Development,
                core::Scope::Build => wit::Scope::Build,
                core::Scope::Optional => wit::Scope::Optional,
                core::Scope::Unknown => wit::Scope::Unknown,
            },
            licences: dependency.licences,
            hashes: all(dependency.hashes),
            origin: dependency.origin,
            depends_on: dependency.depends_on,
            evidence: all(dependency.evidence),
        }
    }
}

impl From<core::Hash> for wit::Hash {
    fn from(hash: core::Hash) -> Self {
        Self {
            algorithm: match hash.algorithm {
                core::HashAlgorithm::Sha1 => wit::HashAlgorithm::Sha1,
                core::HashAlgorithm::Sha256 => wit::HashAlgorithm::Sha256,
                core::HashAlgorithm::Sha384 => wit::HashAlgorithm::Sha384,
                core::HashAlgorithm::Sha512 => wit::HashAlgorithm::Sha512,
                core::HashAlgorithm::Blake3 => wit::HashAlgorithm::Blake3,
                core::HashAlgorithm::Md5 => wit::HashAlgorithm::Md5,
            },
            value: hash.value,
        }
    }
}
