//! What makes a finding the same finding in the next scan.

use std::fmt;
use std::str::FromStr;

use certus_model::Value;
use certus_model::escape::one_line;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::evidence::Evidence;
use crate::stated::Stated;

/// Names a finding across scans: 32 lower-case hex digits, the first 128 bits of an HMAC-SHA-256.
///
/// | rule | made of |
/// | --- | --- |
/// | sensitive | plugin, rule, the matched bytes; so one secret in many files is one finding |
/// | with `identity` | plugin, rule, path, the named parameters |
/// | any other | plugin, rule, path, the matched bytes, the rest of their lines up to 64 bytes each way without indentation, and a number that tells equal lines of one file apart, from the top |
///
/// Line numbers and offsets are no part of it, so a finding that moves down its file keeps its
/// fingerprint. A finding of a whole file rests on its path alone.
///
/// The key is SHA-256 of a fixed word, the plugin and the rule: everybody can compute it, since a
/// replay must give the same bytes on any machine. It keeps fingerprints of different rules apart and
/// makes tables of common hashes useless. It does not hide a secret that can be guessed: whoever holds
/// a fingerprint and a list of candidates can confirm one of them, so a password of low entropy is not
/// protected by its fingerprint, a random key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut bytes = [0; 16];
        let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) if lower => Ok(Self(bytes)),
            _ => Err(Error::Baseline {
                key: format!("fingerprint `{}`", one_line(text, 80)),
                problem: "is none; copy the 32 lower-case hex digits from findings.json".to_owned(),
            }),
        }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

/// What identifies a finding but for its number among equals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark([u8; 32]);

/// A keyed hash of fields, each after its length.
struct Fields(Hmac<Sha256>);

impl Fields {
    fn of(stated: &Stated<'_>, kind: &str) -> Self {
        let plugin = &stated.run.manifest.plugin.id;
        let key = Sha256::digest(format!("certus fingerprint 1\0{plugin}\0{}", stated.rule.id));
        let mut fields = Self(Hmac::new_from_slice(&key).expect("an HMAC takes a key of any length"));
        fields.add(kind.as_bytes());
        fields
    }

    fn add(&mut self, field: &[u8]) {
        self.0.update(&(field.len() as u64).to_be_bytes());
        self.0.update(field);
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }
}

/// The mark of a finding; `evidence` is the file it lies in, where its content is known.
pub(super) fn mark(stated: &Stated<'_>, evidence: Option<&Evidence<'_>>) -> Mark {
    let at = &stated.finding.at;
    let by_place = |kind: &str| {
        let mut fields = Fields::of(stated, kind);
        fields.add(at.path.as_str().as_bytes());
        fields
    };
    let fields = match (evidence, at.span) {
        (Some(evidence), span) if stated.rule.sensitive => {
            let mut fields = Fields::of(stated, "secret");
            evidence.absorb_matched(span, |bytes| fields.0.update(bytes));
            fields
        }
        _ if !stated.rule.identity.is_empty() => {
            let mut fields = by_place("identity");
            for name in &stated.rule.identity {
                let value = stated.finding.parameters.iter().find(|parameter| parameter.name == *name);
                fields.add(name.as_bytes());
                add_value(&mut fields, value.map(|parameter| &parameter.value));
            }
            fields
        }
        (Some(evidence), Some(span)) => {
            let mut fields = by_place("match");
            evidence.absorb_matched(Some(span), |bytes| fields.0.update(bytes));
            evidence.absorb_surroundings(span, |bytes| fields.0.update(bytes));
            fields
        }
        (None, Some(span)) => {
            let mut fields = by_place("bare");
            fields.add(&span.start.to_be_bytes());
            fields.add(&span.end.to_be_bytes());
            fields
        }
        (_, None) => by_place("file"),
    };
    Mark(fields.finish())
}

fn add_value(fields: &mut Fields, value: Option<&Value>) {
    match value {
        None => fields.add(b"absent"),
        Some(Value::Text(text)) => {
            fields.add(b"text");
            fields.add(text.as_bytes());
        }
        Some(Value::Number(number)) => {
            fields.add(b"number");
            fields.add(&number.to_be_bytes());
        }
        Some(Value::Flag(flag)) => fields.add(if *flag { b"true" } else { b"false" }),
        Some(Value::Location(location)) => {
            fields.add(b"location");
            fields.add(location.path.as_str().as_bytes());
        }
    }
}

/// The fingerprint of the finding with `mark` that has `ordinal` equals before it.
pub(super) fn fingerprint(stated: &Stated<'_>, mark: Mark, ordinal: u64) -> Fingerprint {
    let mut fields = Fields::of(stated, "fingerprint");
    fields.add(&mark.0);
    fields.add(&ordinal.to_be_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&fields.finish()[..16]);
    Fingerprint(bytes)
}

/// Whether equal marks are one finding with several places; else they are told apart by a number.
pub(super) fn merges(stated: &Stated<'_>) -> bool {
    stated.rule.sensitive || !stated.rule.identity.is_empty()
}
