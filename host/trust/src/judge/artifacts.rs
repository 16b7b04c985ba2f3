//! Whether the files that are to be published are those that were signed.

use std::collections::BTreeMap;

use certus_model::document::{ATTESTATION, INDEX, LOGGED};
use certus_model::{DenialReason, Sha256};
use certus_signing::permit::PermittedFile;
use serde::Deserialize;

use super::{Denial, Judged};
use crate::submission::Submission;

/// What is read of the index.
#[derive(Deserialize)]
struct Index {
    result: Group,
    run: Group,
}

#[derive(Deserialize)]
struct Group {
    files: Vec<PermittedFile>,
}

/// What is to be published is what the index lists, the index, the statement and its log entry: no more, no less.
pub(super) fn look(judged: &mut Judged, submission: &Submission) -> Result<(), Denial> {
    use DenialReason::ArtifactMismatch;
    const NAME: &str = "artifacts";
    let index = submission.document(INDEX).and_then(|bytes| serde_json::from_slice::<Index>(bytes).ok());
    let Some(index) = index else {
        return judged.deny(NAME, ArtifactMismatch, "index.json is no index of a bundle");
    };
    let mut expected: BTreeMap<String, PermittedFile> = BTreeMap::new();
    for file in index.result.files.into_iter().chain(index.run.files) {
        expected.insert(file.path.clone(), file);
    }
    for path in [INDEX, ATTESTATION, LOGGED] {
        if let Some(bytes) = submission.document(path) {
            let file = PermittedFile { path: path.to_owned(), sha256: Sha256::of(bytes), size: bytes.len() as u64 };
            expected.insert(path.to_owned(), file);
        }
    }
    let mut asked: BTreeMap<&str, PermittedFile> = BTreeMap::new();
    for artifact in &submission.artifacts {
        let Some(sha256) = artifact.sha256() else {
            let detail = format!("the hash of `{}` is not `sha256:` and 64 hex digits", artifact.name);
            return judged.deny(NAME, ArtifactMismatch, detail);
        };
        let file = PermittedFile { path: artifact.name.clone(), sha256, size: artifact.size };
        if asked.insert(&artifact.name, file).is_some() {
            return judged.deny(NAME, ArtifactMismatch, format!("`{}` is there twice", artifact.name));
        }
    }
    let names = expected.keys().map(String::as_str).chain(asked.keys().copied());
    let differs = names.into_iter().find(|name| expected.get(*name) != asked.get(name));
    if let Some(name) = differs {
        let detail =
            format!("`{name}` is not, with size and digest, both in the signed bundle and in what is asked for");
        return judged.deny(NAME, ArtifactMismatch, detail);
    }
    judged.files = expected.into_values().collect();
    judged.pass(NAME, format!("{} files with size and digest as signed, and no other", judged.files.len()));
    Ok(())
}
