use certus_model::coverage::RunStatus;
use certus_model::inventory::{HashAlgorithm, PackageHash, Scope};
use certus_model::outcome::CallReason;
use certus_model::source::SourceRecord;
use serde_json::{Value, json};

use crate::fixture::{Scene, dependency, json as parsed, rule};

const RULE: (&str, &str, &str) = ("r", "low", "");

/// A project of one root with two lock files: cargo's and npm's.
fn scene() -> Scene {
    let mut scene =
        Scene::new([("Cargo.lock", "serde\ntime\n"), ("web/package-lock.json", "left-pad\n"), ("x", "\nserde\n")]);
    let (serde, again, pad) = (
        scene.at("Cargo.lock", "serde", 0),
        scene.at("x", "serde", 0),
        scene.at("web/package-lock.json", "left-pad", 0),
    );
    let mut root = dependency("0", "shop", "0.3.0", &["1", "2"]);
    root.root = true;
    let mut one = dependency("1", "serde", "1.0.0", &["2"]);
    one.hashes = vec![PackageHash { algorithm: HashAlgorithm::Sha256, value: "ab".repeat(32) }];
    one.origin = Some("https://user:pw@crates.example.org/serde".to_owned());
    one.evidence = vec![serde];
    let two = dependency("2", "time", "0.3.1", &[]);
    let mut twin = dependency("a", "serde", "1.0.0", &["a"]);
    twin.scope = Scope::Development;
    twin.hashes = vec![
        PackageHash { algorithm: HashAlgorithm::Sha256, value: "ab".repeat(32) },
        PackageHash { algorithm: HashAlgorithm::Md5, value: "cd".repeat(16) },
    ];
    twin.licences = vec!["MIT".to_owned(), "Apache License".to_owned()];
    twin.evidence = vec![again];
    let mut pad_record = dependency("b", "left-pad", "1.3.0", &[]);
    pad_record.ecosystem = "npm".to_owned();
    pad_record.namespace = Some("@acme".to_owned());
    pad_record.evidence = vec![pad];
    pad_record.scope = Scope::Build;
    pad_record.licences = vec!["MIT/Apache-2.0".to_owned()];
    scene.run("t.inventory", &rule(RULE.0, RULE.1, RULE.2), vec![]).dependencies = vec![root, one, two];
    scene.run("t.other", &rule(RULE.0, RULE.1, RULE.2), vec![]).dependencies = vec![twin, pad_record];
    scene
}

fn cyclonedx(scene: &Scene) -> Value {
    parsed(&scene.report().cyclonedx().unwrap().unwrap())
}

fn spdx(scene: &Scene) -> Value {
    parsed(&scene.report().spdx().unwrap().unwrap())
}

fn component<'v>(bom: &'v Value, purl: &str) -> &'v Value {
    let found = bom["components"].as_array().unwrap().iter().find(|component| component["purl"] == purl);
    found.unwrap_or_else(|| panic!("{purl} in {}", bom["components"]))
}

fn edges(bom: &Value, from: &str) -> Value {
    let found = bom["dependencies"].as_array().unwrap().iter().find(|edge| edge["ref"] == from);
    found.unwrap_or_else(|| panic!("edges of {from}"))["dependsOn"].clone()
}

#[test]
fn one_package_of_two_runs_is_one_component() {
    let bom = cyclonedx(&scene());
    let serde = component(&bom, "pkg:cargo/serde@1.0.0");
    assert_eq!(serde["scope"], "required");
    assert_eq!(
        serde["hashes"],
        json!([{ "alg": "SHA-256", "content": "ab".repeat(32) }, { "alg": "MD5", "content": "cd".repeat(16) }])
    );
    assert_eq!(
        serde["evidence"]["occurrences"],
        json!([{ "location": "Cargo.lock", "line": 1 }, { "location": "x", "line": 2 }])
    );
    assert_eq!(
        serde["externalReferences"],
        json!([{ "type": "distribution", "url": "https://crates.example.org/serde" }])
    );
    assert_eq!(serde["licenses"][0]["license"]["name"], "Apache License");
    let pad = component(&bom, "pkg:npm/%40acme/left-pad@1.3.0");
    assert_eq!((&pad["group"], &pad["name"], &pad["scope"]), (&json!("@acme"), &json!("left-pad"), &json!("excluded")));
    assert_eq!(pad["licenses"], json!([{ "expression": "MIT OR Apache-2.0", "acknowledgement": "declared" }]));
    assert_eq!(bom["components"].as_array().unwrap().len(), 3);
}

#[test]
fn the_graph_is_complete() {
    let bom = cyclonedx(&scene());
    let root = "pkg:cargo/shop@0.3.0";
    assert_eq!(bom["metadata"]["component"]["bom-ref"], root);
    let pad = "pkg:npm/%40acme/left-pad@1.3.0";
    assert_eq!(
        edges(&bom, root),
        json!(["pkg:cargo/serde@1.0.0", "pkg:cargo/time@0.3.1", pad]),
        "what nobody needs is the root's"
    );
    assert_eq!(edges(&bom, "pkg:cargo/serde@1.0.0"), json!(["pkg:cargo/time@0.3.1"]), "no edge to itself");
    assert_eq!(bom["dependencies"].as_array().unwrap().len(), 4);

    let spdx = spdx(&scene());
    let ids: Vec<_> = spdx["packages"].as_array().unwrap().iter().map(|package| package["SPDXID"].clone()).collect();
    let relationships = spdx["relationships"].as_array().unwrap();
    assert_eq!(relationships.len(), 5);
    for relationship in relationships {
        assert!(ids.contains(&relationship["relatedSpdxElement"]), "{relationship}");
    }
    assert_eq!(relationships[0]["relationshipType"], "DESCRIBES");
}

#[test]
fn several_roots_or_none_hang_below_the_source() {
    for roots in [0, 2] {
        let mut scene = scene();
        let records = &mut scene.runs[0].dependencies;
        records[0].root = roots > 0;
        records[2].root = roots > 0;
        let bom = cyclonedx(&scene);
        assert_eq!(bom["metadata"]["component"]["name"], "commit 4b825dc642cb", "the source's name");
        assert_eq!(bom["metadata"]["component"]["bom-ref"], "certus:source");
        assert_eq!(bom["components"].as_array().unwrap().len(), 4);
        assert_eq!(edges(&bom, "certus:source").as_array().unwrap().len(), if roots == 0 { 2 } else { 3 });
        assert!(
            spdx(&scene)["packages"].as_array().unwrap().iter().any(|package| package["SPDXID"] == "SPDXRef-Source")
        );
    }
}

#[test]
fn purls_are_well_formed_whatever_is_stated() {
    for (name, ecosystem, namespace, package, version, expected) in [
        ("plain", "cargo", None, "serde", Some("1.0"), "pkg:cargo/serde@1.0"),
        ("scope", "npm", Some("@acme"), "a", Some("1"), "pkg:npm/%40acme/a@1"),
        ("folded name", "pypi", None, "Typing_Extensions", Some("4"), "pkg:pypi/typing-extensions@4"),
        ("path", "golang", Some("github.com/acme//x/"), "y", Some("v1"), "pkg:golang/github.com/acme/x/y@v1"),
        ("epoch", "pypi", None, "a", Some("1!2.0"), "pkg:pypi/a@1%212.0"),
        ("no version", "cargo", None, "a", None, "pkg:cargo/a"),
        ("empty version", "cargo", None, "a", Some(""), "pkg:cargo/a"),
        ("signs", "npm", None, "a?b#c@d/e%", Some("1+2 3"), "pkg:npm/a%3Fb%23c%40d%2Fe%25@1%2B2%203"),
        ("no type", "not a type", Some("n"), "a", Some("1"), "pkg:generic/n%2Fa@1"),
        ("a namespace that the type forbids", "pypi", Some("n"), "a", Some("1"), "pkg:generic/n%2Fa@1"),
        ("script", "<script>", None, "<img>", None, "pkg:generic/%3Cimg%3E"),
    ] {
        let mut scene = Scene::new([("a", "a")]);
        let mut stated = dependency("1", package, "", &[]);
        stated.ecosystem = ecosystem.to_owned();
        stated.namespace = namespace.map(str::to_owned);
        stated.version = version.map(str::to_owned);
        stated.qualifiers =
            [("bad key", "x"), ("arch", "x 86"), ("empty", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        scene.run("t.inventory", &rule(RULE.0, RULE.1, RULE.2), vec![]).dependencies = vec![stated];
        let bom = cyclonedx(&scene);
        assert_eq!(bom["components"][0]["purl"], format!("{expected}?arch=x%2086"), "{name}");
    }
}

/// A digest is text that a plugin supplies, and may be a token that another one found.
#[test]
fn a_secret_is_no_digest() {
    let token = "0123456789abcdef0123456789abcdef01234567";
    let mut scene = Scene::new([("a", token)]);
    let at = scene.at("a", token, 0);
    let mut stated = dependency("1", "a", "1", &[]);
    let sha1 = |value: &str| PackageHash { algorithm: HashAlgorithm::Sha1, value: value.to_owned() };
    stated.hashes = vec![sha1(token), sha1(&"f".repeat(40))];
    scene.run("t.inventory", &rule(RULE.0, RULE.1, RULE.2), vec![]).dependencies = vec![stated];
    assert_eq!(cyclonedx(&scene)["components"][0]["hashes"].as_array().unwrap().len(), 2, "the twin: nobody marked it");
    scene.run("t.secrets", &crate::fixture::secret_rule("key"), vec![crate::fixture::secret("key", at)]);
    assert_eq!(cyclonedx(&scene)["components"][0]["hashes"], json!([{ "alg": "SHA-1", "content": "f".repeat(40) }]));
}

/// Case 57: a viewer makes a link of an origin.
#[test]
fn case_057_origins_lead_to_places_and_nowhere_else() {
    for (origin, listed) in [
        ("https://example.org/a.tgz", true),
        ("git+ssh://git@example.org/a", true),
        ("javascript:alert(1)", false),
        ("JavaScript://example.org/%0aalert(1)", false),
        ("data:text/html,<script>alert(1)</script>", false),
        ("file:///etc/passwd", false),
        ("vbscript:x", false),
        ("../relative", false),
    ] {
        let mut scene = Scene::new([("a", "a")]);
        let mut stated = dependency("1", "a", "1", &[]);
        stated.origin = Some(origin.to_owned());
        scene.run("t.inventory", &rule(RULE.0, RULE.1, RULE.2), vec![]).dependencies = vec![stated];
        assert_eq!(cyclonedx(&scene)["components"][0]["externalReferences"].is_array(), listed, "{origin}");
        let download = &spdx(&scene)["packages"][0]["downloadLocation"];
        assert!(listed || download == "NOASSERTION", "{origin}: {download}");
    }
}

#[test]
fn there_is_no_file_where_no_inventory_was_taken() {
    let mut scene = Scene::new([("a", "a")]);
    scene.run("t.secrets", &rule(RULE.0, RULE.1, RULE.2), vec![]);
    assert_eq!(scene.report().cyclonedx().unwrap(), None);
    assert_eq!(scene.report().spdx().unwrap(), None);
    scene.run("t.inventory", &rule(RULE.0, RULE.1, RULE.2), vec![]);
    assert_eq!(cyclonedx(&scene)["components"], json!([]), "an inventory plugin looked and found nothing");
    scene.runs[1].status = RunStatus::Failed(CallReason::Trap);
    assert_eq!(scene.report().cyclonedx().unwrap(), None, "it did not look");
}

#[test]
fn documents_are_named_and_dated_by_the_result() {
    let scene = scene();
    let (one, two) = (cyclonedx(&scene), spdx(&scene));
    assert_eq!(one["metadata"]["timestamp"], "2023-11-14T22:13:20Z");
    assert_eq!(two["creationInfo"]["created"], "2023-11-14T22:13:20Z");
    let serial = one["serialNumber"].as_str().unwrap().trim_start_matches("urn:uuid:").to_owned();
    assert_eq!(two["documentNamespace"], format!("https://certus.dev/spdx/{serial}"));
    let mut other = self::scene();
    other.runs[1].digest = certus_model::Sha256::of(b"another build");
    assert_ne!(cyclonedx(&other)["serialNumber"], one["serialNumber"]);
    other.source = SourceRecord::Directory { directory_path: "shop".to_owned() };
    assert_eq!(cyclonedx(&other)["metadata"]["timestamp"], "1970-01-01T00:00:00Z");
}
