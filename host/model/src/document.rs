//! The documents that stand beside a bundle's index, and what kind of document each file is.

/// The file that lists all others.
pub const INDEX: &str = "index.json";
/// The signed statement about the index and all that it lists.
pub const ATTESTATION: &str = "attestation.dsse.json";
/// The same signature with its entry in a transparency log, and the proof of that: a Sigstore bundle.
pub const LOGGED: &str = "bundle.sigstore.json";
/// Trust's permission to publish the bundle.
pub const PERMIT: &str = "permit.dsse.json";
/// Trust's verdict.
pub const VSA: &str = "vsa.dsse.json";
/// Trust's summary of what holds.
pub const SVR: &str = "svr.dsse.json";
/// What Trust has proven, as clients read it; the permit names its digest.
pub const PROOF: &str = "verification-proof.json";

/// A signed envelope, as sigstore's tools name it in registries.
pub const ENVELOPE_TYPE: &str = "application/vnd.dsse.envelope.v1+json";
/// A Sigstore bundle.
pub const LOGGED_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// A report of findings.
pub const SARIF_TYPE: &str = "application/sarif+json";
/// A bill of materials in CycloneDX.
pub const CYCLONEDX_TYPE: &str = "application/vnd.cyclonedx+json";
/// A bill of materials in SPDX.
pub const SPDX_TYPE: &str = "application/spdx+json";

/// The media type of a file of a bundle, or of a document of Trust's, by its name.
pub fn media_type(path: &str) -> &'static str {
    match path {
        LOGGED => LOGGED_TYPE,
        _ if path.ends_with(".dsse.json") => ENVELOPE_TYPE,
        _ if path.ends_with(".sarif.json") => SARIF_TYPE,
        _ if path.ends_with(".cdx.json") => CYCLONEDX_TYPE,
        _ if path.ends_with(".spdx.json") => SPDX_TYPE,
        _ if path.ends_with(".html") => "text/html; charset=utf-8",
        _ if path.ends_with(".jsonl") => "application/jsonl",
        _ if path.ends_with(".json") => "application/json",
        _ => "application/octet-stream",
    }
}
