//! What verifies: public keys and signatures.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use certus_model::Sha256;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sigstore::crypto::{CosignVerificationKey, Signature as RawSignature, SigningScheme};

use crate::Error;

/// An ECDSA P-256 public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// DER SubjectPublicKeyInfo with an uncompressed point, the one form that is accepted.
    spki: Vec<u8>,
}

/// What comes before the point: the sequences, the identifiers of elliptic curve keys and of P-256, and the bit string.
const HEADER: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Length of an uncompressed point; a compressed one is shorter (SEC 1, section 2.3.3).
const POINT_LEN: usize = 65;

impl PublicKey {
    /// Reads a `BEGIN PUBLIC KEY` block.
    ///
    /// # Errors
    /// Another form, another kind of key, or a compressed point (one key would have two ids).
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        match CosignVerificationKey::try_from_pem(pem.as_bytes()) {
            Ok(CosignVerificationKey::ECDSA_P256_SHA256_ASN1(spki)) => Self::from_spki(spki),
            _ => Err(Error::MalformedPublicKey),
        }
    }

    /// Reads a public key file.
    ///
    /// # Errors
    /// A file that cannot be read or holds no such key.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        Self::from_pem(&crate::store::read_ambient(path)?).map_err(|error| error.in_file(path))
    }

    /// Makes a key of an uncompressed point.
    pub(crate) fn from_point(point: &[u8]) -> Result<Self, Error> {
        Self::from_spki([&HEADER, point].concat())
    }

    /// Reads a DER SubjectPublicKeyInfo.
    pub(crate) fn from_spki(spki: Vec<u8>) -> Result<Self, Error> {
        match spki.strip_prefix(&HEADER) {
            // A point beside the curve would be a key that verifies nothing.
            Some(point) if point.len() == POINT_LEN && p256::PublicKey::from_sec1_bytes(point).is_ok() => {
                Ok(Self { spki })
            }
            _ => Err(Error::MalformedPublicKey),
        }
    }

    /// The key as DER SubjectPublicKeyInfo, with an uncompressed point.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key as a `BEGIN PUBLIC KEY` block, as cosign and OpenSSL write it.
    pub fn to_pem(&self) -> String {
        let body = BASE64.encode(&self.spki);
        let (first, second) = body.split_at(64);
        format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n")
    }

    /// SHA-256 of the DER SubjectPublicKeyInfo; its 64 hex digits are the `keyid` of envelopes.
    pub fn key_id(&self) -> Sha256 {
        Sha256::of(&self.spki)
    }

    /// Checks that `signature` was made over `bytes` with the private half.
    ///
    /// # Errors
    /// When it was not.
    pub fn verify(&self, bytes: &[u8], signature: &Signature) -> Result<(), Error> {
        CosignVerificationKey::from_der(&self.spki, &SigningScheme::ECDSA_P256_SHA256_ASN1)
            .and_then(|key| key.verify_signature(RawSignature::Raw(&signature.0), bytes))
            .map_err(|_| Error::BadSignature(self.key_id()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.key_id())
    }
}

/// An ECDSA signature over the SHA-256 of what was signed, as ASN.1 DER; base64 in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature(Vec<u8>);

impl Signature {
    /// Wraps DER bytes, from a key file or a device; whether they are a signature shows when verified.
    pub fn from_der(der: Vec<u8>) -> Self {
        Self(der)
    }

    /// Reads a signature as `cosign sign-blob` writes it: base64, white space around it allowed.
    ///
    /// # Errors
    /// Another form.
    pub fn from_base64(text: &[u8]) -> Result<Self, Error> {
        BASE64.decode(text.trim_ascii()).map(Self).map_err(|_| Error::MalformedSignature)
    }

    /// The DER bytes.
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text).map(Self).map_err(|_| serde::de::Error::custom(Error::MalformedSignature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    #[test]
    fn pem_round_trip_keeps_the_id() {
        let key = SigningKey::generate().unwrap().public().clone();
        let again = PublicKey::from_pem(&key.to_pem()).unwrap();
        assert_eq!((again.key_id(), &again), (key.key_id(), &key));
    }

    #[test]
    fn other_keys_are_refused() {
        // Made with `openssl genpkey` and `openssl ec -conv_form compressed`.
        let block = |body: &str| format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
        let table = [
            ("text", "no key at all".to_owned()),
            ("ed25519", block("MCowBQYDK2VwAyEASY0A7sc1EGvUlXt8o5y/e3g6ALoagE5/AmbMjX4Mq9w=")),
            (
                "p-256, compressed",
                block("MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADdcl+6zxoBrRaLQQFLwiL8ICHzJ43\nvMGfoYT554Roazc="),
            ),
            (
                "p-384",
                block(concat!(
                    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAECy0JUX7R8hTUmhaWDsLQZ09eLbGB3zNs\n",
                    "qKaWMJXU6bvdpJ8Lo+z4dNME2AlTZ6lj+QTeuVriqYAXcgKxBF2FaGkUeqSDXKLQ\n",
                    "oFDapjM/ggEuOrMo1yPkfe2hx/yLBpkV"
                )),
            ),
        ];
        for (name, pem) in table {
            assert!(matches!(PublicKey::from_pem(&pem), Err(Error::MalformedPublicKey)), "{name}");
        }
    }

    #[test]
    fn a_point_beside_the_curve_or_of_another_curve_is_refused() {
        let spki = SigningKey::generate().unwrap().public().spki.clone();
        PublicKey::from_spki(spki.clone()).unwrap();
        // The last digit of the curve's name, how the point is written, both coordinates.
        for at in [22, HEADER.len(), HEADER.len() + 1, spki.len() - 1] {
            let mut changed = spki.clone();
            changed[at] ^= 1;
            assert!(matches!(PublicKey::from_spki(changed), Err(Error::MalformedPublicKey)), "{at}");
        }
        assert!(PublicKey::from_spki([&*spki, &[0]].concat()).is_err() && PublicKey::from_spki(Vec::new()).is_err());
    }

    #[test]
    fn a_detached_signature_is_read_as_cosign_writes_it() {
        let key = SigningKey::generate().unwrap();
        let signature = key.sign(b"bytes").unwrap();
        let text = serde_json::to_value(&signature).unwrap().as_str().unwrap().to_owned();
        for text in [text.clone(), format!("{text}\n"), format!(" {text}\r\n")] {
            key.public().verify(b"bytes", &Signature::from_base64(text.as_bytes()).unwrap()).unwrap();
        }
        for bad in ["no base64".to_owned(), format!("{}\n{text}", &text[..8]), text.replace('=', "*") + "*"] {
            assert!(Signature::from_base64(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_signature_verifies_what_it_was_made_over_and_nothing_else() {
        let key = SigningKey::generate().unwrap();
        let signature = key.sign(b"bytes").unwrap();
        key.public().verify(b"bytes", &signature).unwrap();
        assert!(key.public().verify(b"Bytes", &signature).is_err(), "other bytes");
        let other = SigningKey::generate().unwrap();
        assert!(other.public().verify(b"bytes", &signature).is_err(), "other key");
        for length in [0, 1, signature.as_der().len() - 1] {
            let cut = Signature::from_der(signature.as_der()[..length].to_vec());
            assert!(key.public().verify(b"bytes", &cut).is_err(), "cut at {length}");
        }
    }
}
