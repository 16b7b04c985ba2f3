use super::*;

const GOOD: &str = r#"
[plugin]
id = "acme.demo"
version = "1.0.0"
summary = "Finds nothing."
licence = "Apache-2.0"
contract = "certus:scanner@0.1.0"
exports = ["files"]
[interest]
keywords = ["akia"]
[[settings]]
name = "depth"
type = "number"
default = 3
min = 1
max = 9
help = "How deep."
[capabilities.workspace]
include = ["**/Cargo.lock"]
reason = "reads lock files"
[limits]
memory = "16 MiB"
[[rules]]
id = "r1"
title = "T"
severity = "high"
message = "found {what}"
help = "Remove it."
parameters = { what = "text" }
identity = ["what"]
examples = { bad = [{ path = "a.txt", text = "x" }] }
"#;

#[test]
fn a_whole_manifest_reads() {
    let manifest: PluginManifest = GOOD.parse().unwrap();
    assert_eq!(manifest.plugin.id.short_name(), "demo");
    assert_eq!(manifest.capabilities.declared(), [Capability::Workspace]);
    assert_eq!(manifest.default_settings()["depth"], SettingValue::Number(3));
    assert_eq!(manifest.limits.within(&crate::limits::Limits::default()).memory, 16 << 20);
}

#[test]
fn every_contradiction_is_refused_by_name() {
    for (from, to, named) in [
        ("certus:scanner@0.1.0", "certus:scanner@9.0.0", "plugin.contract"),
        ("exports = [\"files\"]", "exports = []", "plugin.exports"),
        ("exports = [\"files\"]", "exports = [\"network\"]", "network"),
        ("[\"akia\"]", "[\"ak\"]", "interest.keywords"),
        ("[\"akia\"]", "[\"akia\", \"AKIA\"]", "interest.keywords"),
        ("**/Cargo.lock", "a{b", "glob"),
        ("reads lock files", " ", "capabilities.workspace.reason"),
        ("[capabilities.workspace]", "[capabilities.sockets]", "sockets"),
        ("default = 3", "default = 30", "settings.depth.default"),
        ("severity = \"high\"", "severity = \"from-finding\"", "rules.r1.max-severity"),
        ("{what}", "{other}", "other"),
        ("title = \"T\"", "title = \"T\"\nsensitive = true", "secret"),
        ("a.txt", "../a.txt", "examples"),
        ("memory = \"16 MiB\"", "memory = \"16 MB\"", "16 MB"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let error = GOOD.replacen(from, to, 1).parse::<PluginManifest>().unwrap_err().to_string();
        assert!(error.contains(named), "{to}: {error}");
    }
}

#[test]
fn what_a_refusal_quotes_is_printable_and_short() {
    let long = "x".repeat(10_000);
    for (from, to) in [
        ("certus:scanner@0.1.0", "\\u001b[2J\\nfake"),
        ("[\"akia\"]", "[\"\\u0007\"]"),
        ("**/Cargo.lock", "a{\\u202eb"),
        ("{what}", "{\\u001b[2J}"),
        ("certus:scanner@0.1.0", &long),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let error = GOOD.replacen(from, to, 1).parse::<PluginManifest>().unwrap_err().to_string();
        assert!(error.chars().all(crate::escape::is_printable) && error.len() < 1000, "{error:?}");
    }
}
