//! A suppression baseline, and what it does to a report.
#![no_main]

use std::sync::OnceLock;

use certus_fuzz::stated::Stated;
use certus_fuzz::{checks, run};
use certus_model::PluginRun;
use certus_model::severity::Thresholds;
use certus_model::source::SourceRecord;
use certus_model::workspace::MemoryWorkspace;
use certus_report::{Baseline, Report};
use libfuzzer_sys::fuzz_target;

static SCENE: OnceLock<(MemoryWorkspace, [PluginRun; 1])> = OnceLock::new();

/// A run with three findings.
fn scene() -> &'static (MemoryWorkspace, [PluginRun; 1]) {
    SCENE.get_or_init(|| {
        let stated = Stated::example();
        let (workspace, _) = stated.workspace();
        let run = run::checked(&stated, &workspace);
        assert_eq!(run.findings.len(), 3, "{:?}", run.refused);
        (workspace, [run])
    })
}

fuzz_target!(|text: &str| {
    let baseline: Baseline = match text.parse() {
        Ok(baseline) => baseline,
        Err(error) => return checks::one_line(error),
    };
    let (workspace, runs) = scene();
    let source = SourceRecord::Directory { directory_path: "src".to_owned() };
    let (thresholds, empty) = (Thresholds::default(), Baseline::default());
    let with = Report::build(run::inputs(runs, workspace, &source, &thresholds, &baseline)).expect("a report");
    let without = Report::build(run::inputs(runs, workspace, &source, &thresholds, &empty)).expect("a report");
    assert_eq!(with.findings().len(), without.findings().len(), "what is suppressed is still told");
    let suppressed = with.findings().iter().filter(|finding| finding.suppressed.is_some()).count() as u64;
    assert_eq!(suppressed, with.policy().suppressed);
    assert!(suppressed == 0 || !baseline.is_empty());
    for suppression in with.findings().iter().filter_map(|finding| finding.suppressed.as_ref()) {
        checks::one_line(&suppression.reason);
        checks::one_line(&suppression.by);
    }
    for unused in with.unused_suppressions() {
        checks::one_line(&unused.by);
        checks::one_line(&unused.reason);
    }
});
