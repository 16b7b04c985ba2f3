//! What kind of document a file is.

/// The media type of a file of a bundle or of a document of Trust's, by its name.
pub fn media_type(path: &str) -> &'static str {
    match path {
        "bundle.sigstore.json" => "application/vnd.dev.sigstore.bundle.v0.3+json",
        _ if path.ends_with(".dsse.json") => "application/vnd.in-toto+json",
        _ if path.ends_with(".sarif.json") => "application/sarif+json",
        _ if path.ends_with(".cdx.json") => "application/vnd.cyclonedx+json",
        _ if path.ends_with(".spdx.json") => "application/spdx+json",
        _ if path.ends_with(".html") => "text/html; charset=utf-8",
        _ if path.ends_with(".jsonl") => "application/jsonl",
        _ if path.ends_with(".json") => "application/json",
        _ => "application/octet-stream",
    }
}
