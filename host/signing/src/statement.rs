//! in-toto statements (v1): what is claimed of which bytes.

use certus_model::{Sha256, canonical_json};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Envelope, Error, SigningKey, VerifiedPayload};

/// The payload type of a statement in an envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The type of every statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// A claim (`predicate`, of the kind that its type names) about the subjects, sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statement<P> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    predicate: P,
}

/// Bytes that a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    name: String,
    digest: Digests,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Digests {
    sha256: Sha256,
}

impl Subject {
    /// Names bytes by their digest.
    pub fn new(name: impl Into<String>, sha256: Sha256) -> Self {
        Self { name: name.into(), digest: Digests { sha256 } }
    }

    /// What the bytes are called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Their digest.
    pub fn sha256(&self) -> Sha256 {
        self.digest.sha256
    }
}

impl<P: Serialize + DeserializeOwned> Statement<P> {
    /// A statement about `subjects`, which are sorted here.
    pub fn new(mut subjects: Vec<Subject>, predicate_type: &'static str, predicate: P) -> Self {
        subjects.sort_by(|a, b| a.name.cmp(&b.name));
        let (kind, predicate_type) = (STATEMENT_TYPE.to_owned(), predicate_type.to_owned());
        Self { kind, subject: subjects, predicate_type, predicate }
    }

    /// Signs the statement in its canonical form.
    ///
    /// # Errors
    /// A predicate that JSON cannot hold, or a crypto library that fails.
    pub fn sign(&self, key: &SigningKey) -> Result<Envelope, Error> {
        Envelope::sign(PAYLOAD_TYPE, self.to_bytes()?, key)
    }

    /// Takes the statement out of a verified envelope.
    ///
    /// # Errors
    /// Another payload, statement or predicate type, unknown fields, subjects that are not sorted and
    /// unique, or a spelling that is not canonical.
    pub fn open(payload: &VerifiedPayload, predicate_type: &str) -> Result<Self, Error> {
        let malformed = |why: String| Err(Error::MalformedStatement(why));
        if payload.payload_type() != PAYLOAD_TYPE {
            let found = certus_model::escape::one_line(payload.payload_type(), 100);
            return Err(Error::PayloadType { found, expected: PAYLOAD_TYPE });
        }
        let statement: Self = match serde_json::from_slice(payload.bytes()) {
            Ok(statement) => statement,
            Err(cause) => {
                let cause = certus_model::escape::one_line(&cause.to_string(), 200);
                return malformed(format!("has not the expected fields ({cause})"));
            }
        };
        for (found, expected) in [(&*statement.kind, STATEMENT_TYPE), (&*statement.predicate_type, predicate_type)] {
            if found != expected {
                let found = certus_model::escape::one_line(found, 100);
                return malformed(format!("is of type `{found}` where `{expected}` is expected"));
            }
        }
        if !statement.subject.is_sorted_by(|a, b| a.name < b.name) {
            return malformed("has subjects that are not sorted and unique".to_owned());
        }
        if statement.to_bytes()? != payload.bytes() {
            return malformed("is not in canonical form (RFC 8785)".to_owned());
        }
        Ok(statement)
    }

    /// What it is about, sorted by name, unique.
    pub fn subjects(&self) -> &[Subject] {
        &self.subject
    }

    /// What it claims.
    pub fn predicate(&self) -> &P {
        &self.predicate
    }

    fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        canonical_json(self).map_err(|cause| Error::MalformedStatement(format!("cannot be written ({cause})")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeySet;

    const TYPE: &str = "https://example.com/claim/v1";

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Claim {
        good: bool,
    }

    #[test]
    fn what_is_signed_is_what_is_opened() {
        let key = SigningKey::generate().unwrap();
        let subjects = ["b", "a"].map(|name| Subject::new(name, Sha256::of(name.as_bytes())));
        let statement = Statement::new(subjects.to_vec(), TYPE, Claim { good: true });
        let payload = statement.sign(&key).unwrap().verify(&KeySet::from_iter([key.public().clone()])).unwrap();
        let opened = Statement::<Claim>::open(&payload, TYPE).unwrap();
        assert_eq!(opened, statement);
        assert_eq!(opened.subjects().iter().map(Subject::name).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn anything_else_that_was_signed_is_refused() {
        let key = SigningKey::generate().unwrap();
        let keys = KeySet::from_iter([key.public().clone()]);
        let subject = |name| format!(r#"{{"digest":{{"sha256":"{}"}},"name":"{name}"}}"#, Sha256::of(b""));
        let json = |subjects: &str| {
            format!(
                r#"{{"_type":"{STATEMENT_TYPE}","predicate":{{"good":true}},"predicateType":"{TYPE}","subject":[{subjects}]}}"#
            )
        };
        let good = json(&subject("a"));
        let open = |payload_type: &str, text: &str| {
            let envelope = Envelope::sign(payload_type, text.as_bytes().to_vec(), &key).unwrap();
            Statement::<Claim>::open(&envelope.verify(&keys).unwrap(), TYPE)
        };
        open(PAYLOAD_TYPE, &good).unwrap();
        let table = [
            ("payload type", "text/plain", good.clone(), "text/plain"),
            ("statement type", PAYLOAD_TYPE, good.replace("Statement/v1", "Statement/v0.1"), "v0.1"),
            ("predicate type", PAYLOAD_TYPE, good.replace("claim/v1", "claim/v2"), "claim/v2"),
            ("unknown field", PAYLOAD_TYPE, good.replace("\"good\":true", "\"good\":true,\"x\":1"), "fields"),
            ("white space", PAYLOAD_TYPE, good.replace(',', ", "), "canonical"),
            ("subject twice", PAYLOAD_TYPE, json(&[subject("a"), subject("a")].join(",")), "unique"),
            ("subjects unsorted", PAYLOAD_TYPE, json(&[subject("b"), subject("a")].join(",")), "sorted"),
            ("no json", PAYLOAD_TYPE, "x".to_owned(), "fields"),
        ];
        for (name, payload_type, text, says) in table {
            let error = open(payload_type, &text).unwrap_err().to_string();
            assert!(error.contains(says), "{name}: {error}");
        }
    }
}
