//! What the files say: each in its form, none against the statement.

use std::fmt::Display;

use certus_model::canonical_json;
use certus_model::decision::PolicyResult;
use certus_model::ledger::check_chain;
use certus_model::manifest::ManifestInfo;
use certus_model::outcome::Verdict;
use serde::Deserialize;
use serde_json::Value;

use crate::attestation::Predicate;
use crate::facts::{End, ScanFacts};
use crate::index::Index;
use crate::name::{FileName, Form};
use crate::refusal::{Problem, Refusal};
use crate::tree::Tree;
use crate::{Error, Mode};
use certus_model::document::ATTESTATION;

/// The largest JSON file that is read: parsed, it takes some ten times as much memory.
const MAX_DOCUMENT: u64 = 256 << 20;
/// The largest ledger that is read: some three million lines.
const MAX_LEDGER: u64 = 1 << 30;

/// What the statement speaks of as well. The rest of `scan.json` is its maker's business.
#[derive(Deserialize)]
struct ScanJson {
    test_id: String,
    mode: Mode,
    status: String,
}

/// Checks every listed file; the answer is the number of lines of the ledger, if there is one.
pub(super) fn check(tree: &mut Tree, index: &Index, predicate: &Predicate) -> Result<Option<u64>, Error> {
    let mut ledger_lines = None;
    for entry in index.files() {
        match entry.path.form() {
            Form::Any => tree.hash_listed(entry)?,
            Form::Ledger => {
                let lines = check_chain(&tree.read_listed(entry, MAX_LEDGER)?);
                ledger_lines = Some(lines.map_err(|line| Refusal::new(entry.path.path(), Problem::Ledger(line)))?);
            }
            Form::CanonicalJson => {
                let bytes = tree.read_listed(entry, MAX_DOCUMENT)?;
                check_canonical(entry.path, &bytes)?;
                check_agreement(entry.path, &bytes, index, predicate)?;
            }
        }
    }
    Ok(ledger_lines)
}

/// Refuses an index that lacks what such a bundle always has, or that lists what a failure cannot have.
pub(super) fn check_names(index: &Index, end: &End) -> Result<(), Refusal> {
    if let Some(lacking) = end.required().iter().find(|name| index.get(**name).is_none()) {
        return Err(Refusal::new(lacking.path(), Problem::Required));
    }
    match index.files().find(|entry| !end.allows(entry.path)) {
        Some(entry) => Err(Refusal::new(entry.path.path(), Problem::OfAFailure)),
        None => Ok(()),
    }
}

/// What of `policy-result.json` is signed apart.
pub(crate) fn parse_policy(bytes: &[u8]) -> Result<PolicyResult, Refusal> {
    parse(FileName::PolicyResult, bytes)
}

/// Refuses a statement that claims something else than another file says.
pub(super) fn agree<T: PartialEq + Display>(
    what: &'static str,
    claimed: T,
    other: &'static str,
    found: T,
) -> Result<(), Refusal> {
    if claimed == found {
        return Ok(());
    }
    let shown = |value: T| certus_model::escape::one_line(&value.to_string(), 100);
    let problem = Problem::Contradiction { what, claimed: shown(claimed), other, found: shown(found) };
    Err(Refusal::new(ATTESTATION, problem))
}

fn check_canonical(name: FileName, bytes: &[u8]) -> Result<(), Refusal> {
    let value: Value = parse(name, bytes)?;
    match canonical_json(&value) {
        Ok(canonical) if canonical == bytes => Ok(()),
        _ => Err(Refusal::new(name.path(), Problem::NotCanonical)),
    }
}

fn check_agreement(name: FileName, bytes: &[u8], index: &Index, predicate: &Predicate) -> Result<(), Refusal> {
    let ScanFacts { scan_id, mode, end, .. } = &predicate.scan;
    match name {
        FileName::Scan => {
            let scan: ScanJson = parse(name, bytes)?;
            agree("the scan id", scan_id.as_str(), name.path(), &scan.test_id)?;
            agree("the mode", *mode, name.path(), scan.mode)?;
            agree("the status", end.status(), name.path(), &scan.status)
        }
        FileName::PolicyResult => {
            let policy = parse_policy(bytes)?;
            agree("the decision", predicate.decision, name.path(), policy.decision)?;
            match end {
                End::Failure(_) if policy.counts.is_some() || policy.decision != Verdict::Error => {
                    Err(Refusal::new(name.path(), Problem::OfAFailure))
                }
                End::Report(_) if policy.counts.is_none() => {
                    let problem = "it counts nothing, but the scan has a report".to_owned();
                    Err(Refusal::new(name.path(), Problem::Malformed(problem)))
                }
                _ => Ok(()),
            }
        }
        FileName::ManifestInfo => {
            let info: ManifestInfo = parse(name, bytes)?;
            let given = index.get(FileName::Manifest).map(|entry| entry.sha256);
            if info.manifest_digest == given {
                return Ok(());
            }
            let problem = "its manifest_digest is not that of manifest.json".to_owned();
            Err(Refusal::new(name.path(), Problem::Malformed(problem)))
        }
        _ => Ok(()),
    }
}

/// Parses without repeating the file's content in the refusal.
fn parse<T: for<'de> Deserialize<'de>>(name: FileName, bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|cause| {
        let at = format!("unexpected content at line {}, column {}", cause.line(), cause.column());
        Refusal::new(name.path(), Problem::Malformed(at))
    })
}

#[cfg(test)]
mod tests;
