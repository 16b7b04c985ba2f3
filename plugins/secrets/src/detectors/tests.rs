use std::collections::{BTreeMap, BTreeSet};

use certus_sdk_files::{File, FileScanner, Finding, Settings, testing};
use serde::Deserialize;

use super::*;
use crate::Secrets;
use crate::detector::Kind;
use crate::expression::Expression;

#[derive(Deserialize)]
struct Manifest {
    interest: Interest,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Interest {
    keywords: Vec<String>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    help: String,
    sensitive: bool,
    examples: Examples,
}

#[derive(Deserialize)]
struct Examples {
    bad: Vec<Example>,
    good: Vec<Example>,
}

#[derive(Deserialize)]
struct Example {
    path: String,
    text: String,
}

fn manifest() -> Manifest {
    toml::from_str(include_str!("../../plugin.toml")).expect("plugin.toml is of this form")
}

fn scanner() -> Secrets {
    Secrets::configure(&Settings::default()).expect("the table compiles")
}

fn scan(scanner: &Secrets, path: &str, text: &str) -> Vec<Finding> {
    testing::scan_file(scanner, &keywords(), path, text).expect("every file can be scanned")
}

fn reports(findings: &[Finding], rule: &str) -> bool {
    findings.iter().any(|finding| finding.rule == rule)
}

#[test]
fn every_expression_is_one_pass() {
    let refused: Vec<String> = all()
        .filter_map(|detector| {
            Expression::new(detector.pattern).err().map(|e| format!("{}: {}", detector.rule, e.note))
        })
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn the_manifest_lists_the_keywords_of_the_table() {
    assert_eq!(manifest().interest.keywords, keywords());
}

#[test]
fn keywords_are_lower_case_and_long_enough() {
    let refused: Vec<&str> =
        keywords().into_iter().filter(|word| word.len() < 3 || *word != word.to_ascii_lowercase()).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn the_manifest_and_the_table_have_the_same_rules() {
    let declared: BTreeSet<String> = manifest().rules.into_iter().map(|rule| rule.id).collect();
    let used: BTreeSet<String> = all().map(|detector| detector.rule.to_owned()).collect();
    assert_eq!(declared, used);
}

#[test]
fn every_rule_is_sensitive_and_names_its_source() {
    for rule in manifest().rules {
        assert!(rule.sensitive, "{}", rule.id);
        let source = rule.help.split_once(" Format: ").map(|(_, source)| source);
        assert!(source.is_some_and(|s| s.starts_with("http") || rule.id.starts_with("generic-")), "{}", rule.id);
    }
}

#[test]
fn every_rule_reports_its_bad_examples_and_no_good_one() {
    let scanner = scanner();
    let mut wrong = Vec::new();
    for rule in manifest().rules {
        assert!(!rule.examples.bad.is_empty() && rule.examples.good.len() >= 2, "{} needs more examples", rule.id);
        for (examples, expected) in [(&rule.examples.bad, true), (&rule.examples.good, false)] {
            for example in examples {
                let findings = scan(&scanner, &example.path, &example.text);
                if reports(&findings, &rule.id) != expected {
                    wrong.push(format!(
                        "{}: {} {:?}",
                        rule.id,
                        if expected { "missed" } else { "reported" },
                        example.text
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_token_within_a_word_is_not_reported() {
    let scanner = scanner();
    let tokens: BTreeSet<&str> = all().filter(|d| d.kind == Kind::Token).map(|d| d.rule).collect();
    let mut tried = 0;
    for rule in manifest().rules.iter().filter(|rule| tokens.contains(rule.id.as_str())) {
        for example in &rule.examples.bad {
            let findings = scan(&scanner, &example.path, &example.text);
            let Some(found) = findings.iter().find(|finding| finding.rule == rule.id) else {
                continue;
            };
            let span = found.at.span.and_then(|s| s.within(example.text.len())).expect("a finding has a range");
            let secret = &example.text[span];
            // Some rules have a row that needs the name in front too.
            if reports(&scan(&scanner, "a.py", &format!("x = \"{secret}\"\n")), &rule.id) {
                tried += 1;
                let glued = format!("x = \"z{secret}\"\n");
                assert!(!reports(&scan(&scanner, "a.py", &glued), &rule.id), "{}: {glued}", rule.id);
            }
        }
    }
    assert!(tried > 80, "only {tried} tokens were tried");
}

#[test]
fn a_finding_marks_the_secret_and_nothing_else() {
    // path, text, secrets
    let table: [(&str, &str, &[&str]); 6] = [
        ("a.env", "DB_PASSWORD='Qx7!rabbit'\n", &["Qx7!rabbit"]),
        ("home/.netrc", "machine h login u password k3strel\n", &["k3strel"]),
        ("a.sh", "git clone https://ci:h0ld-the-door@git.acme.net/a\n", &["h0ld-the-door"]),
        ("a.xml", "<password>Qx7!rabbit</password>", &["Qx7!rabbit"]),
        ("a.ini", "a_password = Qx7!rabbit ; b_password = Rz8!ferret\r\n", &["Qx7!rabbit", "Rz8!ferret"]),
        ("a.py", "\u{feff}password = 'Qx7!rabbit'", &["Qx7!rabbit"]),
    ];
    for (path, text, secrets) in table {
        assert_eq!(testing::texts(&scan(&scanner(), path, text), text), secrets, "{text}");
    }
}

#[test]
fn what_stands_for_a_secret_is_not_one() {
    let table = [
        ("a.py", "password = input('Password: ')"),
        ("a.py", "if password == 'Qx7!rabbit':"),
        ("a.py", "password = get_password(user1)"),
        ("a.env", "PASSWORD=$OTHER_PASSWORD1"),
        ("a.yml", "password: {{ vault_password1 }}"),
        ("a.yml", "password: !vault |"),
        ("a.js", "const bypass = 'allow9!all'"),
        ("a.js", "{ placeholder: 'Password1!', type: 'password' }"),
        ("a.md", "password = 'Qx7!rabbit'"),
        ("docs/a.rst", "SECRET_KEY = '7f3e9a1c5b8d2f60e4a7c9b1d3f5e802'"),
        ("a.json", "{\"NextToken\": \"1w41l63U0xa8q7smH50vCxyTQqdxo69O3EmK28Bi5PcR\"}"),
        ("a.json", "{\"clientToken\": \"1d2129a1-3d38-460a-9756-e5b91fddb951\"}"),
        ("a.json", "{\"AWS::ApiGateway::ApiKey\": \"48205d4ffd7feba3\"}"),
        ("a.json", "{\"PasswordLastUsed\": \"2016-09-08T21:47:36Z\"}"),
        ("a.py", "Moved(\"HTTPPasswordMgr\", \"urllib2\", \"urllib.request\")"),
        ("a.py", "password = f\"{registry_id}-auth-tok3n!\""),
        ("a.rs", "Self::InvalidPassword => f.write_str(\"it is wr0ng!\"),"),
        ("a.rs", "let mut pwd = MaybeUninit::<libc::passwd>::uninit();"),
        ("a.txt", "pass-by-reference: func(d1!a)"),
        ("a.rs", "// a program identified by 'sequence' and more"),
        ("a.rs", "proxy(\"https://letme:in@host.acme.net\")"),
        ("a.go", "token := \"application/vnd.acme.v2+json\""),
        ("Cargo.lock", "token = \"7f3e9a1c5b8d2f60e4a7c9b1d3f5e802\""),
    ];
    for (path, text) in table {
        let found = scan(&scanner(), path, text);
        assert!(found.is_empty(), "{path}: {text}: {found:?}");
    }
}

#[test]
fn the_row_that_knows_the_vendor_wins() {
    let text = "GITHUB_TOKEN=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\n";
    let found = scan(&scanner(), "a.env", text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].rule.as_str(), found[0].confidence), ("github-pat", certus_sdk_files::Confidence::High));
}

#[test]
fn a_token_whose_checksum_fails_is_kept_in_doubt() {
    let found = scan(&scanner(), "a.env", "T=ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18\n");
    assert_eq!((found[0].rule.as_str(), found[0].confidence), ("github-pat", certus_sdk_files::Confidence::Low));
}

#[test]
fn without_the_hosts_hits_all_of_the_file_is_looked_at() {
    let scanner = scanner();
    for rule in manifest().rules {
        for Example { path, text } in rule.examples.bad {
            let file = File { path: &path, content: text.as_bytes(), hits: &[], hits_complete: false };
            let found = scanner.scan(&file).expect("every file can be scanned");
            assert_eq!(found, scan(&scanner, &path, &text), "{}", rule.id);
        }
    }
}

#[test]
fn an_answer_does_not_depend_on_files_before() {
    let scanner = scanner();
    let mut examples: Vec<Example> =
        manifest().rules.into_iter().flat_map(|rule| rule.examples.bad.into_iter().chain(rule.examples.good)).collect();
    let mut answers: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for _ in 0..2 {
        for Example { path, text } in &examples {
            let found = scan(&scanner, path, text);
            let before = answers.entry(format!("{path}\n{text}")).or_insert_with(|| found.clone());
            assert_eq!(*before, found, "{path}: {text}");
        }
        examples.reverse();
    }
}

#[test]
fn one_long_line_hides_nothing() {
    let mut text = "var a=function(b){return b.c};".repeat(40_000);
    text.push_str("x='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';");
    text.push_str(&"d({e:1});".repeat(1_000));
    assert_eq!(
        testing::texts(&scan(&scanner(), "a.min.js", &text), &text),
        ["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"]
    );
}

#[test]
fn a_dump_of_hashes_is_answered_up_to_a_bound() {
    let line = "(1, 'ann', '$2y$12$s.YfVZdfvAuO/Iz6fte5iO..ZbbEgreZnDcYOGvX4NGJskYQIstcG'),\n";
    let found = scan(&scanner(), "dump.sql", &line.repeat(10_050));
    assert_eq!(found.len(), 10_001);
}

/// Texts made of keywords, each of which is tried at every hit.
#[test]
fn hostile_texts_are_read_to_the_end() {
    let token = "T=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\n";
    for unit in
        ["password=", "://a:", "-----BEGIN PRIVATE KEY-----\n", "eyJ", "mysql -a -b ", "token,\"", "\"auth\":\"", "$6$"]
    {
        let text = unit.repeat((64 << 10) / unit.len()) + "\n" + token;
        let found = scan(&scanner(), "a.txt", &text);
        assert!(reports(&found, "github-pat"), "{unit}");
    }
}
