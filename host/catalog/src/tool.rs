//! Tool names as manifests use them, and what stands for them here.

use certus_model::escape::one_line;

/// What a known name means.
pub(crate) enum Meaning {
    /// These plugins, by short name, do its work.
    Plugins(&'static [&'static str]),
    /// The host itself does it with every scan.
    Host,
    /// Known, but nothing here does its work.
    Nobody,
}

/// The tools of the replaced service first, then names that people use for the same thing.
const KNOWN: &[(&str, Meaning)] = &[
    ("ruff", Meaning::Nobody),
    ("bandit", Meaning::Nobody),
    ("detect-secrets", Meaning::Plugins(&["secrets"])),
    ("opengrep", Meaning::Nobody),
    ("trivy", Meaning::Plugins(&["secrets", "inventory"])),
    ("privacy", Meaning::Plugins(&["privacy"])),
    ("sbom", Meaning::Plugins(&["inventory"])),
    ("attestation", Meaning::Host),
    ("dast", Meaning::Nobody),
    ("eslint-security", Meaning::Nobody),
    ("retire-js", Meaning::Nobody),
    ("retire", Meaning::Nobody),
    ("semgrep", Meaning::Nobody),
    ("zap", Meaning::Nobody),
    ("checkov", Meaning::Nobody),
    ("presidio", Meaning::Plugins(&["privacy"])),
    ("syft", Meaning::Plugins(&["inventory"])),
    ("cyclonedx", Meaning::Plugins(&["inventory"])),
    ("spdx", Meaning::Plugins(&["inventory"])),
    ("gitleaks", Meaning::Plugins(&["secrets"])),
    ("betterleaks", Meaning::Plugins(&["secrets"])),
    ("trufflehog", Meaning::Plugins(&["secrets"])),
    ("kingfisher", Meaning::Plugins(&["secrets"])),
    ("licenses", Meaning::Plugins(&["licences"])),
    ("scancode", Meaning::Plugins(&["licences"])),
    ("manifest", Meaning::Host),
    ("summary", Meaning::Host),
];

/// What `name` means, if it is known.
pub(crate) fn meaning(name: &str) -> Option<&'static Meaning> {
    KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, meaning)| meaning)
}

/// All known names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(name, _)| *name)
}

/// ` (did you mean \`x\`?)`, if one of the candidates is close to `word`. A candidate may come from a manifest, so it
/// is made safe to print.
pub(crate) fn hint<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    let word = word.to_ascii_lowercase();
    candidates
        .map(|candidate| (strsim::jaro_winkler(&word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| format!(" (did you mean `{}`?)", one_line(candidate, 200)))
        .unwrap_or_default()
}
