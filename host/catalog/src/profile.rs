//! The built-in profiles: the names of the replaced service, mapped to the plugins that exist.

use certus_model::severity::Thresholds;

/// A built-in profile.
pub(crate) struct BuiltIn {
    pub(crate) name: &'static str,
    /// Short names of plugins.
    pub(crate) plugins: &'static [&'static str],
    /// The most critical, high and medium findings that pass.
    thresholds: [Option<u64>; 3],
}

const BROAD: &[&str] = &["secrets", "inventory", "licences"];
const OPEN: [Option<u64>; 3] = [None, None, None];

/// Thresholds are those of the presets `light` and `standard` of the replaced service; the others had none.
const BUILT_IN: &[BuiltIn] = &[
    BuiltIn { name: "smoke", plugins: &["secrets"], thresholds: OPEN },
    BuiltIn { name: "fast", plugins: &["secrets"], thresholds: OPEN },
    BuiltIn { name: "medium", plugins: &["secrets", "licences"], thresholds: OPEN },
    BuiltIn { name: "standard", plugins: &["secrets", "inventory"], thresholds: [Some(0), Some(0), Some(25)] },
    BuiltIn { name: "light", plugins: BROAD, thresholds: [Some(0), Some(5), Some(50)] },
    BuiltIn { name: "full", plugins: BROAD, thresholds: OPEN },
    BuiltIn { name: "heavy", plugins: BROAD, thresholds: OPEN },
    BuiltIn { name: "polyglot", plugins: BROAD, thresholds: OPEN },
    BuiltIn { name: "javascript", plugins: &["secrets", "inventory"], thresholds: OPEN },
    BuiltIn { name: "attestation-test", plugins: &["inventory"], thresholds: OPEN },
    BuiltIn { name: "sbom-only", plugins: &["inventory"], thresholds: OPEN },
    BuiltIn { name: "none", plugins: &[], thresholds: OPEN },
];

/// The names of all built-in profiles.
pub fn profile_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|profile| profile.name)
}

/// The built-in profile of that name, whatever its case.
pub(crate) fn built_in(name: &str) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|profile| profile.name.eq_ignore_ascii_case(name))
}

impl BuiltIn {
    pub(crate) fn thresholds(&self) -> Thresholds {
        Thresholds::of(self.thresholds)
    }
}
