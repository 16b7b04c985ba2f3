//! A plugin's manifest, `plugin.toml`: who it is, what it looks at, what it asks for, what it may say.

mod capability;
mod check;
mod rule;
mod setting;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::capability::{
    Capabilities, Capability, DataCapability, LogCapability, WasiCapability, WorkspaceCapability,
};
pub use self::check::BadManifest;
pub use self::rule::{Example, Examples, ParameterType, Rule, RuleSeverity};
pub use self::setting::{Setting, SettingType, SettingValue};
use crate::PluginId;
use crate::size::ByteSize;

/// The contract that this host speaks.
pub const CONTRACT: &str = "certus:scanner@0.1.0";
/// Name of the custom section that holds the manifest's text in a component.
pub const SECTION: &str = "certus:plugin";
/// Name of the custom section that says with which settings the memory snapshot was taken: the hex
/// digest that the sandbox gives them.
pub const SNAPSHOT_SECTION: &str = "certus:snapshot";

/// The manifest, checked: see [`PluginManifest::from_str`] for what that means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PluginManifest {
    /// Identity.
    pub plugin: Identity,
    /// Which files a `files` scanner is given.
    #[serde(default)]
    pub interest: Interest,
    /// What an operator may set.
    #[serde(default)]
    pub settings: Vec<Setting>,
    /// What it asks for beyond what every plugin has.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// Limits it asks for.
    #[serde(default)]
    pub limits: RequestedLimits,
    /// What it may report.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// Who the plugin is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Identity {
    /// Publisher and name.
    pub id: PluginId,
    /// Semantic version of the plugin.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// SPDX expression of the plugin's own licence.
    pub licence: String,
    /// The contract it is built for.
    pub contract: String,
    /// Oldest host that can run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_host: Option<String>,
    /// The scanner interfaces that it exports beside `plugin`.
    pub exports: Vec<Export>,
}

/// A scanner interface of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Export {
    /// One file a call, pushed by the host.
    Files,
    /// The workspace as a whole.
    Tree,
    /// The difference between two revisions.
    Change,
}

impl Export {
    /// The interface's name within the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Tree => "tree",
            Self::Change => "change",
        }
    }
}

/// Which files a `files` scanner is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Interest {
    /// Path globs; empty means every file.
    pub include: Vec<String>,
    /// Path globs that are left out, whatever `include` says.
    pub exclude: Vec<String>,
    /// Literal keywords of 3 bytes or more, matched with ASCII case folded. If there are any, a file
    /// without one is never given to the plugin.
    pub keywords: Vec<String>,
    /// Larger files are not given; that is a gap in the coverage.
    pub max_file_size: ByteSize,
    /// Whether files with a NUL byte in their first 8,000 bytes (git's own test) are given too.
    pub binary: bool,
}

impl Default for Interest {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            keywords: Vec::new(),
            max_file_size: ByteSize(64 << 20),
            binary: false,
        }
    }
}

/// Limits that a plugin asks for; the operator's ceiling wins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RequestedLimits {
    /// Sum of all memories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<ByteSize>,
    /// Instruction budgets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<RequestedFuel>,
    /// What it may hand to the host in one call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<ByteSize>,
}

/// Instruction budgets that a plugin asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RequestedFuel {
    /// For `configure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configure: Option<u64>,
    /// For a call, before content is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<u64>,
    /// Added per MiB of content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_mib: Option<u64>,
}

impl RequestedLimits {
    /// `ceiling`, lowered where the plugin asks for less.
    pub fn within(&self, ceiling: &crate::limits::Limits) -> crate::limits::Limits {
        let mut limits = ceiling.clone();
        let lower = |value: &mut u64, asked: Option<u64>| *value = asked.map_or(*value, |a| a.min(*value));
        lower(&mut limits.memory, self.memory.map(|m| m.0));
        let output = self.output.map(|o| o.0);
        lower(&mut limits.file_transfer, output);
        lower(&mut limits.tree_transfer, output);
        if let Some(fuel) = &self.fuel {
            lower(&mut limits.fuel.configure, fuel.configure);
            lower(&mut limits.fuel.file_call, fuel.call);
            lower(&mut limits.fuel.tree_call, fuel.call);
            lower(&mut limits.fuel.per_mib, fuel.per_mib);
        }
        limits
    }
}

impl PluginManifest {
    /// The rule of that id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id.as_str() == id)
    }

    /// Whether it exports `export`.
    pub fn exports(&self, export: Export) -> bool {
        self.plugin.exports.contains(&export)
    }

    /// Its settings with their defaults.
    pub fn default_settings(&self) -> std::collections::BTreeMap<String, SettingValue> {
        self.settings.iter().map(|s| (s.name.to_string(), s.default.clone())).collect()
    }
}

impl FromStr for PluginManifest {
    type Err = BadManifest;

    /// Reads and checks the text of a `plugin.toml`: unknown keys, a foreign contract, double or
    /// undeclared names, keywords under three bytes, unusable globs, capabilities and rules that
    /// contradict themselves are all refused, each with the key and the fix.
    fn from_str(text: &str) -> Result<Self, BadManifest> {
        let manifest: Self = toml::from_str(text).map_err(BadManifest::syntax)?;
        check::check(&manifest)?;
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests;
