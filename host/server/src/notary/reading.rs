//! What the notary's paths are sent, read field by field.

use std::collections::BTreeSet;

use certus_model::Sha256;
use certus_model::escape::one_line;
use certus_trust::{SignAsked, SignedFile};
use serde_json::{Value, json};

use crate::fields::{Fields, plain};
use crate::problem::FieldError;

/// How many files an assessment may have: each is tried with every key.
const MOST_FILES: usize = 500;

/// The files of an assessment, each named once.
pub(super) fn files_of(inner: &Value, fields: &mut Fields, name: &str) -> Option<Vec<SignedFile>> {
    let files = inner.get("files").cloned().unwrap_or_else(|| json!([]));
    let files = serde_json::from_value::<Vec<SignedFile>>(files).ok().filter(|files| files.len() <= MOST_FILES);
    let Some(files) = files else {
        let detail = format!("has to hold `files` with `path`, `digest` and `signature` each, at most {MOST_FILES}");
        fields.error(name, detail);
        return None;
    };
    let mut paths = BTreeSet::new();
    for file in &files {
        if let Err(why) = plain(&file.path, 4096) {
            fields.error(name, format!("has the path `{}`, which {why}", one_line(&file.path, 100)));
        } else if !paths.insert(&*file.path) {
            fields.error(name, format!("has `{}` twice; name each file once", one_line(&file.path, 100)));
        }
    }
    Some(files)
}

pub(super) fn digest(fields: &mut Fields, name: &str) -> Option<Sha256> {
    let text = fields.required_text(name, 71)?;
    let digest = text.strip_prefix("sha256:").unwrap_or(&text).parse().ok();
    if digest.is_none() {
        fields.error(name, "has to be a SHA-256 in 64 lower-case hex digits");
    }
    digest
}

pub(super) fn read_sign(body: Value) -> Result<SignAsked, Vec<FieldError>> {
    let mut fields = Fields::of(body)?;
    let artifact = digest(&mut fields, "artifact");
    let artifact_type = fields.required_text("artifact_type", 20);
    if artifact_type.as_deref().is_some_and(|kind| !["image", "sbom", "report", "assessment"].contains(&kind)) {
        fields.error("artifact_type", "is `image`, `sbom`, `report` or `assessment`");
    }
    let subject = fields.required_text("subject", 500);
    let predicates = fields.take("predicates").unwrap_or_else(|| json!({}));
    if !predicates.is_object() {
        fields.error("predicates", "has to be an object");
    }
    let all = artifact.zip(artifact_type).zip(subject).map(|((artifact, artifact_type), subject)| SignAsked {
        artifact,
        artifact_type,
        subject,
        predicates,
    });
    fields.finish(all)
}
