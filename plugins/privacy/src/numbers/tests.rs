use std::collections::{BTreeMap, BTreeSet};

use certus_sdk_files::{Confidence, FileScanner, Finding, Settings, testing};
use serde::Deserialize;

use super::*;
use crate::Privacy;

#[derive(Deserialize)]
struct Manifest {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    help: String,
    sensitive: bool,
    cwe: Vec<u32>,
    tags: Vec<String>,
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

const LISTS: [&str; 3] = ["birth-date-list", "email-list", "phone-list"];

/// A card that was made up for these tests.
const CARD: &str = "4929077007707704";

fn manifest() -> Manifest {
    toml::from_str(include_str!("../../plugin.toml")).expect("plugin.toml is of this form")
}

fn scanner() -> Privacy {
    Privacy::configure(&Settings::default()).expect("the scanner has no settings")
}

fn scan(path: &str, text: impl AsRef<[u8]>) -> Vec<Finding> {
    testing::scan_file(&scanner(), &[], path, text).expect("every file can be scanned")
}

fn reports(findings: &[Finding], rule: &str) -> bool {
    findings.iter().any(|finding| finding.rule == rule)
}

#[test]
fn the_manifest_and_the_tables_have_the_same_rules() {
    let declared: BTreeSet<String> = manifest().rules.into_iter().map(|rule| rule.id).collect();
    let used = NUMBERS.iter().map(|number| number.rule).chain(LISTS).map(str::to_owned).collect();
    assert_eq!(declared, used);
}

#[test]
fn every_rule_is_sensitive_and_names_its_source() {
    for rule in manifest().rules {
        assert!(rule.sensitive && rule.cwe == [359] && rule.tags == ["privacy"], "{}", rule.id);
        assert!(rule.help.contains(" Format: https://"), "{}", rule.id);
    }
}

#[test]
fn words_are_lower_case_and_examples_sorted() {
    for number in NUMBERS {
        let fits = |word: &&str| *word == word.to_lowercase() && word.as_bytes()[0].is_ascii_lowercase();
        assert!(number.words.iter().all(fits), "{}", number.rule);
        assert!(number.examples.is_sorted(), "{}", number.rule);
    }
}

#[test]
fn every_rule_reports_its_bad_examples_and_no_good_one() {
    let mut wrong = Vec::new();
    for rule in manifest().rules {
        assert!(!rule.examples.bad.is_empty() && rule.examples.good.len() >= 2, "{} needs more examples", rule.id);
        for (examples, expected) in [(&rule.examples.bad, true), (&rule.examples.good, false)] {
            for example in examples {
                if reports(&scan(&example.path, &example.text), &rule.id) != expected {
                    wrong.push(format!("{}, {expected}: {}: {:?}", rule.id, example.path, example.text));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_example_is_of_one_rule_alone() {
    for rule in manifest().rules {
        for Example { path, text } in rule.examples.bad {
            let found: BTreeSet<String> = scan(&path, &text).into_iter().map(|finding| finding.rule).collect();
            assert_eq!(found, BTreeSet::from([rule.id.clone()]), "{path}: {text:?}");
        }
    }
}

#[test]
fn a_finding_marks_the_number_and_nothing_else() {
    // path, text, numbers
    let table: [(&str, &str, &[&str]); 6] = [
        ("a.csv", "card\n\"4929-0770-0770-7704\"\n", &["4929-0770-0770-7704"]),
        ("a.txt", "IBAN: NL24 ZZZZ 0770 7707 70.", &["NL24 ZZZZ 0770 7707 70"]),
        ("a.json", r#"{"note": "my card:\n4929077007707704\n"}"#, &["4929077007707704"]),
        ("a.txt", "\u{feff}ssn 898-07-5402, ssn 897-07-5402\r\n", &["898-07-5402", "897-07-5402"]),
        ("a.txt", "NINO \u{201c}ZX 70 77 07 A\u{201d}", &["ZX 70 77 07 A"]),
        ("a.xml", "<dni>70770077C</dni>", &["70770077C"]),
    ];
    for (path, text, numbers) in table {
        assert_eq!(testing::texts(&scan(path, text), text), numbers, "{text}");
    }
}

#[test]
fn what_stands_around_a_number_decides_how_sure_it_is() {
    let spaced = "4929 0770 0770 7704";
    // path, text, confidence
    let table = [
        ("a.txt", format!("card {CARD}"), Some(Confidence::High)),
        ("a.txt", format!("{CARD} is my card"), Some(Confidence::High)),
        ("a.csv", format!("id,card\n1,{CARD}\n"), Some(Confidence::High)),
        ("a.csv", format!("id,value\n1,{spaced}\n"), Some(Confidence::High)),
        ("a.csv", format!("id,value\n1,{CARD}\n"), Some(Confidence::Medium)),
        ("a.txt", format!("a {spaced} b"), Some(Confidence::Medium)),
        ("a.txt", format!("a {CARD} b"), Some(Confidence::Low)),
        ("docs/a.md", format!("card {CARD}"), Some(Confidence::Low)),
        ("tests/a.py", format!("card = '{CARD}'"), Some(Confidence::Low)),
        ("src/a.py", format!("    >>> is_card('{CARD}')"), Some(Confidence::Low)),
        ("src/a.py", format!("# card, for example {CARD}"), Some(Confidence::Low)),
        ("src/a.py", format!("a = {CARD}"), None),
        ("a.txt", "card 6759070770770777 or 3670770770 7707".to_owned(), Some(Confidence::High)),
        ("a.txt", "36707707707707".to_owned(), None),
    ];
    for (path, text, confidence) in table {
        let found = scan(path, &text);
        assert_eq!(found.first().map(|finding| finding.confidence), confidence, "{path}: {text}");
    }
}

#[test]
fn a_column_speaks_for_its_own_fields_alone() {
    let text = "ssn;bsn;order\n898-07-5402;707700073;707700073\n";
    assert_eq!(testing::texts(&scan("a.csv", text), text), ["898-07-5402", "707700073"]);
    let dump = "CREATE TABLE `p` (`id` int, `ssn` char(9), `ref` char(9));\nINSERT INTO `p` VALUES \
                (1,'898075402','898075402'),(2,'897075402','897075402');\n";
    assert_eq!(testing::texts(&scan("a.sql", dump), dump), ["898075402", "897075402"]);
}

#[test]
fn numbers_that_nobody_has_are_not_reported() {
    for text in [
        "card 4111 1111 1111 1111",
        "card 1234567890123456",
        "card 4929********7704",
        "card XXXX-XXXX-XXXX-7704",
        "card 4000-0000-0000-0002",
        "card id 49290770077077041234",
        "card f4929077007707704",
        "https://shop/card/4929077007707704/edit",
        "card 4929077007707704-7",
        "card: 550e8400-4929-0770-0770-770446655440",
        "iban GB82 WEST 1234 5698 7654 32",
        "ssn 123-45-6789",
        "ssn 2024-898-07-5402",
        "classname 898-07-5402",
    ] {
        let found = scan("a.txt", text);
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn a_list_counts_different_people_and_hides_all_of_them() {
    let text = "mail\nann@brightfold.io\nANN@brightfold.io\nbo@brightfold.io\ncy@brightfold.io\ndee@brightfold.io\neve@brightfold.io\n";
    let found = scan("a.csv", text);
    assert_eq!(testing::texts(&found, text), ["ann@brightfold.io"]);
    assert_eq!(found[0].sensitive.len(), 5);
    assert_eq!(found[0].parameters[0].value, certus_sdk_files::Value::Number(5));
    assert!(scan("src/a.py", text).is_empty() && scan("AUTHORS.csv", text).is_empty());
}

#[test]
fn an_answer_does_not_depend_on_files_before() {
    let scanner = scanner();
    let mut examples: Vec<Example> =
        manifest().rules.into_iter().flat_map(|rule| rule.examples.bad.into_iter().chain(rule.examples.good)).collect();
    let mut answers: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for _ in 0..2 {
        for Example { path, text } in &examples {
            let found = testing::scan_file(&scanner, &[], path, text).expect("every file can be scanned");
            let before = answers.entry(format!("{path}\n{text}")).or_insert_with(|| found.clone());
            assert_eq!(*before, found, "{path}: {text}");
        }
        examples.reverse();
    }
}

#[test]
fn a_dump_of_cards_is_answered_up_to_a_bound() {
    assert_eq!(scan("a.csv", format!("card\n{}", format!("{CARD}\n").repeat(10_050))).len(), 10_001);
}

/// Texts that begin a number, a table or an address at every byte or nearly so.
#[test]
fn hostile_texts_are_read_to_the_end() {
    for unit in [
        "1",
        "12 ",
        "1234 ",
        "4929-",
        "DE36 ",
        "DE36",
        "AB 12 ",
        "a@",
        "@",
        "a.b@c.",
        "+4",
        "+49 ",
        "1980-05-31 ",
        "((",
        "insert into t (",
        "create table t(a,b);insert into t values(1,",
        "copy t (",
        "',",
        "\\",
        "\0",
        "\"",
        "ssn",
    ] {
        for path in ["a.csv", "a.sql", "a.json", "a.txt"] {
            let text = unit.repeat((64 << 10) / unit.len()) + "\n; card 4929 0770 0770 7704\n";
            scan(path, &text);
            let alone = scan("a.txt", &text);
            assert!(reports(&alone, "payment-card"), "{unit}");
        }
    }
}
