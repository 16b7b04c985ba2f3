//! Every setting that is deployed with exists.

use std::collections::{BTreeMap, BTreeSet};

use super::{deploy, read, root};

/// What the program's own table says of a setting.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Whether it may be given as a file.
    has_file: bool,
    /// Whether it is nothing but a secret.
    secret: bool,
}

/// The settings of the program.
fn settings() -> BTreeMap<String, Known> {
    let table = std::process::Command::new(env!("CARGO_BIN_EXE_certus")).args(["config", "table"]).output();
    let table = String::from_utf8(table.expect("the program runs").stdout).expect("text");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" | "));
    let names = rows.flat_map(|(names, rest)| {
        let known = Known { has_file: names.contains("_FILE`"), secret: rest.contains("| secret |") };
        let names = names.split("; ").next().unwrap_or_default();
        names.split(" or ").map(|name| (name.trim_matches('`').to_owned(), known)).collect::<Vec<_>>()
    });
    let declared: BTreeMap<_, _> = names.collect();
    assert!(declared.len() > 50 && declared["DATABASE_URL"].has_file, "{declared:?}");
    assert!(declared["S3_ACCESS_KEY_ID"].secret && !declared["CERTUS_OFFLINE"].has_file, "{declared:?}");
    declared
}

/// The settings of a file, each with its line: what stands before `after` and has one of our prefixes.
fn named(text: &str, before: &[char], after: char) -> BTreeSet<String> {
    let prefixes = ["CERTUS_", "DATABASE_", "S3_", "ENCRYPTION_", "COSIGN_"];
    let words = text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(|line| {
        let line = line.trim_start().trim_start_matches("ENV ").trim_start_matches("Environment=");
        line.split(before).filter_map(move |part| part.trim().split_once(after).map(|(word, _)| word.to_owned()))
    });
    let is_setting = |word: &String| word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    words.filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix)) && is_setting(word)).collect()
}

#[test]
fn everything_deployed_is_set_by_a_name_that_exists() {
    let settings = settings();
    let sources = [
        ("docker-compose.yml", read(&root().join("docker-compose.yml")), [' '].as_slice(), ':'),
        ("egress.yml", read(&deploy().join("compose/egress.yml")), &[' '], ':'),
        ("Dockerfile", read(&root().join("host/Dockerfile")), &[' '], '='),
        ("certus.service", read(&deploy().join("systemd/certus.service")), &[' '], '='),
        ("certus-worker.service", read(&deploy().join("systemd/certus-worker.service")), &[' '], '='),
        ("the chart", chart(), &['{'], ','),
    ];
    let mut total = 0;
    for (file, text, before, after) in sources {
        let text = if file == "the chart" { text.replace("{name: ", "{") } else { text };
        for name in named(&text, before, after) {
            let known = settings.get(&name);
            let as_file = name.strip_suffix("_FILE").and_then(|name| settings.get(name)).is_some_and(|k| k.has_file);
            assert!(known.is_some() || as_file, "{file} sets {name}, which no setting has");
            // A secret itself never stands in a file.
            assert!(!known.is_some_and(|known| known.secret), "{file} sets {name}; name a file with {name}_FILE");
            total += 1;
        }
    }
    assert!(total > 50, "{total} settings were found");
}

fn chart() -> String {
    let templates = std::fs::read_dir(deploy().join("helm/certus/templates")).expect("a folder");
    templates.map(|file| read(&file.expect("a file").path())).collect::<Vec<_>>().join("\n")
}
