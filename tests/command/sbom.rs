//! The SBOMs of real lock files, held against other people's validators and the lock files' own counts.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::home::Home;

/// The fixtures of the inventory plugin: lock files of every ecosystem.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/inventory/fixtures");

/// Checks a CycloneDX document as strictly as its makers do.
const CYCLONEDX: &str = "
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(str(problem) if problem else 0)
";

fn scanned(fixture: &str) -> Home {
    let home = Home::new();
    let source = format!("dir:{FIXTURES}/{fixture}/input");
    let ended = home.run(&["scan", &source, "--profile", "sbom-only", "--out", "out"]);
    assert_eq!(ended.code, 0, "{fixture}: {}", ended.stderr);
    home
}

fn json(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a document")).expect("JSON")
}

#[test]
fn counts_equal_the_lock_files() {
    let home = scanned("cargo");
    let bom = json(home.path("out/reports/sbom/sbom.cdx.json"));
    let spdx = json(home.path("out/reports/sbom/sbom.spdx.json"));
    let components = bom["components"].as_array().unwrap();
    let top = &bom["metadata"]["component"]["purl"];
    let mut wanted = std::collections::BTreeSet::new();
    for lock in lock_files(&Path::new(FIXTURES).join("cargo/input")) {
        let lock: toml::Table = std::fs::read_to_string(lock).unwrap().parse().unwrap();
        // The oldest form names the project apart from its packages.
        for package in lock["package"].as_array().unwrap().iter().chain(lock.get("root")) {
            wanted.insert(format!(
                "pkg:cargo/{}@{}",
                package["name"].as_str().unwrap(),
                package["version"].as_str().unwrap()
            ));
        }
    }
    let purl = |c: &Value| c["purl"].as_str().unwrap().split('?').next().unwrap().to_owned();
    let found: std::collections::BTreeSet<_> =
        components.iter().map(purl).chain(top.as_str().map(ToOwned::to_owned)).collect();
    assert_eq!(found, wanted);
    let described = spdx["packages"].as_array().unwrap().iter().filter(|p| p["externalRefs"].is_array()).count();
    assert_eq!(described, components.len() + usize::from(top.is_string()), "both formats list the same");
}

fn lock_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(lock_files(&path));
        } else if path.file_name().is_some_and(|name| name == "Cargo.lock") {
            found.push(path);
        }
    }
    found
}

#[test]
fn other_peoples_validators_accept_the_sboms() {
    let validators = std::env::var_os("CERTUS_TEST_VALIDATORS").map(PathBuf::from);
    let Some(validators) = validators.filter(|folder| folder.join("bin/python").exists()) else {
        println!("skipped: no validators here; `cargo xtask test` installs them where Python is");
        return;
    };
    for fixture in ["cargo", "node", "python", "others", "spelling"] {
        let home = scanned(fixture);
        let accepted = |command: &mut Command| {
            let output = command.output().expect("the validator runs");
            assert!(output.status.success(), "{fixture}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let cdx = home.path("out/reports/sbom/sbom.cdx.json");
        accepted(Command::new(validators.join("bin/python")).args(["-c", CYCLONEDX]).arg(cdx));
        let spdx = home.path("out/reports/sbom/sbom.spdx.json");
        accepted(Command::new(validators.join("bin/pyspdxtools")).arg("--infile").arg(spdx));
    }
}
