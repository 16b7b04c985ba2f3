use certus_model::{Location, Revision, Severity, Span};

use crate::fixture::{Scene, documents, finding, rule, secret, secret_rule, text};

const SECRET: &str = "AKIA-ultra-secret/1";
const NOTE: &str = "parameters = { note = \"text\" }\nmessage = \"note: {note}\"";

/// The note of a plugin, as the report shows it, in a scan in which `secret` was found.
fn note(secret_bytes: &[u8], value: &str) -> String {
    let mut scene = Scene::new([(&b"a"[..], [b"<", secret_bytes, b">"].concat()), (b"b", b"x".to_vec())]);
    let span = Span { start: 1, end: 1 + secret_bytes.len() as u64 };
    let at = Location { path: "a".parse().unwrap(), revision: Revision::Head, span: Some(span) };
    scene.run("t.secrets", &secret_rule("key"), vec![secret("key", at)]);
    let mut other = finding("note", scene.at("b", "x", 0), Severity::Low);
    other.parameters = vec![text("note", value)];
    scene.run("t.other", &rule("note", "low", NOTE), vec![other]);
    let report = scene.report();
    report.findings()[0].message.clone()
}

#[test]
fn texts_lose_every_secret() {
    for (name, secret, value, expected) in [
        ("plain", "hunter2", "pw hunter2.", "note: pw ****."),
        ("twice", "hunter2", "hunter2hunter2", "note: ****"),
        ("short ones stay", "abc", "abc", "note: abc"),
        ("line feed, as the engine spells it", "ab\ncd", "x ab\\u{a}cd y", "note: x **** y"),
        ("without its quotes", "\"hunter2\"", "x hunter2 y", "note: x **** y"),
        ("a line of a long one", "-----BEGIN-----\nMIIEpAIBAAKCAQEA7\nx", "MIIEpAIBAAKCAQEA7", "note: ****"),
        ("the beginning of one at a cut", "hunter2-and-more", "…x hunter2…", "note: …x ****…"),
        ("nothing at a cut", "hunter2-and-more", "y hun…", "note: y hun…"),
        ("part of a character", "\u{e9}tude-secret", "\u{e9}tude-secret!", "note: ****!"),
    ] {
        assert_eq!(note(secret.as_bytes(), value), expected, "{name}");
    }
    assert_eq!(note(b"\xff\xfe\xfdsecret", "a \u{fffd}\u{fffd}\u{fffd}secret b"), "note: a **** b", "not UTF-8");
}

#[test]
fn a_planted_secret_appears_nowhere() {
    let mut scene = Scene::new([
        ("app/.env", format!("TOKEN={SECRET}\n")),
        ("app/main.py", format!("eval(x)  # {SECRET}\n")),
        ("docs/notes.md", format!("one\ntwo {SECRET} {SECRET}\nthree\n")),
        ("long.min.js", format!("{}eval({SECRET}){}", "x".repeat(900), "y".repeat(900))),
        ("Cargo.lock", format!("name = \"{SECRET}\"\n")),
    ]);
    let at = scene.at("app/.env", SECRET, 0);
    scene.run("t.secrets", &secret_rule("key"), vec![secret("key", at)]);
    let places = [("app/main.py", "eval"), ("docs/notes.md", "two"), ("long.min.js", "eval")];
    let mut findings: Vec<_> =
        places.iter().map(|(path, needle)| finding("code", scene.at(path, needle, 0), Severity::Medium)).collect();
    let mut noted = finding("note", scene.at("docs/notes.md", "three", 0), Severity::Low);
    noted.parameters = vec![text("note", &format!("saw {SECRET}"))];
    noted.related = vec![scene.at("app/main.py", SECRET, 0)];
    findings.push(noted);
    let evidence = scene.at("Cargo.lock", SECRET, 0);
    let rules = rule("code", "medium", "") + &rule("note", "low", NOTE);
    let run = scene.run("t.code", &rules, findings);
    let mut stolen = crate::fixture::dependency("1", SECRET, SECRET, &[]);
    stolen.namespace = Some(SECRET.to_owned());
    stolen.licences = vec![SECRET.to_owned()];
    stolen.origin = Some(format!("https://example.org/{SECRET}"));
    stolen.qualifiers.insert("q".to_owned(), SECRET.to_owned());
    stolen.evidence = vec![evidence];
    run.dependencies = vec![stolen];
    scene.baseline = format!("[[suppression]]\npath = \"docs/**\"\nreason = \"{SECRET}\"").parse().unwrap();
    scene.not_run = vec![crate::NotRun { tool: "x".into(), reason: SECRET.into(), required: true }];
    let report = scene.report();
    for (name, document) in documents(&report) {
        assert!(!document.contains("ultra-secret"), "{name} holds the secret");
        let spelt_out = document.replace(['\n', ' '], "").replace("%2F", "/");
        assert!(!spelt_out.contains("ultra-secret"), "{name} holds the secret in pieces");
    }
    assert!(documents(&report)["findings.json"].contains("eval(x)  # ****"));
    assert!(documents(&report)["report.html"].contains("(****)"));
}

#[test]
fn every_sensitive_range_of_a_line_is_masked() {
    let mut scene = Scene::new([("a", "user=bob1 pass=pw1 host=h")]);
    let mut found = finding("plain", scene.at("a", "host", 0), Severity::Low);
    found.sensitive = vec![scene.at("a", "pw1", 0).span.unwrap(), scene.at("a", "bob1", 0).span.unwrap()];
    scene.run("t.p", &rule("plain", "low", ""), vec![found]);
    let report = scene.report();
    assert_eq!(report.findings()[0].places[0].snippet.as_ref().unwrap().text(), "user=**** pass=**** host=h");
}

#[test]
fn a_sensitive_finding_of_a_whole_file_hides_it() {
    let mut scene = Scene::new([("id_rsa", "whole file secret"), ("b", "has whole file secret within")]);
    let mut at = scene.at("id_rsa", "whole", 0);
    at.span = None;
    let word = scene.at("id_rsa", "file", 0);
    let copy = scene.at("b", "within", 0);
    scene.run("t.secrets", &secret_rule("key"), vec![secret("key", at)]);
    scene.run("t.p", &rule("plain", "low", ""), [word, copy].map(|at| finding("plain", at, Severity::Low)).into());
    let report = scene.report();
    let shown: Vec<_> = report.findings().iter().map(|f| f.places[0].snippet.as_ref().map(|s| s.text())).collect();
    assert_eq!(shown, [Some("has **** within".to_owned()), Some("****".to_owned()), None]);
}

#[test]
fn more_secrets_than_can_be_searched_for_show_nothing() {
    let mut scene = Scene::new([("big", "z".repeat((4 << 20) + 1)), ("b", "plain text".to_owned())]);
    let at = scene.at("b", "text", 0);
    let whole = Location {
        path: "big".parse().unwrap(),
        revision: Revision::Head,
        span: Some(Span { start: 0, end: (4 << 20) + 1 }),
    };
    scene.run("t.secrets", &secret_rule("key"), vec![secret("key", whole)]);
    let mut noted = finding("note", at, Severity::Low);
    noted.parameters = vec![text("note", "words")];
    scene.run("t.other", &rule("note", "low", NOTE), vec![noted]);
    let report = scene.report();
    assert!(report.blind);
    assert_eq!(report.findings()[0].message, "note: ****");
    assert_eq!(report.findings()[0].places[0].snippet, None);
    assert!(report.html().unwrap().contains("No code and no text of a plugin is shown"));
}

/// Overlapping secrets in a repetitive file are quadratically many matches.
#[test]
fn a_file_with_too_many_matches_is_hidden() {
    let mut scene = Scene::new([("aaa", "a".repeat(100_000))]);
    let span = |start, end| Span { start, end };
    let mut found = finding(
        "plain",
        Location { path: "aaa".parse().unwrap(), revision: Revision::Head, span: Some(span(5000, 5001)) },
        Severity::Low,
    );
    found.sensitive = (0..40).map(|length| span(0, 4 + length)).collect();
    scene.run("t.p", &rule("plain", "low", ""), vec![found]);
    assert_eq!(scene.report().findings()[0].places[0].snippet, None);
}
