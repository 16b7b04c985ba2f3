use certus_model::Severity;

use crate::Baseline;
use crate::fixture::{Scene, finding, rule, secret, secret_rule};

fn scene() -> Scene {
    let mut scene = Scene::new([("src/a.rs", "eval\nkey-0123456789"), ("tests/x/b.rs", "eval\nkey-0123456789")]);
    let evals = ["src/a.rs", "tests/x/b.rs"].map(|path| finding("plain", scene.at(path, "eval", 0), Severity::Medium));
    let keys = ["src/a.rs", "tests/x/b.rs"].map(|path| secret("key", scene.at(path, "key-0123456789", 0)));
    scene.run("t.code", &rule("plain", "medium", ""), evals.into());
    scene.run("t.secrets", &secret_rule("key"), keys.into());
    scene
}

#[test]
fn entries_suppress_what_they_name() {
    let fingerprint = scene().report().findings()[0].fingerprint;
    for (name, entry, suppressed, unused) in [
        ("fingerprint", format!("fingerprint = \"{fingerprint}\""), vec![0], 0),
        ("foreign fingerprint", format!("fingerprint = \"{}\"", "0".repeat(32)), vec![], 1),
        ("path of one place", "path = \"tests/**\"".to_owned(), vec![1], 0),
        ("path of all places", "path = \"**/*.rs\"".to_owned(), vec![0, 1, 2], 0),
        ("a star stays in its folder", "path = \"tests/*\"".to_owned(), vec![], 1),
        ("rule", "path = \"**\"\nrule = \"plain\"".to_owned(), vec![0, 1], 0),
        ("plugin and rule", "path = \"**\"\nrule = \"secrets/key\"".to_owned(), vec![2], 0),
        ("whole plugin id", "path = \"**\"\nrule = \"t.secrets/key\"".to_owned(), vec![2], 0),
        ("other plugin", "path = \"**\"\nrule = \"code/key\"".to_owned(), vec![], 1),
    ] {
        let mut scene = scene();
        scene.baseline = format!("[[suppression]]\n{entry}\nreason = \"known\"").parse().unwrap();
        let report = scene.report();
        let found: Vec<usize> =
            report.findings().iter().enumerate().filter(|(_, f)| f.suppressed.is_some()).map(|(i, _)| i).collect();
        assert_eq!(found, suppressed, "{name}");
        assert_eq!(report.unused_suppressions().len(), unused, "{name}");
        assert_eq!(report.findings().len(), 3, "{name}: suppressed findings stay listed");
        assert_eq!(report.policy().suppressed as usize, suppressed.len(), "{name}");
        assert_eq!(report.counts.total() as usize, 3 - suppressed.len(), "{name}");
    }
}

#[test]
fn a_secret_that_leaves_the_suppressed_folder_counts_again() {
    let mut scene = scene();
    scene.baseline = "[[suppression]]\npath = \"tests/**\"\nrule = \"key\"\nreason = \"example\"".parse().unwrap();
    assert_eq!(scene.report().counts.high, 1);
}

#[test]
fn reasons_are_shown_redacted() {
    let mut scene = scene();
    scene.baseline = "[[suppression]]\npath = \"**\"\nreason = \"is key-0123456789\\u001b[2J\"".parse().unwrap();
    let report = scene.report();
    let suppression = report.findings()[0].suppressed.as_ref().unwrap();
    assert_eq!((suppression.reason.as_str(), suppression.by.as_str()), ("is ****\\u{1b}[2J", "path **"));
}

#[test]
fn unusable_baselines_are_refused_by_entry() {
    for (name, text, named) in [
        ("not TOML", "[[suppression", "the text"),
        ("unknown table", "[[suppressions]]\nreason = \"x\"", "suppressions"),
        ("unknown key", "[[suppression]]\npath = \"a\"\nreason = \"x\"\nuntil = 3", "until"),
        ("no reason", "[[suppression]]\npath = \"a\"", "reason"),
        ("empty reason", "[[suppression]]\npath = \"a\"\nreason = \" \"", "suppression 1"),
        ("neither", "[[suppression]]\nreason = \"x\"", "fingerprint"),
        ("both", "[[suppression]]\npath = \"a\"\nfingerprint = \"00\"\nreason = \"x\"", "either"),
        ("no fingerprint", "[[suppression]]\nfingerprint = \"00\"\nreason = \"x\"", "32 lower-case"),
        (
            "rule beside a fingerprint",
            "[[suppression]]\nfingerprint = \"00\"\nrule = \"a\"\nreason = \"x\"",
            "drop `rule`",
        ),
        ("unusable glob", "[[suppression]]\npath = \"a{\"\nreason = \"x\"", "glob"),
        ("unusable rule", "[[suppression]]\npath = \"a\"\nrule = \"A B\"\nreason = \"x\"", "write a rule"),
        ("empty plugin", "[[suppression]]\npath = \"a\"\nrule = \"/b\"\nreason = \"x\"", "write a rule"),
    ] {
        let error = text.parse::<Baseline>().unwrap_err().to_string();
        assert!(error.contains(named), "{name}: {error}");
    }
    let twice = format!("[[suppression]]\nfingerprint = \"{0}\"\nreason = \"x\"\n", "ab".repeat(16)).repeat(2);
    assert!(twice.parse::<Baseline>().unwrap_err().to_string().contains("suppression 2"));
    assert!("".parse::<Baseline>().unwrap().is_empty());
}
