//! What was looked at and what was not: "no findings" and "did not look" are different answers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::outcome::CallReason;

/// What became of one file in one plugin's run; from what the host delivered, never from the
/// plugin's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// Given to the plugin, which answered.
    Analysed,
    /// Outside the globs of the plugin's interest or grant.
    NotOfInterest,
    /// Of interest, but without any of the plugin's keywords.
    Prefiltered,
    /// Not given to the plugin.
    Skipped(SkipReason),
    /// Given to the plugin, which gave no usable answer.
    Failed(CallReason),
}

/// Why a file of interest was not given to the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// Larger than the plugin reads, or with a longer name than a file system allows.
    TooLarge,
    /// Holds a NUL byte early on, and the plugin does not ask for binary files.
    Binary,
    /// A symbolic link: recorded, never followed.
    Symlink,
    /// A submodule: recorded, never fetched.
    Submodule,
    /// The plugin looked and said that it is not what it reads.
    Unsupported,
}

impl FileState {
    /// Whether the file may hold something that this plugin should have looked at and did not.
    pub const fn is_gap(self) -> bool {
        matches!(self, Self::Skipped(SkipReason::TooLarge) | Self::Failed(_))
    }
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Analysed => "analysed",
            Self::NotOfInterest => "not-of-interest",
            Self::Prefiltered => "prefiltered",
            Self::Skipped(SkipReason::TooLarge) => "skipped:too-large",
            Self::Skipped(SkipReason::Binary) => "skipped:binary",
            Self::Skipped(SkipReason::Symlink) => "skipped:symlink",
            Self::Skipped(SkipReason::Submodule) => "skipped:submodule",
            Self::Skipped(SkipReason::Unsupported) => "skipped:unsupported",
            Self::Failed(reason) => return write!(f, "failed:{reason}"),
        })
    }
}

/// How a plugin's run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "reason")]
pub enum RunStatus {
    /// Every file of interest was analysed or is known to be none of its business.
    Complete,
    /// Some files were not analysed, or some of what was reported was refused or cut.
    Incomplete,
    /// The run gave no usable answer at all.
    Failed(CallReason),
}

/// What of a plugin's report was not taken over. Anything but zeros makes the run incomplete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Refused {
    /// Findings at a place that the plugin was not given or that does not exist.
    pub invalid_location: u64,
    /// Findings of a rule that the manifest does not declare.
    pub undeclared_rule: u64,
    /// Findings with a severity where the manifest fixes it, or without where it does not, or beyond
    /// the declared maximum.
    pub undeclared_severity: u64,
    /// Findings with arguments that the manifest does not declare so.
    pub undeclared_parameter: u64,
    /// Inventory records that are not well formed.
    pub malformed_dependency: u64,
    /// Findings beyond the limit of a run.
    pub truncated: u64,
}

impl Refused {
    /// Whether anything was refused or cut.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// Adds the counts of `other`.
    pub fn add(&mut self, other: &Self) {
        self.invalid_location += other.invalid_location;
        self.undeclared_rule += other.undeclared_rule;
        self.undeclared_severity += other.undeclared_severity;
        self.undeclared_parameter += other.undeclared_parameter;
        self.malformed_dependency += other.malformed_dependency;
        self.truncated += other.truncated;
    }
}
