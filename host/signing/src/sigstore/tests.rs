use super::*;
use crate::{Checkpoint, LogKey, SigningKey, Statement, Subject};

struct Made {
    envelope: Envelope,
    key: PublicKey,
    log: LogKey,
    logged: LoggedEntry,
}

fn signed(key: &SigningKey, about: &[u8]) -> Envelope {
    let subject = Subject::new("index.json", Sha256::of(about));
    Statement::new(vec![subject], "https://example.com/claim/v1", "fine".to_owned()).sign(key).unwrap()
}

/// An envelope that stands second in a log of three.
fn made() -> Made {
    let signer = SigningKey::generate().unwrap();
    let (envelope, key) = (signed(&signer, b"index"), signer.public().clone());
    let log = LogKey::generate("log.example.com").unwrap();
    let body = log_entry(&envelope, &key).unwrap();
    let [first, second, third] = [b"1".as_slice(), &body, b"3"].map(merkle::leaf_hash);
    let root = merkle::node_hash(&merkle::node_hash(&first, &second), &third);
    let checkpoint = Checkpoint { origin: "log.example.com".to_owned(), size: 3, root }.sign(&log).unwrap().to_string();
    let log_id = log.verifier().id();
    let logged = LoggedEntry { index: 1, log_id, body, size: 3, root, proof: vec![first, third], checkpoint };
    Made { envelope, key, log, logged }
}

impl Made {
    fn wrap(&self) -> Vec<u8> {
        wrap(&self.envelope, &self.key, &self.logged).unwrap()
    }

    fn verify(&self, bytes: &[u8]) -> Result<LogProof, Error> {
        verify_wrapped(bytes, &self.envelope, &self.key, &[self.log.verifier()])
    }
}

#[test]
fn a_wrapped_envelope_proves_its_place_in_the_log() {
    let made = made();
    let proof = made.verify(&made.wrap()).unwrap();
    assert_eq!((proof.index(), proof.size(), proof.origin()), (1, 3, "log.example.com"));
    assert_eq!((proof.root(), proof.log_id()), (made.logged.root, made.log.verifier().id()));
    let json: serde_json::Value = serde_json::from_slice(&made.wrap()).unwrap();
    assert_eq!(json["verificationMaterial"]["publicKey"]["hint"], made.key.key_id().to_string());
    let mut envelope: serde_json::Value = serde_json::from_slice(&made.envelope.to_bytes().unwrap()).unwrap();
    // It is not signed, and some readers skip what has not their own form of it.
    envelope["signatures"][0].as_object_mut().unwrap().remove("keyid").unwrap();
    assert_eq!(json["dsseEnvelope"], envelope);
}

#[test]
fn case_123_every_changed_byte_is_refused() {
    let made = made();
    let mut bytes = made.wrap();
    for at in 0..bytes.len() {
        for mask in [0x01, 0x20, 0xff] {
            bytes[at] ^= mask;
            assert!(made.verify(&bytes).is_err(), "byte {at} changed by {mask:#04x}");
            bytes[at] ^= mask;
        }
    }
    for length in 0..bytes.len() {
        assert!(made.verify(&bytes[..length]).is_err(), "cut at {length}");
    }
    made.verify(&bytes).unwrap();
}

#[test]
fn the_same_content_written_otherwise_is_refused() {
    let made = made();
    let json: serde_json::Value = serde_json::from_slice(&made.wrap()).unwrap();
    let pretty = serde_json::to_vec_pretty(&json).unwrap();
    assert!(matches!(made.verify(&pretty), Err(Error::MalformedBundle(_))));
    let mut more = json.clone();
    more["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = "1".into();
    assert!(matches!(made.verify(&canonical_json(&more).unwrap()), Err(Error::MalformedBundle(_))));
    let mut other = json.clone();
    other["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["logIndex"] = "2".into();
    assert!(matches!(made.verify(&canonical_json(&other).unwrap()), Err(Error::MalformedBundle(_))));
}

#[test]
fn another_envelope_key_log_or_proof_is_refused() {
    let made = made();
    let bytes = made.wrap();
    let signer = SigningKey::generate().unwrap();
    let other = signed(&signer, b"index");
    let logs = [made.log.verifier()];
    assert!(matches!(verify_wrapped(&bytes, &other, &made.key, &logs), Err(Error::OtherEnvelope)));
    assert!(matches!(verify_wrapped(&bytes, &made.envelope, signer.public(), &logs), Err(Error::OtherKey(_))));
    let stranger = [LogKey::generate("log.example.com").unwrap().verifier()];
    assert!(matches!(verify_wrapped(&bytes, &made.envelope, &made.key, &stranger), Err(Error::UnknownLog(_))));
    assert!(verify_wrapped(&bytes, &made.envelope, &made.key, &[]).is_err(), "no log is known");
    let witness = [made.log.witness_verifier()];
    assert!(verify_wrapped(&bytes, &made.envelope, &made.key, &witness).is_err(), "the log as a witness only");

    let refused = |change: &dyn Fn(&mut LoggedEntry)| {
        let mut logged = made.logged.clone();
        change(&mut logged);
        made.verify(&wrap(&made.envelope, &made.key, &logged).unwrap()).unwrap_err()
    };
    assert!(matches!(refused(&|logged| logged.index = 0), Error::NotIncluded { .. }));
    assert!(matches!(refused(&|logged| logged.size = 2), Error::NotIncluded { .. }));
    assert!(matches!(refused(&|logged| logged.log_id = Sha256::of(b"")), Error::NotIncluded { .. }));
    assert!(matches!(refused(&|logged| logged.proof.swap(0, 1)), Error::NotIncluded { .. }));
    assert!(matches!(refused(&|logged| logged.body = b"1".to_vec()), Error::OtherEntry));
    // A proof that is right, of an entry about another envelope.
    let entry = log_entry(&other, signer.public()).unwrap();
    assert!(matches!(refused(&|logged| logged.body = entry.clone()), Error::OtherEntry));
}

#[test]
fn who_cosigned_is_shown_and_must_be_known() {
    let mut made = made();
    let witness = LogKey::generate("witness.example.com").unwrap();
    let mut checkpoint: SignedCheckpoint = made.logged.checkpoint.parse().unwrap();
    checkpoint.add(witness.cosign(checkpoint.note().text(), 9).unwrap());
    made.logged.checkpoint = checkpoint.to_string();
    let bytes = made.wrap();
    let known = [witness.witness_verifier(), made.log.verifier()];
    let proof = verify_wrapped(&bytes, &made.envelope, &made.key, &known).unwrap();
    assert_eq!(proof.witnesses(), [Cosignature { name: "witness.example.com".to_owned(), time: 9 }]);
    assert!(matches!(made.verify(&bytes), Err(Error::UnknownSigner(_))));
}

#[test]
fn what_nobody_signed_is_not_logged() {
    let (signer, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    assert!(log_entry(&signed(&signer, b""), other.public()).is_err());
    // Sigstore clients check statements about bytes, so what is none is not called verified.
    let mut made = made();
    let signer = SigningKey::generate().unwrap();
    made.envelope = Envelope::sign("text/plain", b"{}".to_vec(), &signer).unwrap();
    made.key = signer.public().clone();
    made.logged.body = log_entry(&made.envelope, &made.key).unwrap();
    made.logged.root = merkle::leaf_hash(&made.logged.body);
    (made.logged.index, made.logged.size, made.logged.proof) = (0, 1, Vec::new());
    let checkpoint = Checkpoint { origin: "log.example.com".to_owned(), size: 1, root: made.logged.root };
    made.logged.checkpoint = checkpoint.sign(&made.log).unwrap().to_string();
    assert!(matches!(made.verify(&made.wrap()), Err(Error::Refused(_))));
}

#[test]
fn clients_find_a_log_by_its_name() {
    let log = LogKey::generate("log.example.com").unwrap();
    let url = |url: &str| trusted_root(&[(log.verifier(), url.to_owned()), (log.witness_verifier(), String::new())]);
    let root: serde_json::Value = serde_json::from_slice(&url("https://log.example.com/a/").unwrap()).unwrap();
    assert_eq!(root["tlogs"].as_array().unwrap().len(), 1);
    assert_eq!(root["tlogs"][0]["logId"]["keyId"], BASE64.encode(log.verifier().id().as_bytes()));
    assert!(matches!(url("https://example.com/log.example.com/"), Err(Error::BadAddress { .. })));
}
