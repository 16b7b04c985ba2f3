//! The invariants of ARCHITECTURE.md, checked against the sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Floors: a crate names crates of lower floors only.
const FLOORS: &[(&str, u8)] = &[
    ("model", 0),
    ("sandbox", 1),
    ("signing", 1),
    ("store", 1),
    ("outbound", 1),
    ("checkout", 2),
    ("catalog", 2),
    ("engine", 2),
    ("report", 2),
    ("bundle", 2),
    ("trust", 2),
    ("publish", 2),
    ("transform", 2),
    ("pipeline", 3),
    ("workbench", 3),
    ("server", 4),
    ("certus", 5),
];

/// Heavy dependencies and the one crate that owns each.
const OWNERS: &[(&str, &[&str])] = &[
    ("sandbox", &["wasmtime", "wasmtime-wasi", "wasmtime-wizer", "landlock", "seccompiler"]),
    (
        "signing",
        &[
            "sigstore",
            "sigstore-bundle",
            "sigstore-crypto",
            "sigstore-merkle",
            "sigstore-types",
            "sigstore-verify",
            "ed25519-dalek",
            "p256",
            "cryptoki",
            "aws-sdk-kms",
        ],
    ),
    ("store", &["sqlx", "aws-sdk-s3", "aws-lc-rs"]),
    ("outbound", &["backon", "reqwest"]),
    ("checkout", &["gix", "tar", "zip", "flate2", "bzip2", "zstd"]),
    ("report", &["serde-sarif", "askama", "comfy-table"]),
    ("workbench", &["wit-component", "wasi-preview1-component-adapter-provider"]),
    (
        "server",
        &["axum", "hyper", "hyper-util", "tower-http", "utoipa", "utoipa-axum", "utoipa-swagger-ui", "tokio-rustls"],
    ),
    (
        "certus",
        &[
            "clap",
            "clap_complete",
            "clap_mangen",
            "indicatif",
            "tracing-subscriber",
            "opentelemetry",
            "opentelemetry_sdk",
            "opentelemetry-otlp",
        ],
    ),
];

/// Where a child process is the point.
const COMMANDS: &[(&str, &str)] = &[
    ("host/sandbox/src/admission/child.rs", "the admission child"),
    ("host/sandbox/src/confine/probe.rs", "the probe, which tries what must not succeed"),
    ("host/pipeline/src/worker.rs", "the scan worker"),
    ("host/certus/src/command/doctor.rs", "git, asked for its version"),
    ("host/checkout/src/git/child.rs", "git, which only fetches"),
    ("host/store/src/backup.rs", "pg_dump, for a backup"),
    ("host/workbench/src/toolchain.rs", "the author's compiler"),
    ("host/workbench/src/build/compile.rs", "the author's cargo"),
];

/// Where a task is on its own, and why.
const TASKS: &[(&str, &str)] = &[
    ("host/store/src/submit.rs", "a commit outlives the client that asked for it"),
    ("host/server/src/serve.rs", "no client waits for another, and one task asks the store for all who follow"),
    ("host/server/src/privacy.rs", "a look at stored objects is put on record, whether or not its client waits"),
    ("host/certus/src/command/serve.rs", "the workers run beside the API"),
    ("host/certus/src/command/service.rs", "the order to stop is waited for"),
];

/// Files that name a crate's production code over this many lines are really two files.
const MAX_LINES: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below `folder` with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(listing) = std::fs::read_dir(folder) else { return found };
    for item in listing {
        let path = item.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Production code: up to the inline tests, test files left out. Paths are relative to the repository.
fn production() -> BTreeMap<String, String> {
    let root = root();
    let mut sources = BTreeMap::new();
    for top in ["host", "sdk", "plugins", "xtask"] {
        for path in files(&root.join(top), "rs") {
            let name = path.strip_prefix(&root).expect("below the root").to_string_lossy().into_owned();
            if name.contains("/tests")
                || name.contains("/fixtures/")
                || name.contains("/examples/")
                || name.contains("testing")
            {
                continue;
            }
            let text = read(&path);
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
            sources.insert(name, code);
        }
    }
    assert!(sources.len() > 50, "the sources are where they are looked for");
    sources
}

/// The dependencies of a crate of the host, by kind.
fn dependencies(krate: &str, kinds: &[&str]) -> Vec<String> {
    let manifest: toml::Table = read(&root().join("host").join(krate).join("Cargo.toml")).parse().expect("a manifest");
    let tables = kinds.iter().filter_map(|kind| manifest.get(*kind)?.as_table());
    tables.flat_map(|table| table.keys().cloned()).collect()
}

#[test]
fn crates_name_lower_floors_only() {
    let listed: Vec<_> = FLOORS.iter().map(|(name, _)| *name).collect();
    for item in std::fs::read_dir(root().join("host")).unwrap() {
        let item = item.unwrap();
        let name = item.file_name().into_string().unwrap();
        // What operators deploy with lies beside the crates.
        if !item.path().join("Cargo.toml").is_file() {
            assert!(["Dockerfile", "deploy"].contains(&name.as_str()), "host/{name} is no crate");
            continue;
        }
        assert!(listed.contains(&name.as_str()), "host/{name} has no floor");
    }
    for (krate, floor) in FLOORS {
        for dependency in dependencies(krate, &["dependencies"]) {
            let Some(name) = dependency.strip_prefix("certus-") else { continue };
            let other = FLOORS.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("{krate} names {dependency}"));
            assert!(other.1 < *floor, "{krate} (floor {floor}) names {name} (floor {})", other.1);
        }
    }
}

#[test]
fn heavy_dependencies_have_one_owner() {
    for (krate, _) in FLOORS {
        for dependency in dependencies(krate, &["dependencies"]) {
            let owner = OWNERS.iter().find(|(_, owned)| owned.contains(&dependency.as_str()));
            if let Some((owner, _)) = owner {
                assert_eq!(owner, krate, "{dependency} belongs to {owner}");
            }
        }
    }
}

#[test]
fn model_and_report_are_pure() {
    for krate in ["model", "report"] {
        let all = dependencies(krate, &["dependencies"]);
        assert!(
            !all.iter().any(|d| ["tokio", "cap-std", "tempfile", "reqwest"].contains(&d.as_str())),
            "{krate}: {all:?}"
        );
        for (name, code) in production() {
            if name.starts_with(&format!("host/{krate}/")) {
                for word in ["std::fs", "std::net", "std::process", "std::env::", "async fn", "SystemTime::now"] {
                    assert!(!code.contains(word), "{name} uses {word}");
                }
            }
        }
    }
}

#[test]
fn guests_and_host_meet_in_the_contract_only() {
    for manifest in files(&root().join("sdk"), "toml").into_iter().chain(files(&root().join("plugins"), "toml")) {
        if manifest.file_name().is_some_and(|n| n == "Cargo.toml") && !manifest.to_string_lossy().contains("/fixtures/")
        {
            let text = read(&manifest);
            for (krate, _) in FLOORS.iter().filter(|(name, _)| *name != "certus") {
                assert!(!text.contains(&format!("certus-{krate}.")), "{} names certus-{krate}", manifest.display());
            }
        }
    }
}

#[test]
fn sockets_and_http_are_never_linked() {
    for (name, code) in production() {
        for word in
            ["bindings::sockets", "wasmtime_wasi_http", "add_to_linker_async", "add_to_linker_sync", "inherit_network"]
        {
            assert!(!code.contains(word), "{name} uses {word}");
        }
    }
}

#[test]
fn spawning_is_rare_and_children_are_the_point() {
    for (name, code) in production() {
        let is_task = TASKS.iter().any(|(listed, _)| *listed == name);
        assert!(!code.contains("tokio::spawn(") || is_task, "{name} spawns a task and is not listed");
        let is_child = code.contains("Command::new(") && !code.contains("std::process::Command is");
        if is_child && name.starts_with("host/") {
            assert!(
                COMMANDS.iter().any(|(listed, _)| *listed == name),
                "{name} starts a child process and is not listed"
            );
        }
    }
    for (listed, _) in COMMANDS.iter().chain(TASKS) {
        assert!(root().join(listed).is_file(), "{listed} is listed and does not exist");
    }
}

#[test]
fn the_environment_is_read_in_one_place() {
    for (name, code) in production() {
        let reads = code.contains("env::var(") || code.contains("env::var_os(") || code.contains("env::vars");
        // Cargo talks to build scripts through it.
        let is_script = name.starts_with("plugins/") && name.ends_with("/build.rs");
        assert!(
            !reads || is_script || name == "host/certus/src/settings/reader.rs" || name.starts_with("xtask/"),
            "{name} reads the environment"
        );
    }
}

#[test]
fn files_are_short_and_crates_have_readmes() {
    for (name, code) in production() {
        let lines = code.lines().count();
        assert!(lines <= MAX_LINES, "{name} has {lines} lines; what is it really two of?");
        assert!(!name.ends_with("/mod.rs"), "{name}: write foo.rs beside foo/");
    }
    for manifest in files(&root().join("host"), "toml").into_iter().chain(files(&root().join("plugins"), "toml")) {
        if manifest.file_name().is_some_and(|n| n == "Cargo.toml") && !manifest.to_string_lossy().contains("/fixtures/")
        {
            assert!(manifest.with_file_name("README.md").is_file(), "{} has no README beside it", manifest.display());
        }
    }
}

#[test]
fn unsafe_code_has_one_place() {
    for (krate, _) in FLOORS {
        let library = root().join("host").join(krate).join("src/lib.rs");
        let text = read(&if library.is_file() { library } else { root().join("host").join(krate).join("src/main.rs") });
        if *krate == "sandbox" {
            assert!(text.contains("#![deny(unsafe_code)]"));
        } else {
            assert!(text.contains("#![forbid(unsafe_code)]"), "{krate} does not forbid unsafe code");
        }
    }
    let blocks = production().into_iter().filter(|(name, code)| name.starts_with("host/") && code.contains("unsafe {"));
    assert_eq!(blocks.map(|(name, _)| name).collect::<Vec<_>>(), ["host/sandbox/src/sandbox.rs"]);
}

#[test]
fn exceptions_carry_their_reason() {
    for (name, code) in production() {
        for (number, line) in (1..).zip(code.lines()) {
            let is_exception = line.trim_start().starts_with("#[allow(") || line.trim_start().starts_with("#[expect(");
            if is_exception && line.trim_end().ends_with(']') {
                assert!(line.contains("reason = "), "{name}:{number} has no reason");
            }
        }
    }
}

#[test]
fn every_setting_stands_in_the_documentation_and_the_reverse() {
    let table = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_certus"));
        let output = command.args(["config", "table"]).args(arguments).output().expect("the program runs");
        String::from_utf8(output.stdout).expect("text")
    };
    for (page, arguments) in [("README.md", &["--brief"][..]), ("docs/operations/settings.md", &[])] {
        let table = table(arguments);
        assert!(table.lines().count() > 50, "{table}");
        let page_text = read(&root().join(page));
        assert!(page_text.contains(&table), "the table of {page} is another: `certus config table {arguments:?}`");
        let rows = |text: &str| text.lines().filter(|line| line.starts_with("| `CERTUS_")).count();
        assert_eq!(rows(&page_text), rows(&table), "{page} names settings that the program does not know");
    }
}

#[test]
fn hostile_guests_and_capabilities_are_tested() {
    let root = root();
    let sources = ["tests", "host", "plugins", "sdk"].map(|top| files(&root.join(top), "rs")).concat();
    let names: String = sources.iter().map(|path| read(path)).collect();
    let tested = |number: u32| {
        names.match_indices("fn case_").any(|(at, _)| {
            let name = &names[at + "fn case_".len()..];
            let numbers = |text: &str| text.get(..3).and_then(|digits| digits.parse::<u32>().ok());
            match (numbers(name), name.get(3..7).filter(|to| *to == "_to_").and_then(|_| numbers(&name[7..]))) {
                (Some(first), Some(last)) => (first..=last).contains(&number),
                (first, _) => first == Some(number),
            }
        })
    };
    // 45 to 49 and 52 come with signed plugins, 93 is `cargo xtask contract`, 106 comes with publication.
    let service = (84..=89).chain([91, 92, 94, 95]).chain(96..=105).chain(107..=121).chain([127]);
    for number in (1..=44).chain([50, 51]).chain(53..=83).chain(service).chain([129]) {
        assert!(tested(number), "case {number} has no test");
    }
}
