//! DSSE envelopes: a payload, its type, and one signature over both (DSSE 1.0).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_model::{Sha256, canonical_json};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, KeySet, Signature, SigningKey};

/// An envelope with exactly one signature. Nothing in it has been verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    payload_type: String,
    payload: Payload,
    signatures: Vec<Signed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Payload(Vec<u8>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    keyid: Sha256,
    sig: Signature,
}

/// What a verified envelope held; comes from [`Envelope::verify`] alone.
#[derive(Clone, Debug)]
pub struct VerifiedPayload {
    payload_type: String,
    bytes: Vec<u8>,
    key_id: Sha256,
    development_key: bool,
}

impl Envelope {
    /// Signs `payload` as being of `payload_type`.
    ///
    /// # Errors
    /// Only when the crypto library fails.
    pub fn sign(payload_type: &str, payload: Vec<u8>, key: &SigningKey) -> Result<Self, Error> {
        let sig = key.sign(&pae(payload_type, &payload))?;
        let signatures = vec![Signed { keyid: key.public().key_id(), sig }];
        Ok(Self { payload_type: payload_type.to_owned(), payload: Payload(payload), signatures })
    }

    /// What the signer says that the payload is. Unverified.
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The payload. Unverified.
    pub fn payload(&self) -> &[u8] {
        &self.payload.0
    }

    /// The one signature, unverified, with the id of the key that is said to have made it.
    ///
    /// # Errors
    /// More or fewer signatures than one.
    pub fn signature(&self) -> Result<(Sha256, &Signature), Error> {
        match self.signatures.as_slice() {
            [Signed { keyid, sig }] => Ok((*keyid, sig)),
            other => Err(Error::SignatureCount(other.len())),
        }
    }

    /// Reads an envelope file, which must be byte for byte its own canonical form.
    ///
    /// # Errors
    /// Unknown fields, another spelling, more or fewer signatures than one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let malformed = |why: String| Error::MalformedEnvelope(why);
        let envelope: Self = serde_json::from_slice(bytes).map_err(|cause| {
            // The cause may repeat names from the file.
            let cause = certus_model::escape::one_line(&cause.to_string(), 200);
            malformed(format!("is no DSSE envelope ({cause})"))
        })?;
        if envelope.to_bytes()? != bytes {
            return Err(malformed("is not in canonical form (RFC 8785)".to_owned()));
        }
        match envelope.signatures.len() {
            1 => Ok(envelope),
            count => Err(Error::SignatureCount(count)),
        }
    }

    /// The canonical bytes of the envelope file.
    ///
    /// # Errors
    /// None that these types can cause; the serialiser's own is passed on.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        canonical_json(self).map_err(|cause| Error::MalformedEnvelope(format!("cannot be written ({cause})")))
    }

    /// Checks the signature against the known keys. The signer is chosen by `keyid`, which is a hint:
    /// what counts is that the key with that id verifies.
    ///
    /// # Errors
    /// An unknown signer, or a signature that does not verify.
    pub fn verify(&self, keys: &KeySet) -> Result<VerifiedPayload, Error> {
        let [Signed { keyid, sig }] = self.signatures.as_slice() else {
            return Err(Error::SignatureCount(self.signatures.len()));
        };
        let key = keys.get(keyid).ok_or(Error::UnknownSigner(*keyid))?;
        key.verify(&pae(&self.payload_type, &self.payload.0), sig)?;
        Ok(VerifiedPayload {
            payload_type: self.payload_type.clone(),
            bytes: self.payload.0.clone(),
            key_id: *keyid,
            development_key: keys.is_development(keyid),
        })
    }
}

impl VerifiedPayload {
    /// What the signer says that it is.
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// What was signed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whose signature verified.
    pub fn key_id(&self) -> Sha256 {
        self.key_id
    }

    /// Whether the verifier knows that key as a development key.
    pub fn by_development_key(&self) -> bool {
        self.development_key
    }
}

/// The pre-authentication encoding: what the signature is made over. Lengths are in bytes, so that no
/// two pairs of type and payload have one encoding.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text).map(Self).map_err(|_| serde::de::Error::custom("the payload is not padded standard base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> (SigningKey, KeySet, Envelope) {
        let key = SigningKey::generate().unwrap();
        let keys = KeySet::from_iter([key.public().clone()]);
        let envelope = Envelope::sign("application/x", b"{}".to_vec(), &key).unwrap();
        (key, keys, envelope)
    }

    #[test]
    fn the_encoding_is_the_specified_one() {
        // The example of the DSSE protocol document.
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(pae("", "é".as_bytes()), "DSSEv1 0  2 é".as_bytes());
    }

    #[test]
    fn round_trip() {
        let (key, keys, envelope) = signed();
        let again = Envelope::parse(&envelope.to_bytes().unwrap()).unwrap();
        let payload = again.verify(&keys).unwrap();
        assert_eq!((payload.payload_type(), payload.bytes()), ("application/x", b"{}".as_slice()));
        assert_eq!((payload.key_id(), payload.by_development_key()), (key.public().key_id(), false));
    }

    #[test]
    fn every_changed_byte_is_refused() {
        let (_, keys, envelope) = signed();
        let bytes = envelope.to_bytes().unwrap();
        for at in 0..bytes.len() {
            for mask in [0x01, 0x20, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= mask;
                let result = Envelope::parse(&changed).and_then(|envelope| envelope.verify(&keys));
                assert!(result.is_err(), "byte {at} xor {mask:#x}: {}", String::from_utf8_lossy(&changed));
            }
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let (key, keys, envelope) = signed();
        let text = String::from_utf8(envelope.to_bytes().unwrap()).unwrap();
        let signature = text.split_once("\"signatures\":[").unwrap().1.strip_suffix("]}").unwrap();
        let table = [
            ("space", text.replacen(':', ": ", 1)),
            ("line feed at the end", format!("{text}\n")),
            ("unknown field", text.replacen('{', "{\"a\":1,", 1)),
            ("unpadded", text.replacen("e30=", "e30", 1)),
        ];
        for (name, text) in table {
            let error = Envelope::parse(text.as_bytes()).unwrap_err();
            assert!(matches!(error, Error::MalformedEnvelope(_)), "{name}: {error}");
        }
        for (count, signatures) in [(0, String::new()), (2, format!("{signature},{signature}"))] {
            let error = Envelope::parse(text.replace(signature, &signatures).as_bytes()).unwrap_err();
            assert!(matches!(error, Error::SignatureCount(found) if found == count), "{count}: {error}");
        }

        let mut retyped = envelope.clone();
        retyped.payload_type = "application/y".to_owned();
        assert!(matches!(retyped.verify(&keys), Err(Error::BadSignature(_))), "payload type");
        assert!(matches!(envelope.verify(&KeySet::default()), Err(Error::UnknownSigner(_))), "unknown signer");
        let other = SigningKey::generate().unwrap();
        let mut stolen = Envelope::sign("application/x", b"{}".to_vec(), &other).unwrap();
        stolen.signatures[0].keyid = key.public().key_id();
        assert!(matches!(stolen.verify(&keys), Err(Error::BadSignature(_))), "another's signature");
    }
}
