//! E. What guests report.

use certus_model::coverage::RunStatus;
use certus_model::limits::Limits;
use certus_model::outcome::{AdmissionReason, CallReason};
use certus_sandbox::AdmitError;

use crate::support::answer::{Argument, Place, Stated, place, stated};
use crate::support::guest::{ANSWER, DATA, Guest, escaped, with_manifest};
use crate::support::{run, run_jobs};

const FILES: &[(&str, &[u8])] = &[("a.txt", b"hello"), ("b.txt", b"other")];

/// Answers with `count` copies of one finding at the first byte of the file it is given.
pub(super) fn floods(count: u32) -> Vec<u8> {
    let list: u32 = 262_144;
    Guest::files()
        .pages(2000)
        .rule("")
        .items(format!("(data (i32.const {DATA}) \"{}\")", escaped(b"r")))
        .scan(format!(
            "(local $i i32) (local $at i32)
             (local.set $at (i32.const {list}))
             (loop $again
               (i32.store (local.get $at) (i32.const {DATA}))
               (i32.store offset=4 (local.get $at) (i32.const 1))
               (i32.store offset=8 (local.get $at) (local.get 0))
               (i32.store offset=12 (local.get $at) (local.get 1))
               (local.set $at (i32.add (local.get $at) (i32.const 80)))
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if $again (i32.lt_u (local.get $i) (i32.const {count}))))
             (i32.store (i32.const {}) (i32.const {list}))
             (i32.store (i32.const {}) (i32.const {count}))
             (i32.const {ANSWER})",
            ANSWER + 8,
            ANSWER + 12
        ))
        .build()
}

#[test]
fn case_053_a_flood_of_findings_is_cut_and_said() {
    let limits = Limits::default();
    let flooded = run(&floods(1_000_001), &limits, &FILES[..1]);
    assert_eq!(flooded.status, RunStatus::Failed(CallReason::TooMuchData));
    let cut = run(&floods(20_000), &limits, &FILES[..1]);
    assert_eq!((cut.status, cut.refused.truncated), (RunStatus::Incomplete, 10_000));
    let off = Limits { findings_per_run: 1_000_000, ..limits };
    assert_eq!(run(&floods(20_000), &off, &FILES[..1]).status, RunStatus::Complete);
}

/// A guest that states one finding among `FILES[0]`'s, and one that is fine.
fn states(rule: &str, finding: Stated) -> Vec<u8> {
    Guest::files().rule(rule).states(&[finding, stated(place("a.txt", Some((0, 1))))]).build()
}

#[test]
fn case_054_oversized_fields_are_refused_and_the_scan_ends() {
    const PARAMETERS: &str = "parameters = { t = \"text\", l = \"location\" }";
    let spans = |count: u64| (0..count).map(|at| (at % 5, 5)).collect::<Vec<_>>();
    let places = |count: u64| spans(count).into_iter().map(|span| place("a.txt", Some(span))).collect::<Vec<_>>();
    let texts = |count: usize, bytes: usize| vec![("t", Argument::Text(vec![b'x'; bytes])); count];
    let one = || stated(place("a.txt", Some((0, 5))));
    for (name, finding, fits, counter) in [
        (
            "text",
            Stated { parameters: texts(1, 1 << 20), ..one() },
            Stated { parameters: texts(1, 64 << 10), ..one() },
            "parameter",
        ),
        (
            "arguments",
            Stated { parameters: texts(10_000, 1), ..one() },
            Stated { parameters: texts(1, 1), ..one() },
            "parameter",
        ),
        ("rule", Stated { rule: vec![b'r'; 1 << 20], ..one() }, one(), "rule"),
        ("path", stated(place(vec![b'a'; 1 << 20], None)), one(), "location"),
        (
            "related",
            Stated { related: places(10_000), ..one() },
            Stated { related: places(1_000), ..one() },
            "location",
        ),
        (
            "sensitive",
            Stated { sensitive: spans(10_000), ..one() },
            Stated { sensitive: spans(1_000), ..one() },
            "location",
        ),
    ] {
        let refused = run(&states(PARAMETERS, finding), &Limits::default(), &FILES[..1]);
        let counts = [
            ("parameter", refused.refused.undeclared_parameter),
            ("rule", refused.refused.undeclared_rule),
            ("location", refused.refused.invalid_location),
        ];
        assert!(counts.iter().all(|(of, count)| *count == u64::from(*of == counter)), "{name}: {counts:?}");
        assert_eq!((refused.findings.len(), refused.status), (1, RunStatus::Incomplete), "{name}: the other one stays");
        let taken = run(&states(PARAMETERS, fits), &Limits::default(), &FILES[..1]);
        assert_eq!((taken.findings.len(), taken.status), (2, RunStatus::Complete), "{name}: the twin fits");
    }
}

/// Nothing in the contract nests, so what nests is what people write: manifests.
#[test]
fn case_054_a_manifest_nested_a_thousand_deep_is_refused() {
    let nested = |depth: usize| {
        let tags = format!("tags = {}\"a\"{}", "[".repeat(depth), "]".repeat(depth));
        let guest = Guest::files().rule(&tags);
        crate::support::admit(&with_manifest(guest.bare(), guest.manifest_text()))
    };
    let Err(AdmitError::Refused(refusal)) = nested(1_000) else { panic!("it was admitted") };
    assert_eq!(refusal.reason, AdmissionReason::Undeclared, "{refusal}");
    assert!(nested(1).is_ok(), "the twin");
}

#[test]
fn case_055_places_that_do_not_exist_are_refused_and_counted() {
    for (name, path, span) in [
        ("parent", "../../etc/passwd", None),
        ("absolute", "/etc/passwd", None),
        ("drive", "C:\\x", None),
        ("NUL", "a.txt\0", None),
        ("unknown", "z.txt", None),
        ("empty", "", None),
        ("beyond the end", "a.txt", Some((0, 6))),
        ("end before start", "a.txt", Some((3, 2))),
        ("far beyond", "a.txt", Some((u64::MAX, u64::MAX))),
        ("wrapping", "a.txt", Some((u64::MAX, 0))),
        ("trailing slash", "a.txt/", None),
        ("dot", "./a.txt", None),
        ("detour", "b/../a.txt", None),
        ("another spelling", "%61.txt", None),
        ("escaped parent", "%2E%2E/a.txt", None),
        ("folder", "d", None),
        ("line feed", "a.txt\n", None),
    ] {
        let guest = Guest::files().rule("").reports("r", path, span).build();
        let run = run(&guest, &Limits::default(), &FILES[..1]);
        assert_eq!(run.refused.invalid_location, 1, "{name}");
        assert!(run.findings.is_empty(), "{name}");
        assert_eq!(run.status, RunStatus::Incomplete, "{name}");
    }
    let guest = Guest::files().rule("").reports("r", "a.txt", Some((0, 5))).build();
    let run = run(&guest, &Limits::default(), &FILES[..1]);
    assert_eq!((run.findings.len(), run.status), (1, RunStatus::Complete), "the twin exists");
}

#[test]
fn case_055_a_finding_speaks_of_the_file_that_was_given() {
    // Both files exist; the plugin was given one at a time.
    let guest = Guest::files().rule("").reports("r", "a.txt", None).build();
    let run = run(&guest, &Limits::default(), FILES);
    assert_eq!((run.findings.len(), run.refused.invalid_location), (1, 1));
}

#[test]
fn case_055_every_place_of_a_finding_is_checked() {
    const PARAMETERS: &str = "parameters = { l = \"location\" }";
    let one = || stated(place("a.txt", Some((0, 5))));
    let argument = |at| vec![("l", Argument::Place(at))];
    let beyond = || place("a.txt", Some((0, 6)));
    for (name, finding) in [
        ("base revision", stated(Place { revision: 1, ..place("a.txt", None) })),
        ("sensitive, beyond", Stated { sensitive: vec![(0, 5), (4, 6)], ..one() }),
        ("sensitive, reversed", Stated { sensitive: vec![(5, 0)], ..one() }),
        ("related, beyond", Stated { related: vec![one().at, beyond()], ..one() }),
        ("related, unknown", Stated { related: vec![place("../a.txt", None)], ..one() }),
        ("argument, beyond", Stated { parameters: argument(beyond()), ..one() }),
        ("argument, unknown", Stated { parameters: argument(place("/etc/passwd", None)), ..one() }),
    ] {
        let run = run(&states(PARAMETERS, finding), &Limits::default(), &FILES[..1]);
        assert_eq!((run.findings.len(), run.refused.invalid_location), (1, 1), "{name}");
        assert_eq!(run.status, RunStatus::Incomplete, "{name}");
    }
    let all = Stated { sensitive: vec![(0, 5)], related: vec![one().at], parameters: argument(one().at), ..one() };
    let run = run(&states(PARAMETERS, all), &Limits::default(), &FILES[..1]);
    assert_eq!((run.findings.len(), run.status), (2, RunStatus::Complete), "the twin exists");
}

#[test]
fn case_056_undeclared_severities_are_refused() {
    let rule = |severity: &str| {
        format!("[[rules]]\nid = \"r\"\ntitle = \"A rule\"\n{severity}\nmessage = \"found\"\nhelp = \"Remove it.\"")
    };
    let says = |rule: &str, severity| {
        let finding = Stated { severity, ..stated(place("a.txt", None)) };
        run(&Guest::files().manifest(rule).states(&[finding]).build(), &Limits::default(), &FILES[..1])
    };
    for (name, rule, refused, permitted) in [
        ("fixed by the manifest", rule("severity = \"high\""), Some(3), None),
        ("the finding's own", rule("severity = \"from-finding\"\nmax-severity = \"critical\""), None, Some(4)),
        ("up to a maximum", rule("severity = \"from-finding\"\nmax-severity = \"low\""), Some(2), Some(1)),
    ] {
        let run = says(&rule, refused);
        assert_eq!((run.findings.len(), run.refused.undeclared_severity), (0, 1), "{name}");
        assert_eq!(run.status, RunStatus::Incomplete, "{name}");
        let run = says(&rule, permitted);
        assert_eq!((run.findings.len(), run.status), (1, RunStatus::Complete), "{name}: the twin");
    }
}

#[test]
fn case_056_undeclared_rules_are_refused() {
    let guest = Guest::files().rule("").reports("other", "a.txt", None).build();
    let run = run(&guest, &Limits::default(), &FILES[..1]);
    assert_eq!((run.findings.len(), run.refused.undeclared_rule), (0, 1));
    assert_eq!(run.status, RunStatus::Incomplete);
}

#[test]
fn case_059_texts_that_are_no_text_are_refused_and_odd_ones_are_not() {
    let says = |text: &[u8]| {
        let finding = Stated { parameters: vec![("t", Argument::Text(text.to_vec()))], ..stated(place("a.txt", None)) };
        Guest::files().rule("parameters = { t = \"text\" }").states(&[finding])
    };
    let bad: [(&str, &[u8]); 5] = [
        ("lone surrogate", b"\xed\xa0\x80"),
        ("pair of surrogates", b"\xed\xa0\xbd\xed\xb2\xa9"),
        ("over-long", b"\xc0\xaf"),
        ("beyond Unicode", b"\xf4\x90\x80\x80"),
        ("cut", b"\xe2\x80"),
    ];
    for (name, text) in bad {
        let run = run(&says(text).build(), &Limits::default(), &FILES[..1]);
        assert_eq!(run.status, RunStatus::Failed(CallReason::BadAbi), "{name}");
    }
    for (name, text) in [("NUL", "\0"), ("line separator", "\u{2028}"), ("last character", "\u{10ffff}"), ("none", "")]
    {
        let run = run(&says(text.as_bytes()).build(), &Limits::default(), &FILES[..1]);
        assert_eq!((run.findings.len(), run.status), (1, RunStatus::Complete), "{name}");
        assert_eq!(
            run.findings[0].parameters[0].value,
            certus_model::Value::Text(text.to_owned()),
            "{name}: as it was"
        );
    }
}

/// The same of a guest whose texts are UTF-16, as those of JavaScript are.
#[test]
fn case_059_lone_surrogates_of_utf16_are_refused() {
    // Texts are as long in units of two bytes as they were in bytes, so the path is another one here.
    let says = |text: &[u8]| {
        let finding = Stated { parameters: vec![("t", Argument::Text(text.to_vec()))], ..stated(place("a.txt", None)) };
        let guest = Guest::files().rule("parameters = { t = \"text\" }").states(&[finding]);
        let printed = wasmprinter::print_bytes(guest.bare()).expect("the component prints");
        assert!(printed.contains("string-encoding=utf8"), "{printed}");
        let component =
            wat::parse_str(printed.replace("string-encoding=utf8", "string-encoding=utf16")).expect("it parses");
        run(&with_manifest(component, guest.manifest_text()), &Limits::default(), &FILES[..1])
    };
    let lone = says(b"\x00\xd8\x00\xd8\0\0\0\0");
    assert_eq!(lone.status, RunStatus::Failed(CallReason::BadAbi));
    let pair = says(b"\x3d\xd8\xa9\xdc\0\0\0\0");
    assert_eq!(
        (pair.status, pair.refused.invalid_location),
        (RunStatus::Incomplete, 1),
        "the twin is text, and checked"
    );
}

#[test]
fn case_061_the_order_of_workers_leaves_no_trace() {
    let names: Vec<_> = (0..3000).map(|i| format!("d{}/f{i:04}.txt", i % 7)).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), n.as_bytes())).collect();
    let guest = floods(3);
    let one = run_jobs(&guest, &Limits::default(), &files, 1);
    assert_eq!(one.findings.len(), 3000);
    for jobs in [2, 8] {
        let many = run_jobs(&guest, &Limits::default(), &files, jobs);
        assert_eq!(
            (many.findings, many.files, many.uses, many.status),
            (one.findings.clone(), one.files.clone(), one.uses.clone(), one.status)
        );
    }
}
