//! `certus scan` from end to end.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::guest::Guest;
use crate::support::home::Home;

/// A plugin that reports the file `a.txt` with a high finding, in this home.
fn reporting(home: &Home) -> PathBuf {
    home.write(
        "reporting.wasm",
        Guest::files()
            .rule("")
            .manifest("[interest]\ninclude = [\"a.txt\"]")
            .reports("r", "a.txt", Some((0, 5)))
            .build(),
    )
}

fn json(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).expect("JSON")
}

#[test]
fn a_repository_becomes_a_bundle_that_verifies() {
    let home = Home::new();
    let plugin = reporting(&home);
    let repository = home.repository("repo", &[("a.txt", b"hello\n")]);
    // What is not committed is not scanned.
    home.write("repo/b.txt", "not committed");
    let plugin = plugin.to_str().unwrap();
    let ended = home.run(&["scan", "repo", "--profile", "none", "--plugin", plugin, "--out", "out"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("a.txt"), "{}", ended.stdout);

    let scan = json(home.path("out/scan.json"));
    let head = std::fs::read_to_string(repository.join(".git/refs/heads/main")).unwrap();
    assert_eq!(scan["git_commit"], head.trim());
    assert_eq!((&scan["mode"], &scan["decision"]), (&"production".into(), &"pass".into()));
    let coverage = json(home.path("out/coverage.json"));
    assert_eq!(coverage["files"].as_array().unwrap().len(), 1);
    for file in
        ["findings.json", "policy-result.json", "summary.json", "manifest-info.json", "ledger.jsonl", "index.json"]
    {
        assert!(home.path("out").join(file).is_file(), "{file}");
    }
    let verified = home.run(&["verify", "out"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(verified.stdout.contains("verified") && verified.stdout.contains("development key"), "{}", verified.stdout);
    assert_eq!(home.left_over(), [""; 0]);
}

#[test]
fn the_decision_is_the_exit_code() {
    let home = Home::new();
    let plugin = reporting(&home);
    let traps = home.write("traps.wasm", Guest::files().scan("unreachable").build());
    home.write("tree/a.txt", "hello");
    let scan = |more: &[&str]| {
        let base = ["scan", "dir:tree", "--profile", "none", "--force", "--out", "out"];
        home.run(&[&base[..], more].concat())
    };
    let (plugin, traps) = (plugin.to_str().unwrap(), traps.to_str().unwrap());
    assert_eq!(scan(&["--plugin", plugin]).code, 0);
    assert_eq!(scan(&["--plugin", plugin, "--fail-on", "critical"]).code, 0);
    assert_eq!(scan(&["--plugin", plugin, "--fail-on", "high"]).code, 2);
    // Something was not looked at: an error, whatever was found.
    assert_eq!(scan(&["--plugin", traps]).code, 3);
    assert_eq!(scan(&["--plugin", traps, "--fail-on", "low"]).code, 3);
}

#[test]
fn case_062_a_trap_in_one_file_never_passes() {
    let home = Home::new();
    let picky = Guest::files().scan(format!(
        "(if (i32.eq (i32.load8_u (local.get 2)) (i32.const 84)) (then unreachable)) (i32.const {})",
        crate::support::guest::ANSWER
    ));
    let plugin = home.write("picky.wasm", picky.build());
    home.write("tree/a.txt", "Trap");
    home.write("tree/b.txt", "fine");
    let arguments = ["scan", "dir:tree", "--profile", "none", "--plugin", plugin.to_str().unwrap(), "--out", "out"];
    let ended = home.run(&arguments);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let policy = json(home.path("out/policy-result.json"));
    assert_eq!((&policy["decision"], &policy["passed"]), (&"error".into(), &false.into()));
    let coverage = std::fs::read_to_string(home.path("out/coverage.json")).unwrap();
    assert!(coverage.contains("incomplete") && coverage.contains("failed:trap"), "{coverage}");
    assert_eq!(home.run(&["verify", "out"]).code, 0, "an error has a signed bundle too");

    home.write("base.toml", "[[gap]]\npath = \"a.txt\"\nreason = \"broken on purpose\"\n");
    let accepted = home.run(&[&arguments[..], &["--force", "--baseline", "base.toml"]].concat());
    assert_eq!(accepted.code, 0, "the twin is accepted by the operator: {}", accepted.stderr);
    let coverage = std::fs::read_to_string(home.path("out/coverage.json")).unwrap();
    assert!(coverage.contains("failed:trap"), "it stays in the statement");
}

#[test]
fn every_source_with_the_same_content_has_the_same_tree() {
    let home = Home::new();
    let plugin = reporting(&home);
    let plugin = plugin.to_str().unwrap();
    home.repository("repo", &[("a.txt", b"hello\n"), ("d/b.txt", b"deep\n")]);
    home.git("repo", &["clone", "-q", "--bare", ".", "../bare.git"]);
    home.git("repo", &["archive", "--format=tar.gz", "-o", "../tree.tgz", "HEAD"]);
    home.git("repo", &["archive", "--format=zip", "-o", "../tree.zip", "HEAD"]);
    let mut digests = Vec::new();
    for (number, source) in ["repo", "bare.git", "dir:repo", "tree.tgz", "tree.zip"].into_iter().enumerate() {
        let out = format!("out{number}");
        let ended = home.run(&["scan", source, "--profile", "none", "--plugin", plugin, "--out", &out]);
        assert_eq!(ended.code, 0, "{source}: {}", ended.stderr);
        digests.push(json(home.path(&out).join("scan.json"))["tree_digest"].clone());
        assert_eq!(home.run(&["verify", &out]).code, 0, "{source}");
    }
    assert!(digests.iter().all(|d| *d == digests[0]), "{digests:?}");
}

#[test]
fn case_057_markup_in_names_and_texts_is_inert() {
    let home = Home::new();
    let evil = "<img src=x onerror=alert(1)>.txt";
    let plugin = home.write("evil.wasm", Guest::files().rule("").reports("r", evil, Some((0, 8))).build());
    home.write(&format!("tree/{evil}"), "<script>alert(1)</script>\u{202e}\u{1b}[2J");
    let scan = |format: &str, out: &str| {
        let arguments = ["scan", "dir:tree", "--profile", "none", "--plugin", plugin.to_str().unwrap()];
        home.run(&[&arguments[..], &["--format", format, "--out", out]].concat())
    };
    let html = scan("html", "one").stdout;
    assert!(html.contains("&lt;img") || html.contains("&#60;img"), "the name is shown, escaped");
    assert!(!html.contains("<img") && !html.contains("<script"), "{html}");
    assert!(html.contains("Content-Security-Policy") && html.contains("default-src 'none'"));
    for (format, out) in [("table", "two"), ("sarif", "three"), ("json", "four")] {
        let text = scan(format, out).stdout;
        assert!(text.contains("onerror"), "{format} shows the name");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{format} prints controls");
    }
}

#[test]
fn formats_validate_and_agree() {
    let home = Home::new();
    let plugin = reporting(&home);
    home.write("tree/a.txt", "hello");
    let arguments = [
        "scan",
        "dir:tree",
        "--profile",
        "none",
        "--plugin",
        plugin.to_str().unwrap(),
        "--out",
        "out",
        "--format",
        "sarif",
    ];
    let sarif: Value = serde_json::from_str(&home.run(&arguments).stdout).expect("SARIF is JSON");
    // The published schema has a pattern that is no regular expression.
    let text = include_str!("../schemas/sarif-2.1.0.json").replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}?$");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<_> = validator.iter_errors(&sarif).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let findings = json(home.path("out/findings.json"));
    let results: usize =
        sarif["runs"].as_array().unwrap().iter().map(|run| run["results"].as_array().unwrap().len()).sum();
    assert_eq!(findings["findings"].as_array().unwrap().len(), results);
}

#[test]
fn a_baseline_suppresses_and_stays_listed() {
    let home = Home::new();
    let plugin = reporting(&home);
    home.write("tree/a.txt", "hello");
    home.write("base.toml", "[[suppression]]\npath = \"a.txt\"\nreason = \"a test\"\n");
    let base = ["scan", "dir:tree", "--profile", "none", "--plugin", plugin.to_str().unwrap(), "--fail-on", "low"];
    assert_eq!(home.run(&[&base[..], &["--out", "one"]].concat()).code, 2);
    let ended = home.run(&[&base[..], &["--out", "two", "--baseline", "base.toml"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let findings = json(home.path("two/findings.json"));
    assert_eq!(findings["findings"].as_array().unwrap().len(), 1, "it stays listed");
    assert_eq!(json(home.path("two/policy-result.json"))["suppressed"], 1);
}
