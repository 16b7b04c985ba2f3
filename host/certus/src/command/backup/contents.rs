//! What a backup holds: a signed statement over every file of it, and nothing beside.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use certus_model::Sha256;
use certus_signing::{Envelope, KeySet, SigningKey, Statement, Subject};
use certus_store::Head;
use serde::{Deserialize, Serialize};

use crate::command::check::{Check, Found};

/// The predicate's type.
const PREDICATE_TYPE: &str = "https://certus.dev/attestation/backup/v1";
/// The file of the statement.
const STATEMENT: &str = "backup.dsse.json";

/// What was true when the backup was made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    host_version: String,
    /// Rows of the audit chain, at least.
    audit_seq: i64,
    audit_digest: Sha256,
}

/// Signs every file below; returns how many there are.
pub(super) fn sign(folder: &Path, head: Head, key: &SigningKey) -> anyhow::Result<usize> {
    let files = digests(folder)?;
    let subjects = files.iter().map(|(path, digest)| Subject::new(path, *digest)).collect();
    let predicate = Predicate {
        host_version: env!("CARGO_PKG_VERSION").to_owned(),
        audit_seq: head.seq,
        audit_digest: head.digest,
    };
    let envelope = Statement::new(subjects, PREDICATE_TYPE, predicate).sign(key)?;
    // Last, so that half a backup is none.
    std::fs::write(folder.join(STATEMENT), envelope.to_bytes()?)?;
    Ok(files.len())
}

/// Whether a backup is whole: signed by a known key, every file as it was, and nothing else.
pub(super) fn check(folder: &Path, keys: &KeySet) -> anyhow::Result<Check> {
    let path = folder.join(STATEMENT);
    let envelope = std::fs::read(&path)
        .with_context(|| format!("`{}` cannot be read; name the folder of a backup", path.display()))?;
    let payload = match Envelope::parse(&envelope).and_then(|envelope| envelope.verify(keys)) {
        Ok(payload) => payload,
        Err(error) => return Ok(("backup", Found::Bad(format!("{STATEMENT}: {error}")))),
    };
    let statement = match Statement::<Predicate>::open(&payload, PREDICATE_TYPE) {
        Ok(statement) => statement,
        Err(error) => return Ok(("backup", Found::Bad(format!("{STATEMENT}: {error}")))),
    };
    let mut listed: BTreeMap<_, _> = statement.subjects().iter().map(|s| (s.name().to_owned(), s.sha256())).collect();
    for (path, digest) in digests(folder)? {
        if path == STATEMENT {
            continue;
        }
        match listed.remove(&path) {
            Some(wanted) if wanted == digest => {}
            Some(_) => return Ok(("backup", Found::Bad(format!("`{path}` is not what was signed")))),
            None => return Ok(("backup", Found::Bad(format!("`{path}` was not there when it was signed")))),
        }
    }
    if let Some((path, _)) = listed.first_key_value() {
        return Ok(("backup", Found::Bad(format!("`{path}` was signed and is missing"))));
    }
    let (files, signer) = (statement.subjects().len(), payload.key_id());
    let rows = statement.predicate().audit_seq;
    Ok(("backup", Found::Good(format!("{files} files as {signer} has signed them, {rows} audit rows"))))
}

/// The digest of every file below, by its path with slashes.
pub(super) fn digests(folder: &Path) -> anyhow::Result<BTreeMap<String, Sha256>> {
    let mut digests = BTreeMap::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((place, above)) = folders.pop() {
        for entry in std::fs::read_dir(&place).with_context(|| format!("`{}` cannot be read", place.display()))? {
            let entry = entry?;
            let path = format!("{above}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push((entry.path(), format!("{path}/")));
            } else {
                digests.insert(path, digest(&entry.path())?);
            }
        }
    }
    Ok(digests)
}

fn digest(path: &Path) -> anyhow::Result<Sha256> {
    let mut file = std::fs::File::open(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    Ok(certus_store::digest(&mut file)?.0)
}
