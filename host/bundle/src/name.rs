//! The closed list of what a bundle may hold.

use std::fmt;
use std::str::FromStr;

use certus_model::document::{ATTESTATION, INDEX, LOGGED, PERMIT, PROOF, SVR, VSA};
use serde::{Deserialize, Serialize};

/// The files that stand apart from the index, each verified by a signature of its own, or by the permit's.
pub const APART: [&str; 7] = [INDEX, ATTESTATION, LOGGED, PERMIT, VSA, SVR, PROOF];

/// The two parts of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// A function of source, plugins, settings, policy and data packs; compared, replayed, cached.
    Result,
    /// What differs from run to run: ids, times, events.
    Run,
}

/// The form that a file's bytes must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// RFC 8785.
    CanonicalJson,
    /// The hash-chained lines of the ledger.
    Ledger,
    /// Whatever its maker wrote.
    Any,
}

/// A file that the index may list. Serialised as its path; ordered by it within an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum FileName {
    /// Every finding.
    Findings,
    /// What was looked at and what was not.
    Coverage,
    /// What each plugin was given and asked for.
    Ledger,
    /// The decision with what it rests on.
    PolicyResult,
    /// What ran and what did not.
    Summary,
    /// The scan manifest, byte for byte as it was given.
    Manifest,
    /// What was made of the scan manifest.
    ManifestInfo,
    /// Findings as SARIF.
    Sarif,
    /// Dependencies as CycloneDX.
    CycloneDx,
    /// Dependencies as SPDX.
    Spdx,
    /// The report for people.
    Html,
    /// The run's ids, times and resolved commit.
    Scan,
    /// The run's events.
    Events,
}

/// The text is no name that a bundle may hold.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no file of a bundle; see the list in the documentation of the bundle")]
pub struct BadFileName(String);

impl FileName {
    /// Every name.
    pub const ALL: [Self; 13] = [
        Self::Findings,
        Self::Coverage,
        Self::Ledger,
        Self::PolicyResult,
        Self::Summary,
        Self::Manifest,
        Self::ManifestInfo,
        Self::Sarif,
        Self::CycloneDx,
        Self::Spdx,
        Self::Html,
        Self::Scan,
        Self::Events,
    ];

    /// The files without which no bundle is read: what was decided, and which scan it was.
    pub const ALWAYS: [Self; 2] = [Self::PolicyResult, Self::Scan];

    /// The files without which a report says too little to be trusted: what was found, what was looked
    /// at, what was decided, and which scan it was.
    pub const OF_A_REPORT: [Self; 4] = [Self::Findings, Self::Coverage, Self::PolicyResult, Self::Scan];

    /// The files of a scan that failed: all of these and no other.
    pub const OF_A_FAILURE: [Self; 3] = [Self::PolicyResult, Self::Scan, Self::Events];

    /// The path inside the bundle.
    pub const fn path(self) -> &'static str {
        self.row().0
    }

    /// Which part of the bundle it belongs to.
    pub const fn group(self) -> Group {
        self.row().1
    }

    pub(crate) const fn form(self) -> Form {
        self.row().2
    }

    /// The key under which clients know it in the `artifacts` map; none for files that are not in it.
    pub const fn artifact_key(self) -> Option<&'static str> {
        match self {
            Self::Summary => Some("summary"),
            Self::Manifest => Some("manifest_json"),
            Self::ManifestInfo => Some("manifest_info"),
            Self::Sarif => Some("sarif"),
            Self::CycloneDx => Some("sbom_cyclonedx"),
            Self::Spdx => Some("sbom_spdx"),
            _ => None,
        }
    }

    const fn row(self) -> (&'static str, Group, Form) {
        use Form::{Any, CanonicalJson};
        use Group::{Result, Run};
        match self {
            Self::Findings => ("findings.json", Result, CanonicalJson),
            Self::Coverage => ("coverage.json", Result, CanonicalJson),
            Self::Ledger => ("ledger.jsonl", Result, Form::Ledger),
            Self::PolicyResult => ("policy-result.json", Result, CanonicalJson),
            Self::Summary => ("summary.json", Result, CanonicalJson),
            Self::Manifest => ("manifest.json", Result, Any),
            Self::ManifestInfo => ("manifest-info.json", Result, CanonicalJson),
            Self::Sarif => ("reports/sast/findings.sarif.json", Result, CanonicalJson),
            Self::CycloneDx => ("reports/sbom/sbom.cdx.json", Result, CanonicalJson),
            Self::Spdx => ("reports/sbom/sbom.spdx.json", Result, CanonicalJson),
            Self::Html => ("reports/report.html", Result, Any),
            Self::Scan => ("scan.json", Run, CanonicalJson),
            Self::Events => ("logs/events.jsonl", Run, Any),
        }
    }
}

/// The folders above `path`, the outermost first: `reports`, `reports/sast`.
pub(crate) fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.path())
    }
}

impl FromStr for FileName {
    type Err = BadFileName;

    fn from_str(text: &str) -> Result<Self, BadFileName> {
        let found = Self::ALL.into_iter().find(|name| name.path() == text);
        found.ok_or_else(|| BadFileName(certus_model::escape::one_line(text, 200)))
    }
}

impl TryFrom<String> for FileName {
    type Error = BadFileName;

    fn try_from(text: String) -> Result<Self, BadFileName> {
        text.parse()
    }
}

impl From<FileName> for &'static str {
    fn from(name: FileName) -> Self {
        name.path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_nothing_else_does() {
        for name in FileName::ALL {
            assert_eq!(name.path().parse::<FileName>().unwrap(), name);
        }
        for bad in ["", "index.json", "attestation.dsse.json", "./scan.json", "../scan.json", "Scan.json"] {
            assert!(bad.parse::<FileName>().is_err(), "{bad}");
        }
        assert_eq!(folders_above(FileName::Sarif.path()).collect::<Vec<_>>(), ["reports", "reports/sast"]);
    }
}
