use certus_model::{Confidence, Finding, Location, Parameter, Revision, Severity, Value};

use crate::fixture::{Scene, finding, rule, secret, secret_rule, text};
use crate::{Argument, Fingerprint};

const RULES: [(&str, &str, &str); 3] = [
    ("plain", "medium", ""),
    (
        "advisory",
        "from-finding",
        "max-severity = \"critical\"\nidentity = [\"package\"]\nparameters = { package = \"text\" }\nmessage = \"{package} is affected\"",
    ),
    (
        "placed",
        "low",
        "parameters = { first = \"location\", count = \"number\" }\nmessage = \"as at {first}, {count} times\"",
    ),
];

fn rules() -> String {
    RULES.iter().map(|(id, severity, more)| rule(id, severity, more)).collect::<String>() + &secret_rule("key")
}

/// The fingerprints of findings of `plain` at each `needle` of one file, from the top.
fn plain(content: &str, needle: &str) -> Vec<Fingerprint> {
    let mut scene = Scene::new([("a.txt", content)]);
    let places: Vec<_> = (0..content.matches(needle).count()).map(|nth| scene.at("a.txt", needle, nth)).collect();
    scene.run("t.p", &rules(), places.into_iter().map(|at| finding("plain", at, Severity::Medium)).collect());
    scene.report().findings().iter().map(|finding| finding.fingerprint).collect()
}

#[test]
fn fingerprints_follow_the_match_and_its_line() {
    let before = plain("let x = eval(a);\n", "eval");
    for (name, content, same) in [
        ("moved down", "// new\n\n\nlet x = eval(a);\n", true),
        ("indented", "\t\tlet x = eval(a);\n", true),
        ("carriage return", "let x = eval(a);\r\n", true),
        ("end of file", "let x = eval(a);", true),
        ("other neighbours", "fn f() {\nlet x = eval(a);\n}\n", true),
        ("changed before", "let y = eval(a);\n", false),
        ("changed after", "let x = eval(b);\n", false),
    ] {
        assert_eq!(plain(content, "eval") == before, same, "{name}");
    }
    assert_ne!(plain("let x = eval(a);\n", "eval(a"), before, "changed match");
}

#[test]
fn equal_lines_of_one_file_are_told_apart_from_the_top() {
    let one = plain("eval(a)\n", "eval");
    let two = plain("eval(a)\nb\neval(a)\n", "eval");
    assert_eq!(two.len(), 2);
    assert_ne!(two[0], two[1]);
    assert_eq!(two[0], one[0]);
}

#[test]
fn fingerprints_tell_plugins_rules_and_paths_apart() {
    let mut seen = std::collections::BTreeSet::new();
    for (plugin, rule, path) in
        [("t.p", "plain", "a"), ("t.q", "plain", "a"), ("t.p", "placed", "a"), ("t.p", "plain", "b")]
    {
        let mut scene = Scene::new([("a", "eval"), ("b", "eval")]);
        let at = scene.at(path, "eval", 0);
        scene.run(plugin, &rules(), vec![finding(rule, at, Severity::Medium)]);
        seen.insert(scene.report().findings()[0].fingerprint);
    }
    assert_eq!(seen.len(), 4);
}

#[test]
fn one_secret_in_many_files_is_one_finding() {
    let mut scene =
        Scene::new([("a.env", "K=s3cr3t-value\n"), ("b/c.env", "x\ny: s3cr3t-value"), ("d", "K=another-one")]);
    let secrets = [("b/c.env", "s3cr3t-value"), ("d", "another-one"), ("a.env", "s3cr3t-value")];
    let places: Vec<_> = secrets.map(|(path, needle)| scene.at(path, needle, 0)).into();
    scene.run("t.p", &rules(), places.into_iter().map(|at| secret("key", at)).collect());
    let report = scene.report();
    let places: Vec<Vec<String>> =
        report.findings().iter().map(|f| f.places.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(places, [vec!["a.env:1", "b/c.env:2"], vec!["d:1"]]);
    assert_eq!(report.counts.high, 2);
    assert_eq!(report.findings()[0].places[1].snippet.as_ref().unwrap().text(), "y: ****");
}

#[test]
fn a_changed_secret_is_another_finding() {
    let of = |value: &str| {
        let mut scene = Scene::new([("a.env", format!("K={value}\n"))]);
        let at = scene.at("a.env", value, 0);
        scene.run("t.p", &rules(), vec![secret("key", at)]);
        scene.report().findings()[0].fingerprint
    };
    assert_eq!(of("hunter2hunter2"), of("hunter2hunter2"));
    assert_ne!(of("hunter2hunter2"), of("hunter2hunter3"));
    // The first and the last bytes of a large match are equal here, its length is not.
    assert_ne!(of(&"a".repeat(80_000)), of(&"a".repeat(80_001)));
}

#[test]
fn identity_is_the_fingerprint_where_a_rule_has_one() {
    let advisory = |at: Location, package: &str, severity, confidence| Finding {
        parameters: vec![text("package", package)],
        confidence,
        ..finding("advisory", at, severity)
    };
    let mut scene = Scene::new([("Cargo.lock", "time 1\ntime 2\nserde 1\n")]);
    let (first, second, other) =
        (scene.at("Cargo.lock", "time", 0), scene.at("Cargo.lock", "time", 1), scene.at("Cargo.lock", "serde", 0));
    let findings = vec![
        advisory(first, "time", Severity::Low, Confidence::High),
        advisory(second, "time", Severity::Critical, Confidence::Low),
        advisory(other, "serde", Severity::Low, Confidence::Low),
    ];
    scene.run("t.p", &rules(), findings);
    let report = scene.report();
    let [time, serde] = report.findings() else { panic!("two findings, not {}", report.findings().len()) };
    assert_eq!((time.severity, time.confidence, time.places.len()), (Severity::Critical, Confidence::Low, 2));
    assert_eq!(serde.message, "serde is affected");

    let mut moved = Scene::new([("Cargo.lock", "new 1\nother text\ntime 7\n")]);
    let at = moved.at("Cargo.lock", "time", 0);
    moved.run("t.p", &rules(), vec![advisory(at, "time", Severity::High, Confidence::High)]);
    assert_eq!(moved.report().findings()[0].fingerprint, time.fingerprint);
}

#[test]
fn places_are_lines_and_utf16_columns() {
    let mut scene = Scene::new([("a.txt", "ä\n😀 hit\nend\n")]);
    let at = scene.at("a.txt", "hit\nend", 0);
    scene.run("t.p", &rules(), vec![finding("plain", at, Severity::Medium)]);
    let report = scene.report();
    let place = &report.findings()[0].places[0];
    let region = place.region.unwrap();
    assert_eq!((region.start.line, region.start.column, region.end.line, region.end.column), (2, 4, 3, 4));
    assert_eq!(place.snippet.as_ref().unwrap().text(), "😀 hit\nend");
}

#[test]
fn places_without_content_stay_bare() {
    let mut scene = Scene::new([("a.txt", "text")]);
    let path: certus_model::RepoPath = "a.txt".parse().unwrap();
    let span = scene.at("a.txt", "text", 0).span;
    let whole = Location { path: path.clone(), revision: Revision::Head, span: None };
    let base = Location { path, revision: Revision::Base, span };
    scene.run("t.p", &rules(), [whole, base].map(|at| finding("plain", at, Severity::Medium)).into());
    let report = scene.report();
    for finding in report.findings() {
        assert_eq!((finding.places[0].region, &finding.places[0].snippet), (None, &None));
        assert_eq!(finding.places[0].to_string(), "a.txt");
    }
    assert_eq!(report.findings().len(), 2);
}

#[test]
fn arguments_reach_message_and_report() {
    let mut scene = Scene::new([("a.txt", "one\ntwo\n")]);
    let (one, two) = (scene.at("a.txt", "one", 0), scene.at("a.txt", "two", 0));
    let mut stated = finding("placed", one.clone(), Severity::Low);
    stated.related = vec![two.clone(), two.clone(), one];
    stated.parameters = vec![
        Parameter { name: "count".to_owned(), value: Value::Number(i64::MIN) },
        Parameter { name: "first".to_owned(), value: Value::Location(two) },
    ];
    scene.run("t.p", &rules(), vec![stated.clone(), stated]);
    let report = scene.report();
    let [finding] = report.findings() else { panic!("the same finding twice is one") };
    assert_eq!(finding.message, "as at a.txt:2, -9223372036854775808 times");
    assert_eq!(finding.related.len(), 2);
    assert!(matches!(&finding.parameters["first"], Argument::Place(place) if place.snippet.is_none()));
    let json = crate::fixture::json(&report.findings_json().unwrap());
    assert_eq!(json["findings"][0]["parameters"]["count"], "-9223372036854775808", "no double holds it");
    assert_eq!(json["findings"][0]["parameters"]["first"]["start_line"], 2);
}

#[test]
fn fingerprints_read_back_and_nothing_else() {
    let printed = plain("eval", "eval")[0].to_string();
    assert_eq!(printed.parse::<Fingerprint>().unwrap().to_string(), printed);
    for bad in ["", "0", &printed.to_uppercase(), &format!("{printed}0")] {
        assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
    }
}

/// A change of what fingerprints are made of breaks every baseline, so it must be meant.
#[test]
fn fingerprints_stay_as_they_are() {
    assert_eq!(plain("let x = eval(a);\n", "eval")[0].to_string(), "7809da663b49887ee199b2bee8c814d2");
}
