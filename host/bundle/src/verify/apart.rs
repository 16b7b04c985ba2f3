//! What stands beside a bundle's statement: the proof that a log holds its signature, and what Trust says of it.

use std::collections::BTreeMap;

use certus_model::document::{ATTESTATION, INDEX, LOGGED, PERMIT, PROOF, SVR, VSA};
use certus_model::{ScanId, Sha256};
use certus_signing::permit::{PREDICATE_TYPE as PERMIT_TYPE, PermitTerms};
use certus_signing::sigstore::verify_wrapped;
use certus_signing::{Envelope, KeySet, Statement};
use serde_json::Value as Json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Permitted, signed};
use crate::Error;
use crate::index::Index;
use crate::refusal::{Problem, Refusal};
use crate::tree::Tree;

/// The largest of these files that is read.
const LARGEST: u64 = 16 << 20;

/// Checks the log entry, if there is one; what to tell people.
pub(super) fn log_entry(tree: &mut Tree, envelope: &Envelope, signer: Sha256, keys: &KeySet) -> Result<String, Error> {
    if !tree.has(LOGGED) {
        return Ok("log: the bundle names no entry of a transparency log".to_owned());
    }
    let bytes = tree.read_apart(LOGGED, LARGEST)?;
    let key = keys.get(&signer).ok_or_else(|| Refusal::new(LOGGED, Problem::UnknownSigner(signer)))?;
    let proof = verify_wrapped(&bytes, envelope, key, keys.logs())
        .map_err(|error| Refusal::new(LOGGED, Problem::Log(error.to_string())))?;
    let witnesses = match proof.witnesses().len() {
        0 => String::new(),
        count => format!(", cosigned by {count} witnesses"),
    };
    Ok(format!("log: entry {} of {}, proven to its {} entries{witnesses}", proof.index(), proof.origin(), proof.size()))
}

/// Checks what Trust says, if it says anything; what to tell people, and who has permitted it. Its permit names every
/// file but itself.
pub(super) fn permitted(
    tree: &mut Tree,
    index: &Index,
    index_digest: Sha256,
    scan: &ScanId,
    keys: &KeySet,
) -> Result<(Vec<String>, Option<Permitted>), Error> {
    let documents = [VSA, SVR, PROOF].into_iter().filter(|path| tree.has(path)).collect::<Vec<_>>();
    if !tree.has(PERMIT) {
        return match documents.first() {
            // Trust's documents go along with a permit, which names them.
            Some(path) => Err(Refusal::new(path, Problem::Permit(format!("there is no {PERMIT} with it"))).into()),
            None => Ok((Vec::new(), None)),
        };
    }
    let refuse = |path: &str, why: String| Error::from(Refusal::new(path, Problem::Permit(why)));
    let (_, payload) = signed(PERMIT, &tree.read_apart(PERMIT, LARGEST)?, keys)?;
    let statement = Statement::<PermitTerms>::open(&payload, PERMIT_TYPE)
        .map_err(|cause| Refusal::new(PERMIT, Problem::Malformed(cause.to_string())))?;
    let terms = statement.predicate();
    let permitted_by = counts(PERMIT, payload.key_id(), &terms.issued_at, keys)?;
    if terms.index_digest != index_digest || terms.scan_id != *scan {
        return Err(refuse(PERMIT, "it is for another bundle".to_owned()));
    }
    let permitted: BTreeMap<&str, Sha256> = terms.files.iter().map(|file| (file.path.as_str(), file.sha256)).collect();
    let listed = index.files().map(|entry| (entry.path.path(), entry.sha256));
    for (path, digest) in listed.chain([(INDEX, index_digest)]) {
        if permitted.get(path) != Some(&digest) {
            return Err(refuse(PERMIT, format!("it does not name `{path}` as it is")));
        }
    }
    for path in [ATTESTATION, LOGGED].into_iter().chain(documents) {
        if tree.has(path) && permitted.get(path) != Some(&Sha256::of(&tree.read_apart(path, LARGEST)?)) {
            return Err(refuse(path, format!("{PERMIT} does not name it as it is")));
        }
    }
    if let Some(missing) = permitted.keys().find(|path| !tree.has(path)) {
        return Err(Refusal::new(missing, Problem::Missing).into());
    }
    let mut told = vec![format!(
        "permit: {} for the tier `{}` at {}, by key {}",
        terms.permit_id,
        terms.tier,
        terms.destination,
        payload.key_id()
    )];
    if tree.has(VSA) {
        told.push(verdict(tree, index_digest, keys)?);
    }
    Ok((told, Some(permitted_by)))
}

/// Whether that key speaks for Trust, and did when it says that it signed.
fn counts(path: &'static str, key_id: Sha256, time: &str, keys: &KeySet) -> Result<Permitted, Error> {
    let refuse = |why: String| Error::from(Refusal::new(path, Problem::Permit(why)));
    if !keys.is_anchor(&key_id) {
        return Err(refuse(format!("the key {key_id} that signed it is not Trust's")));
    }
    let issued_at = OffsetDateTime::parse(time, &Rfc3339).map_err(|_| refuse("it says no time".to_owned()))?;
    keys.good_at(&key_id, issued_at).map_err(|error| refuse(error.to_string()))?;
    Ok(Permitted { key_id, issued_at })
}

fn verdict(tree: &mut Tree, index_digest: Sha256, keys: &KeySet) -> Result<String, Error> {
    const TYPE: &str = "https://slsa.dev/verification_summary/v1";
    let (_, payload) = signed(VSA, &tree.read_apart(VSA, LARGEST)?, keys)?;
    let statement = Statement::<Json>::open(&payload, TYPE)
        .map_err(|cause| Refusal::new(VSA, Problem::Malformed(cause.to_string())))?;
    let about_this =
        statement.subjects().iter().any(|subject| subject.name() == INDEX && subject.sha256() == index_digest);
    let result = statement.predicate()["verificationResult"].as_str().unwrap_or_default();
    counts(VSA, payload.key_id(), statement.predicate()["timeVerified"].as_str().unwrap_or_default(), keys)?;
    if !about_this || result != "PASSED" {
        return Err(Refusal::new(
            VSA,
            Problem::Permit("its verdict is not PASSED, or about another bundle".to_owned()),
        )
        .into());
    }
    let verifier =
        certus_model::escape::one_line(statement.predicate()["verifier"]["id"].as_str().unwrap_or_default(), 200);
    Ok(format!("verdict: PASSED by {verifier}"))
}
