//! Addresses and paths of a submit, as far as their text tells: logins, schemes, the workspace root.

use std::path::{Component, Path};

use crate::config::Config;
use crate::fields::Fields;

/// A repository's address or path. What it holds is never repeated to anybody before it is known to hold
/// no login.
pub(super) fn git(fields: &mut Fields, url: String, config: &Config) -> Option<String> {
    const FIELD: &str = "git_url";
    match scheme(&url) {
        Some("https") => without_login(fields, FIELD, url),
        Some(_) => refuse(fields, FIELD, "has to be an `https` address, or a path in the workspace root"),
        // `user@host:path`, and what git takes for a helper: `ext::…`.
        None if url.contains("::") || url.split('/').next().is_some_and(|first| first.contains([':', '@'])) => {
            refuse(fields, FIELD, "has to be an `https` address; this service has no other login")
        }
        None => path_of(fields, FIELD, url, config),
    }
}

/// Where a manifest or its signature lies.
pub(super) fn manifest(fields: &mut Fields, field: &str, uri: String, config: &Config) -> Option<String> {
    match scheme(&uri) {
        Some("https") => without_login(fields, field, uri),
        Some("file") => {
            let path = uri.split_once("://").map_or("", |(_, path)| path).to_owned();
            path_of(fields, field, path, config).map(|_| uri)
        }
        Some("oci") => without_login(fields, field, uri),
        Some("s3") => match &*config.manifest_buckets {
            [] => refuse(fields, field, "is in an S3 bucket, and the operator has named none"),
            buckets => match uri["s3://".len()..].split_once('/') {
                Some((bucket, key)) if !key.is_empty() && buckets.iter().any(|known| known == bucket) => Some(uri),
                _ => refuse(fields, field, "names no bucket that the operator has named, or nothing in it"),
            },
        },
        _ => refuse(fields, field, "has to be an `https`, `oci`, `s3` or `file` address"),
    }
}

/// A path that its text does not lead out of the workspace root. Whoever opens it looks again, at links too.
pub(super) fn path_of(fields: &mut Fields, field: &str, path: String, config: &Config) -> Option<String> {
    let Some(root) = &config.workspace_root else {
        return refuse(fields, field, "is a local path, and the operator has set no workspace root");
    };
    let given = Path::new(&path);
    let inside = given.is_relative() || given.starts_with(root);
    let climbs = given.components().any(|part| part == Component::ParentDir);
    if path.starts_with('-') || !inside || climbs {
        return refuse(fields, field, "is not inside the workspace root");
    }
    Some(path)
}

fn scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once("://")?;
    (!scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))).then_some(scheme)
}

/// A login in an address would be kept, and shown to all who may see the scan.
fn without_login(fields: &mut Fields, field: &str, url: String) -> Option<String> {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or("");
    if authority.is_empty() || authority.contains('@') {
        return refuse(fields, field, "has to name a host, without a login before it");
    }
    Some(url)
}

fn refuse<T>(fields: &mut Fields, field: &str, detail: &str) -> Option<T> {
    fields.error(field, detail);
    None
}
