//! The JSON of a Sigstore bundle v0.3 (sigstore/protobuf-specs), as far as it is written here. Integers of 64 bits
//! are strings there, and bytes are base64.

use std::fmt::Display;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_model::Sha256;
use serde::{Deserialize, Serialize};

use super::LoggedEntry;
use crate::note::Error;
use crate::{Envelope, PublicKey, Signature};

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// The kind and version of entry that Rekor v2 makes of an envelope.
pub(super) const ENTRY_KIND: &str = "hashedrekord";
pub(super) const ENTRY_VERSION: &str = "0.0.2";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Wrapped {
    media_type: String,
    verification_material: Material,
    dsse_envelope: Bare,
}

/// The envelope without the key's id, which is not signed: some readers skip a signature whose id has not their own form,
/// and the hint names the key already.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Bare {
    payload: String,
    payload_type: String,
    signatures: [BareSignature; 1],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BareSignature {
    sig: Signature,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Material {
    public_key: Key,
    tlog_entries: [Entry; 1],
    timestamp_verification_data: Timestamps,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    hint: String,
}

/// None are made; some readers expect the field.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Timestamps {}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    log_index: String,
    log_id: LogId,
    kind_version: KindVersion,
    inclusion_proof: Proof,
    canonicalized_body: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LogId {
    key_id: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindVersion {
    kind: String,
    version: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Proof {
    log_index: String,
    root_hash: String,
    tree_size: String,
    hashes: Vec<String>,
    checkpoint: Checkpoint,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checkpoint {
    envelope: String,
}

impl Wrapped {
    pub(super) fn new(envelope: &Envelope, key: &PublicKey, logged: &LoggedEntry) -> Result<Self, Error> {
        let hash = |hash: &Sha256| BASE64.encode(hash.as_bytes());
        let inclusion_proof = Proof {
            log_index: logged.index.to_string(),
            root_hash: hash(&logged.root),
            tree_size: logged.size.to_string(),
            hashes: logged.proof.iter().map(hash).collect(),
            checkpoint: Checkpoint { envelope: logged.checkpoint.clone() },
        };
        let entry = Entry {
            log_index: logged.index.to_string(),
            log_id: LogId { key_id: hash(&logged.log_id) },
            kind_version: KindVersion { kind: ENTRY_KIND.to_owned(), version: ENTRY_VERSION.to_owned() },
            inclusion_proof,
            canonicalized_body: BASE64.encode(&logged.body),
        };
        let public_key = Key { hint: key.key_id().to_string() };
        let timestamp_verification_data = Timestamps {};
        let (_, signature) = envelope.signature()?;
        Ok(Self {
            media_type: MEDIA_TYPE.to_owned(),
            verification_material: Material { public_key, tlog_entries: [entry], timestamp_verification_data },
            dsse_envelope: Bare {
                payload: BASE64.encode(envelope.payload()),
                payload_type: envelope.payload_type().to_owned(),
                signatures: [BareSignature { sig: signature.clone() }],
            },
        })
    }

    /// Whether it is about this envelope: the same payload, type and signature.
    pub(super) fn wraps(&self, envelope: &Envelope) -> bool {
        let Bare { payload, payload_type, signatures: [signed] } = &self.dsse_envelope;
        let same = envelope.signature().is_ok_and(|(_, signature)| *signature == signed.sig);
        same && payload_type == envelope.payload_type() && *payload == BASE64.encode(envelope.payload())
    }

    pub(super) fn key_hint(&self) -> &str {
        &self.verification_material.public_key.hint
    }

    /// What it says of the log. What is said twice is taken once: written again, it must come out the same.
    pub(super) fn logged(&self) -> Result<LoggedEntry, Error> {
        let [entry] = &self.verification_material.tlog_entries;
        let proof = &entry.inclusion_proof;
        Ok(LoggedEntry {
            index: number(&entry.log_index)?,
            log_id: hash(&entry.log_id.key_id)?,
            body: BASE64.decode(&entry.canonicalized_body).map_err(malformed)?,
            size: number(&proof.tree_size)?,
            root: hash(&proof.root_hash)?,
            proof: proof.hashes.iter().map(|text| hash(text)).collect::<Result<_, _>>()?,
            checkpoint: proof.checkpoint.envelope.clone(),
        })
    }
}

fn number(text: &str) -> Result<u64, Error> {
    u64::from_str(text).map_err(malformed)
}

fn hash(text: &str) -> Result<Sha256, Error> {
    let bytes = BASE64.decode(text).map_err(malformed)?;
    bytes.try_into().map(Sha256::from_bytes).map_err(|_| malformed("a hash that has not 32 bytes"))
}

fn malformed(cause: impl Display) -> Error {
    let cause = certus_model::escape::one_line(&cause.to_string(), 100);
    Error::MalformedBundle(format!("holds what it should not ({cause})"))
}
