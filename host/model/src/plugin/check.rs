use std::collections::BTreeSet;

use super::{CONTRACT, PluginManifest, Rule, RuleSeverity};
use crate::escape::one_line;
use crate::plugin::ParameterType;

/// A `plugin.toml` that is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum BadManifest {
    /// Not TOML, a missing or an unknown key, or a value of the wrong form.
    #[error("plugin.toml does not parse: {0}")]
    Syntax(String),
    /// A value that contradicts the rest.
    #[error("plugin.toml: {key} {problem}")]
    Value {
        /// Where, for example `rules.aws-key.message`.
        key: String,
        /// What is wrong and what to write.
        problem: String,
    },
}

impl BadManifest {
    pub(super) fn syntax(error: toml::de::Error) -> Self {
        Self::Syntax(one_line(error.to_string().trim_end(), 600))
    }
}

/// Both may quote the manifest, which a stranger wrote.
fn bad<T>(key: impl AsRef<str>, problem: impl AsRef<str>) -> Result<T, BadManifest> {
    Err(BadManifest::Value { key: one_line(key.as_ref(), 300), problem: one_line(problem.as_ref(), 600) })
}

pub(super) fn check(manifest: &PluginManifest) -> Result<(), BadManifest> {
    let plugin = &manifest.plugin;
    if plugin.contract != CONTRACT {
        return bad("plugin.contract", format!("is `{}`, this host speaks `{CONTRACT}`", plugin.contract));
    }
    if plugin.exports.is_empty() {
        return bad("plugin.exports", "is empty; name at least one of files, tree, change");
    }
    unique("plugin.exports", plugin.exports.iter().map(|e| e.as_str()))?;
    let interest = &manifest.interest;
    if let Some(short) = interest.keywords.iter().find(|k| k.len() < 3) {
        return bad("interest.keywords", format!("holds `{short}`; a keyword has 3 bytes or more"));
    }
    unique("interest.keywords", interest.keywords.iter().map(|k| k.to_ascii_lowercase()))?;
    let globs = interest.include.iter().chain(&interest.exclude).map(String::as_str);
    for glob in globs.chain(manifest.capabilities.read_globs()) {
        if let Err(error) = globset::Glob::new(glob) {
            return bad("glob", format!("`{glob}` is unusable: {}", error.kind()));
        }
    }
    for capability in manifest.capabilities.declared() {
        if manifest.capabilities.reason(capability).is_some_and(|r| r.trim().is_empty()) {
            return bad(format!("capabilities.{capability}.reason"), "is empty; say why the plugin needs it");
        }
    }
    unique("settings.name", manifest.settings.iter().map(|s| s.name.as_str()))?;
    for setting in &manifest.settings {
        if let Some(objection) = setting.objection(&setting.default) {
            return bad(format!("settings.{}.default", setting.name), objection);
        }
    }
    unique("rules.id", manifest.rules.iter().map(|r| r.id.as_str()))?;
    manifest.rules.iter().try_for_each(rule)
}

fn rule(rule: &Rule) -> Result<(), BadManifest> {
    let key = |field: &str| format!("rules.{}.{field}", rule.id);
    match (rule.severity, rule.max_severity) {
        (RuleSeverity::FromFinding, None) => {
            return bad(key("max-severity"), "is missing; it is required with severity = \"from-finding\"");
        }
        (RuleSeverity::FromFinding, Some(_)) | (_, None) => {}
        (_, Some(_)) => return bad(key("max-severity"), "goes with severity = \"from-finding\" alone"),
    }
    if rule.sensitive && rule.parameters.values().any(|t| *t == ParameterType::Text) {
        return bad(key("parameters"), "declares a text, which a sensitive rule may not: it could carry the secret");
    }
    for name in placeholders(&rule.message).chain(rule.identity.iter().map(String::as_str)) {
        if !rule.parameters.contains_key(name) {
            return bad(key("parameters"), format!("does not declare `{name}`, which message or identity uses"));
        }
    }
    let texts = [(&rule.title, "title", 200), (&rule.message, "message", 1000), (&rule.help, "help", 4000)];
    for (text, field, most) in texts {
        if text.trim().is_empty() || text.len() > most {
            return bad(key(field), format!("must have 1 to {most} bytes"));
        }
    }
    for example in rule.examples.bad.iter().chain(&rule.examples.good) {
        if let Err(error) = example.path.parse::<crate::RepoPath>() {
            return bad(key("examples"), error.to_string());
        }
    }
    Ok(())
}

/// The names in braces of a message template.
fn placeholders(message: &str) -> impl Iterator<Item = &str> {
    message.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

fn unique<T: Ord + std::fmt::Display>(key: &str, names: impl Iterator<Item = T>) -> Result<(), BadManifest> {
    let mut seen = BTreeSet::new();
    for name in names {
        if seen.contains(&name) {
            return bad(key, format!("names `{name}` twice"));
        }
        seen.insert(name);
    }
    Ok(())
}
