//! E. Hostile texts in everything that a guest or a repository may say, through the command.

use certus_model::RepoPath;
use certus_model::escape::is_printable;
use serde_json::Value;

use crate::support::answer::{Argument, Package, Problem, Stated, place, stated};
use crate::support::guest::Guest;
use crate::support::home::Home;

/// What browsers, viewers, spreadsheets and terminals might act on.
const TEXTS: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(2)>",
    "</script></style></title></textarea><svg onload=alert(3)>",
    "<a href=\"javascript:alert(4)\">x</a>",
    "[click](javascript:alert(5))",
    "' onmouseover='alert(6)",
    "]]>",
    "```",
    "=cmd()|' /C calc'!A0",
    "<iframe srcdoc=\"<script>alert(7)</script>\">",
    "&lt;script&gt;alert(8)&lt;/script&gt;",
    "<meta http-equiv=refresh content=0;url=https://elsewhere.example/>",
];

/// What a terminal or a reader of a log would fall for; no package may be named so.
const CONTROLS: [&str; 6] = [
    "\u{1b}[2J\u{1b}[31mgone",
    "\u{1b}]8;;https://elsewhere.example/\u{7}link\u{1b}]8;;\u{7}",
    "one\n INFO plugin log plugin=certus.secrets line=\"forged\"",
    "back\rover\u{8}\u{7f}",
    "\u{202e}gnp.exe\u{2066}\u{200b}",
    "nul\0 \u{2028}line \u{9b}31m \u{feff}",
];

fn all_texts() -> impl Iterator<Item = &'static str> {
    TEXTS.into_iter().chain(CONTROLS)
}

/// A rule whose every text is hostile, in TOML.
fn hostile_rule() -> String {
    let all = toml::Value::from(all_texts().collect::<Vec<_>>().join(" ")).to_string();
    let message = toml::Value::from(format!("{{t}} {}", TEXTS.join(" "))).to_string();
    let tags = toml::Value::from(all_texts().map(toml::Value::from).collect::<Vec<_>>()).to_string();
    format!(
        "[[rules]]\nid = \"r\"\ntitle = {}\nseverity = \"high\"\nmessage = {message}\nhelp = {all}\ntags = {tags}\nparameters = {{ t = \"text\" }}",
        toml::Value::from(TEXTS[..3].concat())
    )
}

/// Scans files with hostile names and content with a guest that reports hostile texts of each; the
/// bundle is `out` in this home.
pub(super) fn hostile_scan(home: &Home, format: &str) -> String {
    let name = |text: &str| {
        let name = format!("{text}.txt").replace("//", "/").replace('\0', "");
        home.write(&format!("tree/{name}"), all_texts().collect::<Vec<_>>().join("\n"));
        RepoPath::from_bytes(name.as_bytes()).unwrap().to_string()
    };
    let spelt: Vec<String> = all_texts().map(name).collect();
    let findings: Vec<Stated> = spelt
        .iter()
        .flat_map(|path| all_texts().map(move |text| (path, text)))
        .zip(0_u64..)
        .map(|((path, text), at)| Stated {
            parameters: vec![("t", Argument::Text(text.into()))],
            related: vec![place(path, None)],
            ..stated(place(path, Some((at % 200, 220))))
        })
        .collect();
    let packages: Vec<Package> = TEXTS
        .iter()
        .zip(0..)
        .map(|(text, number)| Package {
            id: format!("{number}").into(),
            ecosystem: if number % 2 == 0 { "npm".into() } else { (*text).into() },
            name: (*text).into(),
            version: Some((*text).into()),
            qualifiers: vec![((*text).into(), (*text).into())],
            licences: vec![(*text).into()],
            origin: Some(["javascript:alert(9)", "data:text/html,<script>alert(10)</script>", text][number % 3].into()),
            evidence: vec![place(&spelt[0], Some((0, 1)))],
        })
        .collect();
    let guest = Guest::tree().manifest(&hostile_rule()).reports_all(&findings, &[], &packages).build();
    let plugin = home.write("hostile.wasm", guest);
    let arguments = ["scan", "dir:tree", "--profile", "none", "--plugin", plugin.to_str().unwrap()];
    let ended = home.run(&[&arguments[..], &["--format", format, "--out", "out", "--force"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.stdout
}

/// Every text of a JSON document, each below its keys: `/runs/results/message/text`.
fn texts(value: &Value, keys: &str, out: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => out.push((keys.to_owned(), text.clone())),
        Value::Array(items) => items.iter().for_each(|item| texts(item, keys, out)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| texts(value, &format!("{keys}/{key}"), out)),
        _ => {}
    }
}

fn bundled(home: &Home, name: &str) -> String {
    std::fs::read_to_string(home.path("out").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

const DOCUMENTS: [&str; 7] = [
    "findings.json",
    "coverage.json",
    "policy-result.json",
    "summary.json",
    "reports/sast/findings.sarif.json",
    "reports/sbom/sbom.cdx.json",
    "reports/sbom/sbom.spdx.json",
];

#[test]
fn case_057_every_document_is_inert() {
    let home = Home::new();
    let table = hostile_scan(&home, "table");
    assert!(table.contains("<script>"), "a terminal runs no markup: {table}");
    let page = bundled(&home, "reports/report.html");
    let (_, body) = page.split_once("</head>").unwrap();
    for markup in
        ["<script", "<img", "<svg", "<iframe", "<meta", "<a href=\"j", " onerror=alert(2)>", "onload=alert(3)>"]
    {
        assert!(!body.contains(markup), "{markup}");
    }
    for link in body.split("href=\"").skip(1) {
        assert!(link.starts_with('#'), "{}", &link[..20]);
    }
    for name in DOCUMENTS {
        let text = bundled(&home, name);
        let mut found = Vec::new();
        texts(&serde_json::from_str(&text).unwrap(), "", &mut found);
        assert!(!found.is_empty(), "{name}");
        for (keys, text) in found {
            assert!(!text.starts_with("javascript:") && !text.starts_with("data:"), "{name}: {keys}: {text}");
            // What SARIF calls a message may hold links; a snippet is none.
            let is_message = ["essage/text", "help/text", "escription/text"].iter().any(|end| keys.ends_with(end));
            assert!(!is_message || !text.contains("]("), "{name}: an embedded link in {keys}: {text}");
        }
    }
    let sarif: Value = serde_json::from_str(&bundled(&home, DOCUMENTS[4])).unwrap();
    for result in sarif["runs"][0]["results"].as_array().unwrap() {
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.contains([':', '<', '"', '\'', ' ']), "{uri}");
    }
}

#[test]
fn case_058_no_output_holds_a_control_character() {
    let home = Home::new();
    for format in ["table", "sarif", "json", "html"] {
        let shown = hostile_scan(&home, format);
        assert_printable(&shown, format);
        assert!(shown.contains("\\u{1b}[2J") || shown.contains("\\\\u{1b}[2J"), "{format} spells them out");
    }
    for name in DOCUMENTS.into_iter().chain(["ledger.jsonl", "scan.json", "logs/events.jsonl", "reports/report.html"]) {
        assert_printable(&bundled(&home, name), name);
    }
    // Case 59: what was written reads back, byte for byte, and is signed.
    assert_eq!(home.run(&["verify", "out"]).code, 0);
}

/// Nothing but line feeds among printable characters.
fn assert_printable(text: &str, what: &str) {
    let bad: Vec<char> = text.chars().filter(|c| *c != '\n' && !is_printable(*c)).collect();
    assert!(bad.is_empty(), "{what}: {bad:?}");
}

/// A `files` guest that logs each of `lines` when it is given a file.
fn logging(lines: &[&str]) -> Guest {
    let mut guest = Guest::files()
        .imports("(import \"certus:scanner/log@0.1.0\" \"write\" (func $log (param i32 i32 i32)))")
        .manifest("[capabilities.log]\nreason = \"a test\"");
    let mut calls = String::new();
    let mut at = 4096;
    for line in lines {
        guest = guest.items(format!("(data (i32.const {at}) \"{}\")", crate::support::guest::escaped(line.as_bytes())));
        calls += &format!("(call $log (i32.const 1) (i32.const {at}) (i32.const {}))", line.len());
        at += line.len();
    }
    guest.scan(format!("{calls} (i32.const {})", crate::support::guest::ANSWER))
}

#[test]
fn case_058_a_guests_log_is_one_escaped_line_a_message() {
    let home = Home::new();
    home.write("tree/a.txt", "x");
    let plugin = home.write("logs.wasm", logging(&CONTROLS).build());
    let base =
        ["scan", "dir:tree", "--profile", "none", "--plugin", plugin.to_str().unwrap(), "--out", "out", "--force"];
    let loud = home.run(&[&base[..], &["-v"]].concat());
    assert_eq!(loud.code, 0, "{}", loud.stderr);
    assert_printable(&loud.stderr, "stderr");
    let lines: Vec<&str> = loud.stderr.lines().filter(|line| line.contains("plugin log")).collect();
    assert_eq!(lines.len(), CONTROLS.len(), "{}", loud.stderr);
    assert!(
        lines.iter().all(|line| line.trim_start().starts_with("INFO plugin log plugin=test.guest line=")),
        "{lines:?}"
    );
    assert!(lines[2].contains("\\u{a} INFO plugin log plugin=certus.secrets"), "{lines:?}");
    for name in DOCUMENTS[..5].iter().chain(&["ledger.jsonl", "scan.json", "logs/events.jsonl", "reports/report.html"])
    {
        assert!(!bundled(&home, name).contains("forged"), "{name}: the log is the operator's alone");
    }
    let quiet = home.run(&base);
    assert!(!quiet.stderr.contains("plugin log"), "it was not asked for: {}", quiet.stderr);
}

/// The same in what a guest gives as the reason why it did not look, and in the names of files.
#[test]
fn case_058_a_guests_excuse_is_one_escaped_line() {
    let home = Home::new();
    home.write("tree/a\u{1b}[2J\nb.txt", "x");
    let note = CONTROLS.join(" ");
    let guest = Guest::files().fails(&Problem { reason: 3, at: None, note: note.into() }).build();
    let plugin = home.write("excuse.wasm", guest);
    let arguments =
        ["-vv", "scan", "dir:tree", "--profile", "none", "--plugin", plugin.to_str().unwrap(), "--out", "out"];
    let ended = home.run(&arguments);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert_printable(&ended.stderr, "stderr");
    assert_printable(&ended.stdout, "stdout");
    let excuses = ended.stderr.lines().filter(|line| line.contains("forged"));
    assert_eq!(excuses.count(), 1, "{}", ended.stderr);
    assert!(!bundled(&home, "coverage.json").contains("forged"), "it is the operator's alone");
}
