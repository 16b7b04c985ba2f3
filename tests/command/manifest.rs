//! `--manifest` and profiles, with the plugins of this repository.

use serde_json::Value;

use crate::support::home::Home;

fn scan(home: &Home, manifest: &str, more: &[&str]) -> (i32, String, Value) {
    home.write("tree/a.txt", "nothing here");
    home.write("manifest.json", manifest);
    let base = ["scan", "dir:tree", "--manifest", "manifest.json", "--out", "out"];
    let ended = home.run(&[&base[..], more].concat());
    let info = std::fs::read(home.path("out/manifest-info.json")).ok();
    let info = info.map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).expect("JSON"));
    (ended.code, ended.stderr, info)
}

#[test]
fn a_manifest_names_its_tools() {
    let home = Home::new();
    let manifest = r#"{"product": "shop", "version": "1", "profiles": [{"name": "Quick", "tools": ["detect-secrets", {"id": "sbom"}], "thresholds": {"high": 0}}]}"#;
    let (code, stderr, info) = scan(&home, manifest, &["--profile", "quick"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(info["tools_selected"], serde_json::json!(["certus.inventory", "certus.secrets"]));
    assert_eq!((&info["profile_resolved"], &info["profile_built_in"]), (&"Quick".into(), &false.into()));
    let given = std::fs::read_to_string(home.path("out/manifest.json")).unwrap();
    assert_eq!(given, manifest, "kept byte for byte");
}

#[test]
fn without_profiles_or_tools_the_built_in_profile_runs_and_says_so() {
    for manifest in [
        r#"{"product": "p", "version": "1"}"#,
        r#"{"product": "p", "version": "1", "profiles": [{"name": "fast", "tools": []}]}"#,
    ] {
        let home = Home::new();
        let (code, stderr, info) = scan(&home, manifest, &["--profile", "fast"]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(info["profile_built_in"], true);
        assert_eq!(info["tools_selected"], serde_json::json!(["certus.secrets"]));
    }
}

#[test]
fn a_known_tool_without_a_plugin_is_an_error_unless_optional() {
    let with = |tool: &str| {
        format!(
            r#"{{"product": "p", "version": "1", "profiles": [{{"name": "x", "tools": ["detect-secrets", {tool}]}}]}}"#
        )
    };
    let home = Home::new();
    let (code, stderr, info) = scan(&home, &with("\"bandit\""), &["--profile", "x"]);
    assert_eq!(code, 3, "{stderr}");
    assert_eq!(info["unsupported_manifest_tools"], serde_json::json!(["bandit"]));
    let coverage = std::fs::read_to_string(home.path("out/coverage.json")).unwrap();
    assert!(coverage.contains("bandit"), "{coverage}");
    let home = Home::new();
    let (code, stderr, info) = scan(&home, &with(r#"{"id": "bandit", "optional": true}"#), &["--profile", "x"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(info["unsupported_manifest_tools"], serde_json::json!(["bandit"]));
}

#[test]
fn a_scan_in_which_no_tool_has_a_plugin_vouches_for_nothing() {
    for tool in ["\"bandit\"", r#"{"id": "bandit", "optional": true}"#] {
        let home = Home::new();
        let only = format!(r#"{{"product": "p", "version": "1", "profiles": [{{"name": "x", "tools": [{tool}]}}]}}"#);
        let (code, stderr, info) = scan(&home, &only, &["--profile", "x"]);
        assert_eq!(code, 3, "{tool}: {stderr}");
        assert_eq!(info["unsupported_manifest_tools"], serde_json::json!(["bandit"]));
        let result = std::fs::read_to_string(home.path("out/policy-result.json")).unwrap();
        assert!(result.contains("no plugin ran"), "{result}");
    }
}

#[test]
fn unknown_words_are_refused_with_suggestions() {
    let profile = r#"{"product": "p", "version": "1", "profiles": [{"name": "light", "tools": ["detect-secret"]}]}"#;
    let (code, stderr, _) = scan(&Home::new(), profile, &[]);
    assert_eq!(code, 1);
    assert!(stderr.contains("detect-secret") && stderr.contains("did you mean `detect-secrets`"), "{stderr}");
    let (code, stderr, _) = scan(&Home::new(), profile, &["--profile", "lite"]);
    assert_eq!(code, 1);
    assert!(
        stderr.contains("manifest profile 'lite' not found") && stderr.contains("Available profiles: light"),
        "{stderr}"
    );
    let (code, stderr, _) = scan(&Home::new(), r#"{"product": "p", "profils": []}"#, &[]);
    assert_eq!(code, 1);
    assert!(stderr.contains("profils"), "{stderr}");
}
