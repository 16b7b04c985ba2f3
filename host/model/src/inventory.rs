//! Dependencies: what a project is made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Location;
use crate::finding::UnverifiedLocation;

/// When a dependency is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To run.
    Runtime,
    /// To develop.
    Development,
    /// To build.
    Build,
    /// On request.
    Optional,
    /// The metadata does not say.
    Unknown,
}

/// Algorithm of a package's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HashAlgorithm {
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
    /// BLAKE3, 32 bytes.
    Blake3,
    /// MD5, 16 bytes.
    Md5,
}

impl HashAlgorithm {
    /// Length of a digest in bytes.
    pub const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 | Self::Blake3 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// A package's hash, in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageHash {
    /// Algorithm.
    pub algorithm: HashAlgorithm,
    /// Digest in lower-case hex, of the algorithm's length.
    pub value: String,
}

/// One component of the inventory as a guest states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedDependency {
    /// Names this record within one report.
    pub id: String,
    /// purl type.
    pub ecosystem: String,
    /// purl namespace.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// Version.
    pub version: Option<String>,
    /// purl qualifiers.
    pub qualifiers: Vec<(String, String)>,
    /// The scanned project itself or a member of its workspace.
    pub root: bool,
    /// When it is needed.
    pub scope: Scope,
    /// SPDX expressions as the metadata states them.
    pub licences: Vec<String>,
    /// Hashes, of any length.
    pub hashes: Vec<(HashAlgorithm, Vec<u8>)>,
    /// Download URL.
    pub origin: Option<String>,
    /// Ids of other records of the same report.
    pub depends_on: Vec<String>,
    /// Places that prove it.
    pub evidence: Vec<UnverifiedLocation>,
}

/// One component of the inventory, checked: texts are bounded and printable, hashes have the length
/// of their algorithm, edges lead to records of the same run, evidence exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dependency {
    /// Names this record within one run.
    pub id: String,
    /// purl type: `cargo`, `npm`, `pypi`, …
    pub ecosystem: String,
    /// purl namespace.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// Version.
    pub version: Option<String>,
    /// purl qualifiers.
    pub qualifiers: BTreeMap<String, String>,
    /// The scanned project itself or a member of its workspace.
    pub root: bool,
    /// When it is needed.
    pub scope: Scope,
    /// SPDX expressions as the metadata states them.
    pub licences: Vec<String>,
    /// Hashes, sorted.
    pub hashes: Vec<PackageHash>,
    /// Download URL without credentials.
    pub origin: Option<String>,
    /// Ids of other records of the same run, sorted.
    pub depends_on: Vec<String>,
    /// Places that prove it, sorted.
    pub evidence: Vec<Location>,
}
