use jsonschema::{Registry, Validator};
use serde_json::Value;

use super::demo::demo;
use super::hostile;
use crate::fixture::{Scene, json, rule};

const SARIF: &str = include_str!("../../../../tests/schemas/sarif-2.1.0.json");
const CYCLONEDX: &str = include_str!("../../../../tests/schemas/bom-1.6.SNAPSHOT.schema.json");
const CYCLONEDX_LICENCES: &str = include_str!("../../../../tests/schemas/spdx.SNAPSHOT.schema.json");
const CYCLONEDX_SIGNATURES: &str = include_str!("../../../../tests/schemas/jsf-0.82.SNAPSHOT.schema.json");
const SPDX: &str = include_str!("../../../../tests/schemas/spdx-2.3.json");

fn schema(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn assert_valid(validator: &Validator, document: &[u8], name: &str) {
    let document = json(document);
    let problems: Vec<_> =
        validator.iter_errors(&document).take(5).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{name}: {problems:#?}");
}

/// Scans whose documents differ most: a usual one, hostile texts, nothing at all.
fn scenes() -> Vec<(&'static str, Scene)> {
    let mut empty = Scene::new([("a", "a")]);
    empty.run("t.inventory", &rule("r", "low", ""), vec![]);
    vec![("demo", demo()), ("hostile", hostile::scene()), ("empty", empty)]
}

#[test]
fn sarif_follows_its_schema() {
    // The published schema has a pattern that is no regular expression.
    let text = SARIF.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}?$");
    let validator = jsonschema::validator_for(&schema(&text)).unwrap();
    for (name, scene) in scenes() {
        assert_valid(&validator, &scene.report().sarif().unwrap(), name);
    }
    assert!(!validator.is_valid(&serde_json::json!({ "version": "2.1.0" })), "the schema refuses something");
}

#[test]
fn cyclonedx_follows_its_schema() {
    let registry = Registry::new()
        .add("http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json", schema(CYCLONEDX_LICENCES))
        .and_then(|known| {
            known.add("http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json", schema(CYCLONEDX_SIGNATURES))
        })
        .and_then(|known| known.prepare())
        .unwrap();
    let validator =
        jsonschema::options().with_registry(&registry).should_validate_formats(true).build(&schema(CYCLONEDX)).unwrap();
    for (name, scene) in scenes() {
        assert_valid(&validator, &scene.report().cyclonedx().unwrap().unwrap(), name);
    }
    assert!(
        !validator.is_valid(&serde_json::json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{}] }))
    );
}

#[test]
fn spdx_follows_its_schema() {
    let validator = jsonschema::validator_for(&schema(SPDX)).unwrap();
    for (name, scene) in scenes() {
        assert_valid(&validator, &scene.report().spdx().unwrap().unwrap(), name);
    }
    assert!(!validator.is_valid(&serde_json::json!({ "spdxVersion": "SPDX-2.3" })), "the schema refuses something");
}
