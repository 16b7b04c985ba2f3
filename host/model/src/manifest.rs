//! A scan manifest: which tools run under which profile, and what they may find (JSON).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::severity::Thresholds;

/// What a client asks to have run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScanManifest {
    /// The product under test.
    pub product: String,
    /// The manifest's own version.
    #[serde(default = "unversioned")]
    pub version: String,
    /// Who answers for it.
    #[serde(default)]
    pub owners: Vec<String>,
    /// Named presets, carried along.
    #[serde(default)]
    pub presets: Vec<Value>,
    /// Profiles; none means that the built-in profile of the requested name runs.
    #[serde(default)]
    pub profiles: Vec<Profile>,
    /// Compliance outcomes, carried along.
    #[serde(default)]
    pub compliance: Vec<Value>,
    /// Free annotations, carried along.
    #[serde(default)]
    pub annotations: BTreeMap<String, Value>,
}

fn unversioned() -> String {
    "unversioned".to_owned()
}

/// One profile of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// Matched without regard to case.
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Tools to run; none means those of the built-in profile of that name.
    #[serde(default)]
    pub tools: Vec<Tool>,
    /// The most findings of each severity that pass.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// Whether a running stack is needed, as for dynamic tests.
    #[serde(default)]
    pub requires_stack: bool,
    /// Where that stack answers; carried along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_base_url: Option<String>,
    /// Who is told; carried along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Value>,
    /// Bundle options; carried along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Value>,
}

/// A tool as manifests name it: a plain word or an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ToolForm")]
pub struct Tool {
    /// The tool's name: a plugin or one of the names of the replaced service.
    pub id: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Settings of the plugin.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, Value>,
    /// Whether the scan may go on without it. A tool that is not optional and cannot run makes the
    /// decision `error`.
    pub optional: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ToolForm {
    Word(String),
    Object(ToolObject),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolObject {
    id: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    config: BTreeMap<String, Value>,
    #[serde(default)]
    optional: bool,
}

impl From<ToolForm> for Tool {
    fn from(form: ToolForm) -> Self {
        match form {
            ToolForm::Word(id) => {
                Self { id, description: None, category: None, config: BTreeMap::new(), optional: false }
            }
            ToolForm::Object(ToolObject { id, description, category, config, optional }) => {
                Self { id, description, category, config, optional }
            }
        }
    }
}

/// What was asked for and what was made of it: `manifest-info.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestInfo {
    /// The product of the manifest; empty without one.
    pub product: String,
    /// The manifest's version; empty without one.
    pub version: String,
    /// The profile that was asked for.
    pub profile_requested: String,
    /// The profile that ran.
    pub profile_resolved: String,
    /// Whether that profile is one of the host's own: the manifest has none, or its tools are empty.
    pub profile_built_in: bool,
    /// The tools that were asked for, by the names that were used.
    pub tools_requested: Vec<String>,
    /// The plugins that ran, by id.
    pub tools_selected: Vec<String>,
    /// SHA-256 of `manifest.json` as given; none without a manifest.
    pub manifest_digest: Option<crate::Sha256>,
    /// Whether the manifest's signature was checked.
    pub manifest_verified: bool,
    /// Known tools that no plugin here stands for.
    pub unsupported_manifest_tools: Vec<String>,
    /// The most findings of each severity that pass.
    pub policy_thresholds: Thresholds,
    /// Whether the profile asks for a running stack.
    pub requires_stack: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_words_or_objects() {
        let text = r#"{"product": "p", "profiles": [{"name": "Light", "tools": ["trivy", {"id": "ruff", "optional": true}],
            "thresholds": {"high": 5}, "requiresStack": false}]}"#;
        let manifest: ScanManifest = serde_json::from_str(text).unwrap();
        let tools = &manifest.profiles[0].tools;
        assert_eq!((tools[0].id.as_str(), tools[0].optional), ("trivy", false));
        assert_eq!((tools[1].id.as_str(), tools[1].optional), ("ruff", true));
        assert!(serde_json::from_str::<ScanManifest>(r#"{"product": "p", "profile": []}"#).is_err());
    }
}
