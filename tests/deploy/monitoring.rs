//! The board and the rules, checked by Prometheus' own tool, and against the counters of the program.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{deploy, output, read, root, said, tool};

fn rules() -> std::path::PathBuf {
    deploy().join("prometheus/certus.rules.yml")
}

fn board() -> Value {
    serde_json::from_str(&read(&deploy().join("grafana/certus.json"))).expect("JSON")
}

/// The names of counters in a text, as the program has them: without what a histogram adds.
fn counters(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices("certus_assurance_").map(|(at, _)| &text[at..]);
    let names = starts.map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_').unwrap_or(rest.len());
        let name = &rest[..end];
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        base.unwrap_or(name).to_owned()
    });
    names.filter(|name| name.len() > "certus_assurance_".len()).collect()
}

/// What the program counts: the names in the sources of the host, where they are counted.
fn counted() -> BTreeSet<String> {
    fn sources(folder: &Path, found: &mut String) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("tests") {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                *found += &read(&path);
            }
        }
    }
    let mut text = String::new();
    sources(&root().join("host"), &mut text);
    let names = counters(&text);
    assert!(names.contains("certus_assurance_scans_total"), "{names:?}");
    names
}

#[test]
fn prometheus_takes_the_rules_and_each_alert_fires_when_it_should() {
    let Some(promtool) = tool("promtool", "the rules") else { return };
    let checked = output(Command::new(&promtool).args(["check", "rules"]).arg(rules()));
    assert!(checked.status.success(), "{}", said(&checked));
    let file = rules().with_file_name("certus.rules.test.yml");
    let tested = output(Command::new(&promtool).args(["test", "rules"]).arg(&file));
    assert!(tested.status.success(), "{}", said(&tested));
    // The tests can fail: without its threshold an alert fires for whom it is not about.
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("certus.rules.yml"), read(&rules()).replace("> 600", "> 0")).unwrap();
    let tests = read(&file);
    let (head, tests) = tests.split_once("\n  - name: ").expect("tests");
    let one = tests.split("\n  - name: ").find(|test| test.contains("alertname: CertusQueueOld\n")).expect("that one");
    let copy = folder.path().join("certus.rules.test.yml");
    std::fs::write(&copy, format!("{head}\n  - name: {one}\n")).expect("a file");
    let failed = output(Command::new(&promtool).args(["test", "rules"]).arg(copy));
    assert!(!failed.status.success() && said(&failed).contains("CertusQueueOld"), "{}", said(&failed));
}

#[test]
fn every_alert_is_tried_and_explained() {
    let rules = read(&rules());
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 15, "{alerts:?}");
    let tests = read(&deploy().join("prometheus/certus.rules.test.yml"));
    let docs = read(&root().join("docs/operations/monitoring.md"));
    for alert in &alerts {
        let tries = tests.split("    alert_rule_test:").filter(|part| part.contains(&format!("alertname: {alert}\n")));
        assert!(tries.filter(|part| part.contains("exp_labels")).count() > 0, "{alert} is never seen to fire");
        assert!(docs.contains(&format!("| `{alert}` |")), "{alert} stands in docs/operations/monitoring.md");
    }
    assert_eq!(rules.matches("summary: ").count(), alerts.len());
    assert_eq!(rules.matches("action: ").count(), alerts.len(), "whoever is woken is told what to do");
    assert_eq!(rules.matches("labels: {severity: ").count(), alerts.len());
}

/// Every query of the board, with its panel.
fn queries(board: &Value) -> Vec<(String, String)> {
    let panels = board["panels"].as_array().expect("panels").iter();
    let of = |panel: &Value| {
        let title = panel["title"].as_str().expect("a title").to_owned();
        let targets = panel["targets"].as_array().cloned().unwrap_or_default().into_iter();
        targets
            .map(move |target| (title.clone(), target["expr"].as_str().expect("a query").to_owned()))
            .collect::<Vec<_>>()
    };
    panels.flat_map(of).collect()
}

#[test]
fn every_query_of_the_board_is_one() {
    let board = board();
    let queries = queries(&board);
    assert!(queries.len() > 25, "{}", queries.len());
    for (title, query) in &queries {
        assert!(query.contains("job=~\"$job\""), "{title} is of the chosen job: {query}");
    }
    let Some(promtool) = tool("promtool", "the board") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let check = |queries: &[(String, String)]| {
        let rules = queries.iter().zip(0..).map(|((_, query), number)| {
            let query = query.replace("$__rate_interval", "5m").replace("$job", ".*");
            format!("      - {{record: \"query:{number}\", expr: {}}}\n", Value::String(query))
        });
        let file = folder.path().join("board.yml");
        let text = format!("groups:\n  - name: board\n    rules:\n{}", rules.collect::<String>());
        std::fs::write(&file, text).expect("a file");
        output(Command::new(&promtool).args(["check", "rules"]).arg(file))
    };
    let checked = check(&queries);
    assert!(checked.status.success(), "{}", said(&checked));
    let wrong = check(&[("wrong".to_owned(), queries[0].1.replacen('(', "((", 1))]);
    assert!(!wrong.status.success(), "{}", said(&wrong));
}

#[test]
fn panels_are_explained_and_do_not_lie_on_each_other() {
    let board = board();
    let panels = board["panels"].as_array().expect("panels");
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().expect("a title");
        assert!(ids.insert(panel["id"].as_i64().expect("an id")), "{title}: its id is another one's");
        let place = |key: &str| panel["gridPos"][key].as_i64().expect("a place");
        assert!(place("x") + place("w") <= 24, "{title} fits");
        for (x, y) in (0..place("w")).flat_map(|x| (0..place("h")).map(move |y| (x, y))) {
            assert!(taken.insert((place("x") + x, place("y") + y)), "{title} lies on another");
        }
        if panel["type"] != "row" {
            assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{title}");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title} has a unit");
        }
    }
}

#[test]
fn what_is_shown_is_counted_and_what_is_counted_is_explained() {
    let counted = counted();
    let known: BTreeSet<&str> = counted.iter().map(String::as_str).collect();
    let board: String = queries(&board()).into_iter().map(|(_, query)| query + "\n").collect();
    let sources = [
        ("the board", board),
        ("the rules", read(&rules())),
        ("the rules' tests", read(&deploy().join("prometheus/certus.rules.test.yml"))),
        ("monitoring.md", read(&root().join("docs/operations/monitoring.md"))),
    ];
    for (place, text) in &sources {
        let named = counters(text);
        let unknown: Vec<_> = named.iter().filter(|name| !known.contains(name.as_str())).collect();
        assert!(unknown.is_empty(), "{place} names {unknown:?}, which nothing counts");
    }
    let (shown, docs) = (counters(&sources[0].1), &sources[3].1);
    for name in known {
        assert!(docs.contains(&format!("| `{name}` |")), "{name} stands in docs/operations/monitoring.md");
        assert!(shown.contains(name), "{name} is on the board");
    }
}
