//! Checked findings in every format that a report has.
#![no_main]

use certus_fuzz::stated::{MARKER, Stated};
use certus_fuzz::{checks, run};
use certus_model::severity::Thresholds;
use certus_model::source::SourceRecord;
use certus_report::{Baseline, Colour, Report};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|stated: Stated| {
    let (workspace, marked) = stated.workspace();
    let run = run::checked(&stated, &workspace);
    // The marker is a secret where a finding of the sensitive rule covers it.
    let is_secret = marked.is_some_and(|(path, start)| {
        let end = start + MARKER.len() as u64;
        run.findings.iter().any(|finding| {
            finding.rule.as_str() == "secret"
                && finding.at.path.as_str() == path
                && finding.at.span.is_some_and(|span| span.start == start && span.end == end)
        })
    });
    let runs = [run];
    let source = SourceRecord::Directory { directory_path: "src".to_owned() };
    let (thresholds, baseline) = (Thresholds::default(), Baseline::default());
    let report = Report::build(run::inputs(&runs, &workspace, &source, &thresholds, &baseline)).expect("a report");

    let mut documents = vec![
        ("findings.json", report.findings_json().expect("findings")),
        ("coverage.json", report.coverage_json().expect("coverage")),
        ("policy-result.json", report.policy_json().expect("a decision")),
        ("summary.json", report.summary_json().expect("a summary")),
        ("findings.sarif.json", report.sarif().expect("SARIF")),
    ];
    documents.extend(report.cyclonedx().expect("CycloneDX").map(|bytes| ("sbom.cdx.json", bytes)));
    documents.extend(report.spdx().expect("SPDX").map(|bytes| ("sbom.spdx.json", bytes)));
    for (name, bytes) in &documents {
        let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        checks::canonical(name, bytes);
        assert!(!text.contains(char::is_control), "{name} holds a raw control character");
    }
    let html = report.html().expect("a page");
    checks::no_controls("report.html", &html);
    let (head, body) = html.split_once("<body").expect("a page has a body");
    assert!(head.contains("Content-Security-Policy"), "the page forbids scripts");
    assert!(!body.contains("<script") && !body.contains("<img"), "the body holds markup of somebody else");
    let table = report.table(Colour::Plain, 80).expect("a table");
    checks::no_controls("the table", &table);

    if is_secret {
        documents.push(("report.html", html.into_bytes()));
        documents.push(("the table", table.into_bytes()));
        for (name, bytes) in &documents {
            let shown = bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
            assert!(!shown, "{name} shows a secret");
        }
    }
});
