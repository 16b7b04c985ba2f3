use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{RuleId, Severity};

/// `[[rules]]`: something that the plugin may report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// Unique within the plugin.
    pub id: RuleId,
    /// A short title.
    pub title: String,
    /// The severity of every finding of this rule, or `from-finding`.
    pub severity: RuleSeverity,
    /// The worst severity that a finding may state; only with `from-finding`, where it is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_severity: Option<Severity>,
    /// The message; `{name}` stands for a declared parameter.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// CWE numbers.
    #[serde(default)]
    pub cwe: Vec<u32>,
    /// Free words for filters.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether the matched bytes are a secret that no output may show.
    #[serde(default)]
    pub sensitive: bool,
    /// Arguments of the message with their types.
    #[serde(default)]
    pub parameters: BTreeMap<String, ParameterType>,
    /// Parameters that make the fingerprint instead of the matched bytes.
    #[serde(default)]
    pub identity: Vec<String>,
    /// What the rule reports and what it does not; `certus plugin test` runs them.
    #[serde(default)]
    pub examples: Examples,
}

/// Where the severity of a rule's findings comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleSeverity {
    /// Fixed.
    Info,
    /// Fixed.
    Low,
    /// Fixed.
    Medium,
    /// Fixed.
    High,
    /// Fixed.
    Critical,
    /// Each finding states its own, up to `max-severity`.
    FromFinding,
}

impl RuleSeverity {
    /// The fixed severity, if it is fixed.
    pub const fn fixed(self) -> Option<Severity> {
        match self {
            Self::Info => Some(Severity::Info),
            Self::Low => Some(Severity::Low),
            Self::Medium => Some(Severity::Medium),
            Self::High => Some(Severity::High),
            Self::Critical => Some(Severity::Critical),
            Self::FromFinding => None,
        }
    }
}

/// Type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterType {
    /// Text; not allowed in a sensitive rule.
    Text,
    /// A whole number.
    Number,
    /// Yes or no.
    Flag,
    /// A place in the workspace.
    Location,
}

/// Examples of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// Each must be reported by this rule.
    #[serde(default)]
    pub bad: Vec<Example>,
    /// None may be reported by this rule.
    #[serde(default)]
    pub good: Vec<Example>,
}

/// One file as an example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The file's path.
    pub path: String,
    /// Its text.
    pub text: String,
}
