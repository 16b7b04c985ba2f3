use certus_model::Severity;
use certus_model::coverage::{FileState, RunStatus, SkipReason};
use certus_model::outcome::{CallReason, Verdict};
use certus_model::severity::Thresholds;

use crate::NotRun;
use crate::fixture::{Scene, finding, rule};

/// A scene with `count` high findings and a limit of two.
fn scene(count: usize) -> Scene {
    let lines: String = (0..count).map(|number| format!("eval {number}\n")).collect();
    let mut scene = Scene::new([("a", lines), ("b", String::new())]);
    let findings = (0..count).map(|nth| finding("bad", scene.at("a", "eval", nth), Severity::High)).collect();
    scene.run("t.p", &rule("bad", "high", ""), findings);
    scene.thresholds = Thresholds::of([None, Some(2), None]);
    scene
}

#[test]
fn thresholds_are_strict() {
    for (count, decision, violations) in [
        (0, Verdict::Pass, vec![]),
        (2, Verdict::Pass, vec![]),
        (3, Verdict::Fail, vec!["high findings exceeded threshold (3 > 2)"]),
    ] {
        let scene = scene(count);
        let report = scene.report();
        assert_eq!(report.policy().decision, decision, "{count}");
        assert_eq!(report.policy().passed, decision == Verdict::Pass);
        assert_eq!(report.policy().violations, violations);
    }
}

#[test]
fn whatever_was_not_looked_at_is_an_error_and_outweighs_a_failure() {
    type Spoil = fn(&mut Scene);
    let cases: [(&str, Spoil, &str); 13] = [
        ("incomplete", |s| s.runs[0].status = RunStatus::Incomplete, "t.p did not complete its run"),
        ("failed", |s| s.runs[0].status = RunStatus::Failed(CallReason::Fuel), "t.p failed and gave no answer (fuel)"),
        (
            "failed file",
            |s| s.runs[0].files[1] = FileState::Failed(CallReason::Trap),
            "t.p did not analyse `b` (failed:trap)",
        ),
        (
            "skipped files",
            |s| s.runs[0].files = vec![FileState::Skipped(SkipReason::TooLarge); 2],
            "t.p did not analyse 2 files (skipped:too-large), the first `a`",
        ),
        ("invalid location", |s| s.runs[0].refused.invalid_location = 1, "t.p reported 1 findings at a place"),
        ("undeclared rule", |s| s.runs[0].refused.undeclared_rule = 2, "2 findings of a rule"),
        ("undeclared severity", |s| s.runs[0].refused.undeclared_severity = 1, "severity"),
        ("undeclared parameter", |s| s.runs[0].refused.undeclared_parameter = 1, "arguments"),
        ("malformed dependency", |s| s.runs[0].refused.malformed_dependency = 1, "inventory"),
        ("truncated", |s| s.runs[0].refused.truncated = 7, "7 findings beyond the limit"),
        ("problems", |s| s.runs[0].problems = 2, "t.p reported 2 problems that concern no single file"),
        ("nothing ran", |s| s.runs.clear(), "no plugin ran"),
        (
            "missing tool",
            |s| {
                s.not_run =
                    vec![NotRun { tool: "trivy".into(), reason: "no plugin stands for it".into(), required: true }]
            },
            "required tool `trivy` did not run: no plugin stands for it",
        ),
    ];
    for (name, spoil, sentence) in cases {
        for count in [0, 3] {
            let mut scene = scene(count);
            spoil(&mut scene);
            let report = scene.report();
            let policy = report.policy();
            assert_eq!((policy.decision, policy.passed), (Verdict::Error, false), "{name}");
            assert!(policy.gaps[0].contains(sentence), "{name}: {:?}", policy.gaps);
        }
    }
}

#[test]
fn what_is_no_gap_leaves_the_decision() {
    let mut scene = scene(1);
    scene.runs[0].files[1] = FileState::Skipped(SkipReason::Binary);
    scene.not_run = vec![NotRun { tool: "ruff".into(), reason: "optional".into(), required: false }];
    assert_eq!(scene.report().policy().decision, Verdict::Pass);
}

#[test]
fn gaps_are_the_first_twenty_and_a_number() {
    let mut scene = scene(0);
    let missing = |number| NotRun { tool: format!("tool-{number:02}"), reason: "gone".into(), required: true };
    scene.not_run = (0..25).rev().map(missing).collect();
    let report = scene.report();
    let gaps = &report.policy().gaps;
    assert_eq!(gaps.len(), 21);
    assert!(gaps[0].contains("tool-00"));
    assert_eq!(gaps[20], "and 5 more; see coverage.json");
}
