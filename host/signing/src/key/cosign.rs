//! The form of a cosign key file: a PEM block round a JSON text that holds the sealed key.
//!
//! The sigstore crate opens it; it takes for granted that the nonce has its length and panics where it
//! has not, and it also accepts unencrypted keys. Both are settled here, before it sees the file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use sigstore::crypto::signing_key::kdf::BOX_NONCE_SIZE;
use sigstore::crypto::signing_key::{COSIGN_PRIVATE_KEY_PEM_LABEL, SIGSTORE_PRIVATE_KEY_PEM_LABEL};

use crate::Error;

#[derive(Deserialize)]
struct Sealed {
    cipher: Cipher,
}

#[derive(Deserialize)]
struct Cipher {
    nonce: String,
}

/// Refuses what is no sealed key in the form that cosign writes.
pub(super) fn check_form(pem: &str) -> Result<(), Error> {
    let body = [SIGSTORE_PRIVATE_KEY_PEM_LABEL, COSIGN_PRIVATE_KEY_PEM_LABEL]
        .iter()
        .find_map(|label| {
            let rest = pem.trim().strip_prefix(&format!("-----BEGIN {label}-----"))?;
            rest.strip_suffix(&format!("-----END {label}-----"))
        })
        .ok_or(Error::MalformedPrivateKey("is not one `ENCRYPTED SIGSTORE PRIVATE KEY` block in PEM"))?;
    let base64: String = body.split_ascii_whitespace().collect();
    let json =
        BASE64.decode(base64).map_err(|_| Error::MalformedPrivateKey("is damaged, its PEM block is not base64"))?;
    let sealed: Sealed =
        serde_json::from_slice(&json).map_err(|_| Error::MalformedPrivateKey("is damaged, it holds no sealed key"))?;
    match BASE64.decode(sealed.cipher.nonce) {
        Ok(nonce) if nonce.len() == BOX_NONCE_SIZE as usize => Ok(()),
        _ => Err(Error::MalformedPrivateKey("is damaged, its nonce has not 24 bytes")),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Error, Password, SigningKey};

    use super::*;

    /// One written by cosign, with the empty password and its higher cost; one in the older form, written
    /// with Python's scrypt and libsodium. The ids were computed with Python's `cryptography`.
    const OTHERS: [(&str, &str, &str, &str); 2] = [
        (
            "cosign",
            include_str!("../../fixtures/cosign.key"),
            "",
            "0d8cd6794def5c5e3b42f37bf6ee29bb252ce269771cf3c0785d92fca7be586f",
        ),
        (
            "older label",
            include_str!("../../fixtures/older.key"),
            "pass",
            "2298bd33208269a71d9bd009d1293f328f0e7c42e98596cf177563d0f93fbfff",
        ),
    ];

    #[test]
    fn key_files_of_other_programs_load() {
        for (name, pem, password, key_id) in OTHERS {
            let key = SigningKey::from_cosign_pem(pem, &Password::new(password)).unwrap();
            assert_eq!(key.public().key_id().to_string(), key_id, "{name}");
        }
    }

    fn sealed(json: &str) -> String {
        let label = SIGSTORE_PRIVATE_KEY_PEM_LABEL;
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(json))
    }

    #[test]
    fn what_cosign_does_not_write_is_refused_without_a_panic() {
        let kdf = |n: u32| format!(r#"{{"name":"scrypt","params":{{"N":{n},"r":8,"p":1}},"salt":"AAAA"}}"#);
        let file = |n, nonce| {
            sealed(&format!(
                r#"{{"kdf":{},"cipher":{{"name":"nacl/secretbox","nonce":"{nonce}"}},"ciphertext":"AAAA"}}"#,
                kdf(n)
            ))
        };
        let nonce = BASE64.encode([0; 24]);
        let table = [
            ("empty", String::new(), "is not one"),
            ("unencrypted", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".into(), "is not one"),
            ("not base64", sealed("").replace("\n\n", "\n***\n"), "not base64"),
            ("no json", sealed("{}"), "no sealed key"),
            ("short nonce", file(32_768, "AAAA"), "nonce"),
            ("costly parameters", file(1 << 30, &nonce), "does not use"),
        ];
        for (name, pem, says) in table {
            let error = SigningKey::from_cosign_pem(&pem, &Password::default()).unwrap_err();
            assert!(matches!(error, Error::MalformedPrivateKey(_)), "{name}: {error:?}");
            assert!(error.to_string().contains(says), "{name}: {error}");
        }
        let error = SigningKey::from_cosign_pem(&file(32_768, &nonce), &Password::default()).unwrap_err();
        assert!(matches!(error, Error::WrongPassword), "{error:?}");
    }
}
