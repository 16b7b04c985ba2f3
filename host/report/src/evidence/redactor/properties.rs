//! No document of a report holds what any plugin marked sensitive, wherever it stands and whoever says it.

use certus_model::escape::one_line;
use certus_model::{Finding, Location, Revision, Severity, Span};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngSeed};

use crate::NotRun;
use crate::fixture::{Scene, dependency, documents, finding, rule, secret, secret_rule, text};

fn cases(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(57), failure_persistence: None, ..Config::default() }
}

/// No word of a report's own holds three of these in a row.
const LETTERS: [&str; 4] = ["Q", "X", "Z", "J"];
/// What formats escape, cut or trim, each in its own way.
const SIGNS: [&str; 14] =
    ["\"", "'", "<", "&", "\\", "%", "\u{1b}", "\n", "\r\n", "\u{e9}", "\u{202e}", " ", "](", "{m}"];

/// A secret: three letters that are in no report, and signs between them.
fn a_secret() -> impl Strategy<Value = Vec<u8>> {
    let sign = proptest::collection::vec(proptest::sample::select(SIGNS.as_slice()), 0..3);
    let invalid = proptest::bool::weighted(0.1).prop_map(|invalid| if invalid { b"\xff".to_vec() } else { Vec::new() });
    let letter = proptest::sample::select(LETTERS.as_slice());
    let parts = proptest::collection::vec((letter, sign, invalid), 3..7);
    parts.prop_map(|parts| {
        let bytes = parts
            .iter()
            .flat_map(|(letter, signs, invalid)| [letter.as_bytes(), signs.concat().as_bytes(), invalid].concat());
        // Shorter ones are hidden in their own place alone.
        bytes.chain(*b"Q").collect()
    })
}

/// A piece of a file: a secret, or what stands between.
#[derive(Clone, Debug)]
enum Piece {
    Secret(Index),
    /// The beginning of one, which is none.
    Part(Index, Index),
    Filler(&'static str),
}

/// What stands between secrets; the last makes lines longer than are shown.
const FILLERS: [&str; 7] =
    ["\n", " = ", "key", "\"", "#\t", "\u{1b}[2J", "abcdefghijklmnopqrstuvwxyz/abcdefghijklmnopqrstuvwxyz/"];

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        3 => any::<Index>().prop_map(Piece::Secret),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(secret, length)| Piece::Part(secret, length)),
        5 => proptest::sample::select(FILLERS.as_slice()).prop_map(Piece::Filler),
    ]
}

/// A file with the place of each of its pieces, and which of them are whole secrets.
struct Laid {
    content: Vec<u8>,
    places: Vec<(Span, bool)>,
}

fn lay(pieces: &[Piece], secrets: &[Vec<u8>]) -> Laid {
    let mut laid = Laid { content: Vec::new(), places: Vec::new() };
    for piece in pieces {
        let start = laid.content.len() as u64;
        match piece {
            Piece::Secret(which) => laid.content.extend(&secrets[which.index(secrets.len())]),
            Piece::Part(which, length) => {
                let secret = &secrets[which.index(secrets.len())];
                // At a letter, so that no character is cut.
                let cut = (1 + length.index(secret.len() - 1)..secret.len())
                    .find(|at| LETTERS.concat().as_bytes().contains(&secret[*at]));
                laid.content.extend(&secret[..cut.unwrap_or(1)]);
            }
            Piece::Filler(text) => laid.content.extend(text.as_bytes()),
        }
        let span = Span { start, end: laid.content.len() as u64 };
        laid.places.push((span, matches!(piece, Piece::Secret(_))));
    }
    laid
}

/// What people and programs read in a document: texts of JSON decoded, entities of the page too.
fn read(name: &str, document: &str) -> String {
    fn texts(value: &serde_json::Value, out: &mut String) {
        match value {
            serde_json::Value::String(text) => *out += &format!("{text}\u{1f}"),
            serde_json::Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
            serde_json::Value::Object(fields) => fields.iter().for_each(|(key, value)| {
                *out += &format!("{key}\u{1f}");
                texts(value, out);
            }),
            _ => {}
        }
    }
    let mut out = String::new();
    if name.ends_with(".json") {
        texts(&serde_json::from_str(document).unwrap(), &mut out);
    } else {
        let entities = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">")];
        out = entities.iter().fold(document.to_owned(), |text, (entity, sign)| text.replace(entity, sign));
        out = out.replace("&quot;", "\"").replace("&#38;", "&").replace("&amp;", "&");
    }
    out
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn no_document_holds_a_sensitive_text(
        secrets in proptest::collection::vec(a_secret(), 1..4),
        files in proptest::collection::vec(proptest::collection::vec(piece(), 1..12), 1..4),
        // Each secret that stands in a file is marked there with this many pieces round it.
        wider in (0_usize..3, 0_usize..3),
        copied in any::<Index>(),
        cut in 0_usize..300,
    ) {
        let files: Vec<Laid> = files.iter().map(|pieces| lay(pieces, &secrets)).collect();
        let name = |index: usize| format!("f{index}");
        let mut scene = Scene::new(files.iter().enumerate().map(|(index, file)| (name(index), file.content.clone())));
        let mut marked: Vec<Vec<u8>> = Vec::new();
        let (mut found, mut plain): (Vec<Finding>, Vec<Finding>) = (Vec::new(), Vec::new());
        for (index, file) in files.iter().enumerate() {
            let path: certus_model::RepoPath = name(index).parse().unwrap();
            let at = |span| Location { path: path.clone(), revision: Revision::Head, span: Some(span) };
            for (number, (span, is_secret)) in file.places.iter().enumerate() {
                plain.push(finding("code", at(*span), Severity::Low));
                if !is_secret {
                    continue;
                }
                let first = file.places[number.saturating_sub(wider.0)].0;
                let last = file.places[(number + wider.1).min(file.places.len() - 1)].0;
                let wide = Span { start: first.start, end: last.end };
                // The match itself is sensitive by its rule, what lies round it by the plugin's word.
                found.push(Finding { sensitive: vec![wide], ..secret("key", at(*span)) });
                marked.extend([*span, wide].map(|span| file.content[span.start as usize..span.end as usize].to_vec()));
            }
        }
        if marked.is_empty() {
            return Ok(());
        }
        // Whoever says it: the argument of another plugin, a reason, a baseline, the inventory.
        let said = String::from_utf8_lossy(&marked[copied.index(marked.len())]).into_owned();
        let spelt = one_line(&said, usize::MAX);
        let padded = format!("{}{said}<{spelt}", "p".repeat(cut));
        let mut noted = finding("note", plain[0].at.clone(), Severity::Low);
        noted.parameters = vec![text("m", &padded)];
        noted.related = plain.iter().map(|finding| finding.at.clone()).collect();
        plain.push(noted);
        scene.run("t.secrets", &secret_rule("key"), found);
        let rules = rule("code", "low", "") + &rule("note", "low", "parameters = { m = \"text\" }\nmessage = \"{m} {{m}\"");
        let run = scene.run("t.code", &rules, plain);
        let mut stated = dependency("1", "a", "1", &[]);
        stated.origin = Some(format!("https://example.org/{spelt}"));
        if spelt.len() >= 16 && said == spelt {
            stated.name.clone_from(&spelt);
            stated.version = Some(spelt.clone());
            stated.namespace = Some(spelt.clone());
            stated.licences = vec![spelt.clone()];
        }
        stated.qualifiers.insert("arch".to_owned(), spelt.clone());
        run.dependencies = vec![stated];
        scene.not_run = vec![NotRun { tool: padded.clone(), reason: said.clone(), required: true }];
        scene.baseline = toml::to_string(&serde_json::json!({ "suppression": [{ "path": "f0", "reason": format!("r{said}") }] }))
            .unwrap().parse().unwrap();

        for (name, document) in documents(&scene.report()) {
            let read = read(name, &document);
            for secret in &marked {
                let lossy = String::from_utf8_lossy(secret);
                for form in [lossy.to_string(), one_line(&lossy, usize::MAX)] {
                    prop_assert!(!read.contains(&form), "{name} holds {form:?}: {document}");
                }
            }
        }
    }
}
