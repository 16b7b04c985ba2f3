//! SPDX 2.3 JSON.

use certus_model::inventory::{HashAlgorithm, PackageHash};
use certus_model::{Sha256, canonical_json};
use serde_json::{Map, Value, json};

use super::licence::expression;
use super::purl::Purl;
use super::{Inventory, Package};
use crate::{Error, Report};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
/// Names the source as a whole where it is not one package.
const SOURCE: &str = "SPDXRef-Source";
const NO_ASSERTION: &str = "NOASSERTION";
/// Schemes that the format knows for a download location.
const DOWNLOAD_SCHEMES: [&str; 5] = ["http", "https", "ftp", "git+https", "git+ssh"];
/// Places of evidence that are spelt out.
const MOST_EVIDENCE: usize = 10;

/// The document.
pub(crate) fn document(report: &Report<'_>, inventory: &Inventory) -> Result<Vec<u8>, Error> {
    let top = inventory.top();
    let name = report.source.name();
    let mut packages: Vec<_> = inventory.packages.iter().map(|(purl, package)| self::package(purl, package)).collect();
    let top_id = match top.root {
        Some((purl, _)) => id(purl),
        None => {
            packages.push(json!({
                "SPDXID": SOURCE,
                "name": name,
                "downloadLocation": NO_ASSERTION,
                "filesAnalyzed": false,
                "licenseConcluded": NO_ASSERTION,
                "licenseDeclared": NO_ASSERTION,
                "copyrightText": NO_ASSERTION,
                "primaryPackagePurpose": "APPLICATION",
                "comment": format!("tree digest sha256:{}", report.tree_digest),
            }));
            SOURCE.to_owned()
        }
    };
    let mut relationships = vec![relationship(DOCUMENT, "DESCRIBES", &top_id)];
    relationships.extend(top.depends_on.iter().map(|purl| relationship(&top_id, "DEPENDS_ON", &id(purl))));
    let others = inventory.packages.iter().filter(|(purl, _)| top.root.is_none_or(|(root, _)| root != *purl));
    for (purl, package) in others {
        let edges = package.depends_on.iter().map(|target| relationship(&id(purl), "DEPENDS_ON", &id(target)));
        relationships.extend(edges);
    }
    let creator: String = report.host_version.chars().filter(|c| c.is_ascii_graphic()).collect();
    Ok(canonical_json(&json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": name,
        "documentNamespace": format!("https://certus.dev/spdx/{}", report.serial),
        "creationInfo": { "created": report.generated_at, "creators": [format!("Tool: certus-{creator}")] },
        "packages": packages,
        "relationships": relationships,
    }))?)
}

fn package(purl: &Purl, package: &Package) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("SPDXID", json!(id(purl)));
    put("name", json!(package.full_name()));
    if let Some(version) = &package.version {
        put("versionInfo", json!(version));
    }
    let download = package.origins.iter().find(|url| DOWNLOAD_SCHEMES.contains(&url.scheme()));
    put("downloadLocation", json!(download.map_or(NO_ASSERTION, |url| url.as_str())));
    put("filesAnalyzed", json!(false));
    if !package.hashes.is_empty() {
        put("checksums", package.hashes.iter().map(checksum).collect());
    }
    put("licenseConcluded", json!(NO_ASSERTION));
    let declared = declared(package);
    if declared.is_none() && !package.licences.is_empty() {
        let stated: Vec<_> = package.licences.iter().map(String::as_str).collect();
        put("licenseComments", json!(format!("the package's metadata states: {}", stated.join("; "))));
    }
    put("licenseDeclared", json!(declared.as_deref().unwrap_or(NO_ASSERTION)));
    put("copyrightText", json!(NO_ASSERTION));
    put("primaryPackagePurpose", json!(if package.root { "APPLICATION" } else { "LIBRARY" }));
    put(
        "externalRefs",
        json!([{ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl }]),
    );
    if !package.evidence.is_empty() {
        put("sourceInfo", json!(format!("stated in {}", evidence(package))));
    }
    Value::Object(out)
}

/// The one licence that the metadata states, where it is an expression that the document defines in full.
fn declared(package: &Package) -> Option<String> {
    let mut stated = package.licences.iter();
    let only = stated.next().filter(|_| stated.next().is_none())?;
    expression(only).filter(|text| !text.contains("Ref-"))
}

fn evidence(package: &Package) -> String {
    let places = package.evidence.iter().take(MOST_EVIDENCE).map(|(path, line)| match line {
        Some(line) => format!("{path}:{line}"),
        None => path.clone(),
    });
    let mut text = places.collect::<Vec<_>>().join(", ");
    if let Some(more) = package.evidence.len().checked_sub(MOST_EVIDENCE).filter(|more| *more > 0) {
        text += &format!(" and {more} more");
    }
    text
}

/// An id that is unique because it ends in the purl's digest, and legible because of the name in it.
fn id(purl: &Purl) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let legible: String = purl.as_str().trim_start_matches("pkg:").chars().take(60).map(kept).collect();
    let digest = Sha256::of(purl.as_str().as_bytes()).to_string();
    format!("SPDXRef-{legible}-{}", &digest[..16])
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

fn checksum(hash: &PackageHash) -> Value {
    let algorithm = match hash.algorithm {
        HashAlgorithm::Md5 => "MD5",
        HashAlgorithm::Sha1 => "SHA1",
        HashAlgorithm::Sha256 => "SHA256",
        HashAlgorithm::Sha384 => "SHA384",
        HashAlgorithm::Sha512 => "SHA512",
        HashAlgorithm::Blake3 => "BLAKE3",
    };
    json!({ "algorithm": algorithm, "checksumValue": hash.value })
}
