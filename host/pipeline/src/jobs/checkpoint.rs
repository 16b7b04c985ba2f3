//! Heads of the audit chain, signed: what was cut off or rewritten before one of them shows.

use certus_model::Sha256;
use certus_signing::{Envelope, KeySet, SigningKey, Statement, Subject};
use certus_store::{Checkpoint, Error as StoreError, Head, Store};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The predicate's type.
const PREDICATE_TYPE: &str = "https://certus.dev/attestation/audit-head/v1";
/// The subject's name.
const SUBJECT: &str = "audit-chain";

/// What a host vouches for: so many rows, ending with the subject's digest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    seq: i64,
    digest: Sha256,
}

/// Signs where the chain ends, if it has grown since `last`; returns where it ends.
///
/// # Errors
/// A database that fails.
pub(super) async fn sign(store: &Store, key: &SigningKey, last: Option<Head>) -> Result<Head, StoreError> {
    let head = store.audit_head().await?;
    if last == Some(head) || head.seq == 0 {
        return Ok(head);
    }
    let statement = Statement::new(
        vec![Subject::new(SUBJECT, head.digest)],
        PREDICATE_TYPE,
        Predicate { seq: head.seq, digest: head.digest },
    );
    let signed = statement.sign(key).and_then(|envelope| envelope.to_bytes());
    match signed.ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(envelope) => {
            let at = OffsetDateTime::now_utc().unix_timestamp() * 1000;
            store.keep_checkpoint(&Checkpoint { head, at, envelope }).await?;
        }
        None => tracing::error!("the head of the audit chain could not be signed"),
    }
    Ok(head)
}

/// What came of looking at signed heads.
#[derive(Debug, Default)]
pub struct SignedHeads {
    /// Those with a signature of a known key.
    pub known: Vec<Head>,
    /// How many others there are: of keys that are not known here, or forged.
    pub unknown: usize,
}

/// The heads of the chain that one of `keys` has signed.
///
/// # Errors
/// A database that fails.
pub async fn signed_heads(store: &Store, keys: &KeySet) -> Result<SignedHeads, StoreError> {
    let mut heads = SignedHeads::default();
    for checkpoint in store.checkpoints().await? {
        let said = Envelope::parse(checkpoint.envelope.as_bytes())
            .and_then(|envelope| envelope.verify(keys))
            .and_then(|payload| Statement::<Predicate>::open(&payload, PREDICATE_TYPE));
        match said {
            // What was signed counts, not the columns beside it.
            Ok(statement) => {
                let Predicate { seq, digest } = *statement.predicate();
                heads.known.push(Head { seq, digest });
            }
            Err(_) => heads.unknown += 1,
        }
    }
    Ok(heads)
}
