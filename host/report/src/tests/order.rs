use certus_model::Severity;
use certus_model::limits::FINDINGS_PER_SCAN;
use certus_model::outcome::Verdict;

use super::demo::demo;
use crate::fixture::{Scene, documents, finding, json, rule};
use crate::{Error, Report};

/// Case 60: whatever the order in which plugins ran and stated, the bytes are the same.
#[test]
fn case_060_the_order_of_runs_and_findings_leaves_no_trace() {
    let straight = demo();
    let expected = documents(&straight.report());
    let mut shuffled = demo();
    shuffled.runs.reverse();
    shuffled.not_run.reverse();
    for run in &mut shuffled.runs {
        let third = run.findings.len() / 3;
        run.findings.rotate_left(third);
        run.findings.reverse();
        run.dependencies.reverse();
        run.cost.fuel += 1;
        for finding in &mut run.findings {
            finding.sensitive.reverse();
        }
    }
    for (name, document) in documents(&shuffled.report()) {
        assert_eq!(document, expected[name], "{name}");
    }
}

/// Case 60: equal findings of two plugins stay two.
#[test]
fn case_060_plugins_cannot_take_over_each_others_findings() {
    let mut scene = Scene::new([("a", "eval")]);
    let at = scene.at("a", "eval", 0);
    for plugin in ["t.two", "t.one"] {
        scene.run(plugin, &rule("r", "high", ""), vec![finding("r", at.clone(), Severity::High)]);
    }
    let report = scene.report();
    let plugins: Vec<_> = report.findings().iter().map(|finding| finding.plugin_id().as_str()).collect();
    assert_eq!(plugins, ["t.one", "t.two"]);
    assert_eq!(report.counts.high, 2);
}

/// Case 53: beyond the limit of a scan the worst stay, the report says so, and nothing passes.
#[test]
fn case_053_too_many_findings_are_cut_and_never_pass() {
    let count = FINDINGS_PER_SCAN + 5;
    let mut scene = Scene::new([("a", "x\n".repeat(count))]);
    let at = scene.at("a", "x", 0);
    let findings = (0..count).map(|index| {
        let mut at = at.clone();
        at.span = Some(certus_model::Span { start: 2 * index as u64, end: 2 * index as u64 + 1 });
        let severity = if index + 1 == count { Severity::Critical } else { Severity::Info };
        finding("r", at, severity)
    });
    let findings = findings.collect();
    scene.run("t.p", &rule("r", "from-finding", "max-severity = \"critical\""), findings);
    let report = scene.report();
    assert_eq!(report.findings().len(), FINDINGS_PER_SCAN);
    assert_eq!(report.findings().last().unwrap().severity, Severity::Critical, "the last in order, and the worst");
    assert_eq!(report.policy().decision, Verdict::Error);
    assert_eq!(report.counts.info as usize, count - 1, "all are counted");
    assert_eq!(json(&report.findings_json().unwrap())["truncated"], 5);
}

#[test]
fn findings_do_not_tell_which_scan_found_them() {
    let one = demo();
    let mut two = demo();
    two.source = certus_model::source::SourceRecord::Directory { directory_path: "/elsewhere".to_owned() };
    assert_eq!(one.report().findings_json().unwrap(), two.report().findings_json().unwrap());
}

#[test]
fn faults_of_the_host_are_errors() {
    let mut twice = demo();
    let copy = twice.runs[0].clone();
    twice.runs.push(copy);
    assert!(matches!(Report::build(twice.inputs()), Err(Error::DuplicatePlugin(_))));
    let mut short = demo();
    short.runs[0].files.pop();
    assert!(matches!(Report::build(short.inputs()), Err(Error::Coverage { .. })));
    let mut foreign = demo();
    foreign.runs[0].findings[0].rule = "no-such-rule".parse().unwrap();
    assert!(matches!(Report::build(foreign.inputs()), Err(Error::UndeclaredRule { .. })));
}

#[test]
fn coverage_states_every_file_of_every_plugin_once() {
    let scene = demo();
    let report = scene.report();
    let document = json(&report.coverage_json().unwrap());
    let files = document["files"].as_array().unwrap().len();
    for plugin in document["plugins"].as_array().unwrap() {
        let mut stated: Vec<u64> = Vec::new();
        for ranges in plugin["states"].as_object().unwrap().values() {
            for range in ranges.as_array().unwrap() {
                stated.extend(range[0].as_u64().unwrap()..range[1].as_u64().unwrap());
            }
        }
        stated.sort_unstable();
        assert_eq!(stated, (0..files as u64).collect::<Vec<_>>(), "{}", plugin["id"]);
        let counted: u64 = plugin["counts"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(counted, files as u64);
    }
    assert_eq!(document["not_run"][0]["tool"], "ruff");
}
