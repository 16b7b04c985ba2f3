//! A plugin's manifest.
#![no_main]

use std::collections::BTreeSet;

use certus_fuzz::checks;
use certus_model::PluginManifest;
use certus_model::limits::Limits;
use certus_model::plugin::ParameterType;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let manifest: PluginManifest = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return checks::one_line(error),
    };
    let ids: BTreeSet<_> = manifest.rules.iter().map(|rule| &rule.id).collect();
    assert_eq!(ids.len(), manifest.rules.len(), "a rule is declared once");
    for rule in &manifest.rules {
        let has_text = rule.parameters.values().any(|ty| *ty == ParameterType::Text);
        assert!(!(rule.sensitive && has_text), "{}: a secret could leave through its parameter", rule.id);
        assert!(rule.severity.fixed().is_some() || rule.max_severity.is_some(), "{}", rule.id);
    }
    for setting in &manifest.settings {
        assert_eq!(setting.objection(&setting.default), None);
    }
    let ceiling = Limits::default();
    let limits = manifest.limits.within(&ceiling);
    assert!(limits.memory <= ceiling.memory && limits.file_transfer <= ceiling.file_transfer);
    assert!(limits.fuel.file_call <= ceiling.fuel.file_call && limits.fuel.per_mib <= ceiling.fuel.per_mib);
    let again = toml::to_string(&manifest).expect("what was read can be written");
    assert_eq!(again.parse::<PluginManifest>().ok().as_ref(), Some(&manifest), "{again}");
});
