//! Every setting that is deployed with exists.

use std::collections::{BTreeMap, BTreeSet};

use super::{deploy, read, root};

/// Settings that are on their way, and whether they are secrets, which may be named as files. Whoever adds one to
/// the program takes it off this list; the test below says so.
const TO_COME: &[(&str, bool)] = &[
    ("CERTUS_BLOBS", false),
    ("S3_ENDPOINT_URL", false),
    ("S3_REGION", false),
    ("S3_ACCESS_KEY_ID", true),
    ("S3_SECRET_ACCESS_KEY", true),
    ("ENCRYPTION_MASTER_KEY", true),
    ("CERTUS_TLS_CERT_FILE", false),
    ("CERTUS_TLS_KEY_FILE", false),
    ("CERTUS_TLS_CLIENT_CA_FILE", false),
    ("CERTUS_OTLP_ENDPOINT", false),
    ("CERTUS_PROXY", false),
    ("CERTUS_RETENTION_DAYS", false),
    ("CERTUS_RETENTION_BYTES", false),
    ("CERTUS_WEBHOOK_SECRET", true),
    ("CERTUS_ASSURANCE_WEBHOOK_URL", false),
];

/// The settings in the sources, and whether each is a secret.
fn settings() -> BTreeMap<String, bool> {
    let folder = root().join("host/certus/src");
    let mut files = vec![folder.join("settings.rs")];
    let below = std::fs::read_dir(folder.join("settings")).expect("a folder");
    files.extend(below.map(|file| file.expect("a file").path()));
    let code: String = files.iter().map(|file| read(file)).collect();
    let declared = code.lines().filter_map(|line| {
        let (name, value) = line.trim().strip_prefix("pub(crate) const ")?.split_once(": &str = \"")?;
        Some((value.strip_suffix("\";")?.to_owned(), code.contains(&format!("secret({name})"))))
    });
    let declared: BTreeMap<_, _> = declared.collect();
    assert!(declared.len() > 20 && declared["DATABASE_URL"], "{declared:?}");
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
    let secret = |name: &str| {
        let to_come = || TO_COME.iter().find(|(to_come, _)| *to_come == name).map(|(_, secret)| *secret);
        settings.get(name).copied().or_else(to_come)
    };
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
            let known = secret(&name).is_some();
            let as_file = name.strip_suffix("_FILE").and_then(secret) == Some(true);
            assert!(known || as_file, "{file} sets {name}, which no setting has");
            // A secret itself never stands in a file.
            assert!(secret(&name) != Some(true), "{file} sets {name}; name a file with {name}_FILE");
            total += 1;
        }
    }
    assert!(total > 50, "{total} settings were found");
}

fn chart() -> String {
    let templates = std::fs::read_dir(deploy().join("helm/certus/templates")).expect("a folder");
    templates.map(|file| read(&file.expect("a file").path())).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_has_come_is_no_longer_to_come() {
    let settings = settings();
    for (name, _) in TO_COME {
        assert!(!settings.contains_key(*name), "{name} is there now; take it off the list TO_COME of this file");
    }
}
