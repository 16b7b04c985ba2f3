//! CycloneDX 1.6.

use std::collections::{BTreeMap, BTreeSet};

use certus_model::canonical_json;
use certus_model::inventory::{HashAlgorithm, Scope};
use serde_json::{Map, Value, json};

use super::licence::expression;
use super::purl::Purl;
use super::{Inventory, Package};
use crate::{Error, Report};

/// Names the source as a whole where it is not one package.
const SOURCE_REF: &str = "certus:source";

/// The document.
pub(crate) fn document(report: &Report<'_>, inventory: &Inventory) -> Result<Vec<u8>, Error> {
    let top = inventory.top();
    let (top_ref, top_component) = match top.root {
        Some((purl, package)) => (purl.as_str(), component(purl, package, true)),
        None => {
            let name = report.source.name();
            (SOURCE_REF, json!({ "type": "application", "bom-ref": SOURCE_REF, "name": name }))
        }
    };
    let rest = inventory.packages.iter().filter(|(purl, _)| purl.as_str() != top_ref);
    let components: Vec<_> = rest.map(|(purl, package)| component(purl, package, false)).collect();
    let mut edges: BTreeMap<&str, BTreeSet<&Purl>> =
        inventory.packages.iter().map(|(purl, package)| (purl.as_str(), package.depends_on.iter().collect())).collect();
    edges.insert(top_ref, top.depends_on);
    let dependencies: Vec<_> = edges.into_iter().map(|(from, to)| json!({ "ref": from, "dependsOn": to })).collect();
    Ok(canonical_json(&json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", report.serial),
        "version": 1,
        "metadata": {
            "timestamp": report.generated_at,
            "tools": { "components": [{ "type": "application", "name": "certus", "version": report.host_version }] },
            "component": top_component,
            "properties": [{ "name": "certus:tree-digest", "value": format!("sha256:{}", report.tree_digest) }],
        },
        "components": components,
        "dependencies": dependencies,
    }))?)
}

fn component(purl: &Purl, package: &Package, top: bool) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("type", json!(if package.root { "application" } else { "library" }));
    put("bom-ref", json!(purl));
    if let Some(namespace) = &package.namespace {
        put("group", json!(namespace));
    }
    put("name", json!(package.name));
    if let Some(version) = &package.version {
        put("version", json!(version));
    }
    put("purl", json!(purl));
    if let Some(scope) = scope(package).filter(|_| !top) {
        put("scope", json!(scope));
    }
    if !package.hashes.is_empty() {
        let hash = |hash: &certus_model::inventory::PackageHash| json!({ "alg": algorithm(hash.algorithm), "content": hash.value });
        put("hashes", package.hashes.iter().map(hash).collect());
    }
    if !package.licences.is_empty() {
        put("licenses", licences(&package.licences));
    }
    if !package.origins.is_empty() {
        let reference = |url: &url::Url| json!({ "type": "distribution", "url": super::uri(url) });
        put("externalReferences", package.origins.iter().map(reference).collect());
    }
    if !package.evidence.is_empty() {
        let occurrence = |(path, line): &(String, Option<u64>)| match line {
            Some(line) => json!({ "location": path, "line": line }),
            None => json!({ "location": path }),
        };
        put("evidence", json!({ "occurrences": package.evidence.iter().map(occurrence).collect::<Vec<_>>() }));
    }
    Value::Object(out)
}

/// One valid expression as such. The format allows no second beside it, so several statements are names.
fn licences(stated: &BTreeSet<String>) -> Value {
    let mut expressions = stated.iter().map(|text| expression(text));
    match (expressions.next().flatten(), expressions.next()) {
        (Some(only), None) => json!([{ "expression": only, "acknowledgement": "declared" }]),
        _ => stated.iter().map(|name| json!({ "license": { "name": name, "acknowledgement": "declared" } })).collect(),
    }
}

const fn scope(package: &Package) -> Option<&'static str> {
    match package.scope {
        Scope::Runtime => Some("required"),
        Scope::Optional => Some("optional"),
        Scope::Build | Scope::Development => Some("excluded"),
        Scope::Unknown => None,
    }
}

const fn algorithm(algorithm: HashAlgorithm) -> &'static str {
    match algorithm {
        HashAlgorithm::Md5 => "MD5",
        HashAlgorithm::Sha1 => "SHA-1",
        HashAlgorithm::Sha256 => "SHA-256",
        HashAlgorithm::Sha384 => "SHA-384",
        HashAlgorithm::Sha512 => "SHA-512",
        HashAlgorithm::Blake3 => "BLAKE3",
    }
}
