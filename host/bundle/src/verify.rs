//! Does this folder hold exactly what a known key signed? Offline, and from the bytes alone.

mod apart;
mod content;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use certus_model::Sha256;
use certus_model::outcome::Verdict;
use certus_signing::{Envelope, KeySet, Statement, Subject, VerifiedPayload};
use time::OffsetDateTime;

use crate::Error;
use crate::attestation::{PREDICATE_TYPE, Predicate, subjects};
use crate::facts::{End, ScanFacts};
use crate::index::Index;
use crate::refusal::{Problem, Refusal};
use crate::tree::Tree;
use certus_model::document::{ATTESTATION, INDEX};

pub(crate) use content::parse_policy;

/// The largest `index.json` that is read; the closed list of names fits a thousand times.
const MAX_INDEX: u64 = 16 << 20;
/// The largest `attestation.dsse.json` that is read: room for some ten thousand plugins.
const MAX_ATTESTATION: u64 = 4 << 20;

/// A bundle that verified, and what that means. Comes from [`verify`] and from writing alone.
#[derive(Clone, Debug)]
pub struct Verification {
    predicate: Predicate,
    key_id: Sha256,
    index_digest: Sha256,
    permitted: Option<Permitted>,
    checks: Vec<String>,
}

/// Who has permitted the bundle's publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permitted {
    /// Whose signature the permit carries.
    pub key_id: Sha256,
    /// When, as that key says.
    pub issued_at: OffsetDateTime,
}

impl Verification {
    /// What was checked, one line each, for people.
    pub fn checks(&self) -> &[String] {
        &self.checks
    }

    /// Whose signature it carries.
    pub fn key_id(&self) -> Sha256 {
        self.key_id
    }

    /// Whether that key was made on first use, by nobody's decision.
    pub fn development(&self) -> bool {
        self.predicate.development
    }

    /// The policy's answer.
    pub fn decision(&self) -> Verdict {
        self.predicate.decision
    }

    /// The digest over the `result` group.
    pub fn result_digest(&self) -> Sha256 {
        self.predicate.result_digest
    }

    /// SHA-256 of `index.json`, which stands for the whole bundle.
    pub fn index_digest(&self) -> Sha256 {
        self.index_digest
    }

    /// Trust's permit, where the bundle has one.
    pub fn permitted(&self) -> Option<Permitted> {
        self.permitted
    }

    /// Which scan of what it was.
    pub fn scan(&self) -> &ScanFacts {
        &self.predicate.scan
    }
}

/// Verifies the bundle in the folder at `path` against the known `keys`.
///
/// # Errors
/// [`Error::Refused`] names the file that is at fault; any other error is the machine's.
pub fn verify(path: &Path, keys: &KeySet) -> Result<Verification, Error> {
    let dir = Dir::open_ambient_dir(path, ambient_authority())
        .map_err(|cause| Error::io(path.display(), "opened as a bundle", cause))?;
    verify_dir(&dir, keys)
}

/// Verifies the bundle in an open folder.
///
/// # Errors
/// As [`verify`].
pub fn verify_dir(dir: &Dir, keys: &KeySet) -> Result<Verification, Error> {
    let mut tree = Tree::open(dir)?;

    // The signature first: nothing else is looked into before it is known who vouches for it.
    let (envelope, payload) = signed(ATTESTATION, &tree.read_apart(ATTESTATION, MAX_ATTESTATION)?, keys)?;
    let statement = Statement::<Predicate>::open(&payload, PREDICATE_TYPE)
        .map_err(|cause| Refusal::new(ATTESTATION, Problem::Malformed(cause.to_string())))?;
    let predicate = statement.predicate();
    if payload.by_development_key() && !predicate.development {
        return Err(Refusal::new(ATTESTATION, Problem::Development(payload.key_id())).into());
    }

    let index_bytes = tree.read_apart(INDEX, MAX_INDEX)?;
    let index_digest = Sha256::of(&index_bytes);
    if statement.subjects().iter().all(|subject| subject.name() != INDEX || subject.sha256() != index_digest) {
        return Err(Refusal::new(INDEX, Problem::NotSigned).into());
    }
    let index = Index::parse(&index_bytes)?;
    compare_subjects(statement.subjects(), &subjects(&index, index_digest))?;
    content::agree("the result digest", predicate.result_digest, INDEX, index.result_digest())?;

    content::check_names(&index, &predicate.scan.end)?;

    let listed: BTreeSet<_> = index.files().map(|entry| entry.path.path()).collect();
    if let Some(missing) = listed.iter().find(|path| !tree.has(path)) {
        return Err(Refusal::new(missing, Problem::Missing).into());
    }
    tree.refuse_unlisted(&listed)?;
    let ledger_lines = content::check(&mut tree, &index, predicate)?;

    let logged = apart::log_entry(&mut tree, &envelope, payload.key_id(), keys)?;
    let (told, permitted) = apart::permitted(&mut tree, &index, index_digest, &predicate.scan.scan_id, keys)?;

    let (key_id, scan) = (payload.key_id(), &predicate.scan);
    let mut checks = vec![
        format!("signature: ECDSA P-256 over the statement, by key {key_id}"),
        format!("statement: scan {}, {}{}, decision {}", scan.scan_id, scan.mode, ended(&scan.end), predicate.decision),
        format!("files: {} with size and digest as signed, nothing else in the bundle", listed.len()),
        format!("result: digest {} recomputed from its files", predicate.result_digest),
    ];
    checks.extend(ledger_lines.map(|count| format!("ledger: {count} lines, each following from the one before")));
    checks.push(logged);
    checks.extend(told);
    checks.push("content: canonical, scan.json and policy-result.json say what the statement says".to_owned());
    Ok(Verification { predicate: predicate.clone(), key_id, index_digest, permitted, checks })
}

/// Says of a failure that it is one: what verifies must not be taken for a scan.
fn ended(end: &End) -> String {
    match end {
        End::Report(_) => String::new(),
        End::Failure(failure) => format!(", {} ({})", end.status(), failure.reason),
    }
}

/// An envelope of the bundle that a known key has signed.
fn signed(path: &'static str, bytes: &[u8], keys: &KeySet) -> Result<(Envelope, VerifiedPayload), Refusal> {
    let verified = Envelope::parse(bytes).and_then(|envelope| {
        let payload = envelope.verify(keys)?;
        Ok((envelope, payload))
    });
    verified.map_err(|error| {
        let problem = match error {
            certus_signing::Error::UnknownSigner(key) => Problem::UnknownSigner(key),
            certus_signing::Error::BadSignature(key) => Problem::Signature(key),
            other => Problem::Malformed(other.to_string()),
        };
        Refusal::new(path, problem)
    })
}

/// Both are about the same names with the same digests, or the first difference is named.
fn compare_subjects(stated: &[Subject], indexed: &[Subject]) -> Result<(), Refusal> {
    let by_name = |subjects: &[Subject]| -> BTreeMap<String, Sha256> {
        subjects.iter().map(|subject| (subject.name().to_owned(), subject.sha256())).collect()
    };
    let (stated, indexed) = (by_name(stated), by_name(indexed));
    let differs = |name: &&String| stated.get(*name) != indexed.get(*name);
    match stated.keys().chain(indexed.keys()).find(differs) {
        None => Ok(()),
        Some(name) => {
            let name = certus_model::escape::one_line(name, 200);
            Err(Refusal::new(ATTESTATION, Problem::Subject(name)))
        }
    }
}

#[cfg(test)]
mod tests;
