//! Digests as lock files spell them, decoded into bytes. What has not the length of its algorithm
//! is no digest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certus_sdk_core::{Hash, HashAlgorithm};

/// `sha512-BASE64 sha1-BASE64?option`: subresource integrity, as npm's tools write it.
pub(crate) fn integrity(text: &str) -> impl Iterator<Item = Hash> {
    text.split_ascii_whitespace().filter_map(|digest| {
        let (algorithm, value) = digest.split('?').next()?.split_once('-')?;
        checked(algorithm, STANDARD.decode(value).ok()?)
    })
}

/// `sha256:HEX`, as Python's tools write it.
pub(crate) fn prefixed(text: &str) -> Option<Hash> {
    let (algorithm, value) = text.split_once([':', '='])?;
    named(algorithm, value)
}

/// An algorithm and hexadecimal digits.
pub(crate) fn named(algorithm: &str, digits: &str) -> Option<Hash> {
    checked(algorithm, hex::decode(digits).ok()?)
}

/// `h1:BASE64`: the SHA-256 that Go computes over a module's file list.
pub(crate) fn go(text: &str) -> Option<Hash> {
    checked("sha256", STANDARD.decode(text.strip_prefix("h1:")?).ok()?)
}

fn checked(algorithm: &str, value: Vec<u8>) -> Option<Hash> {
    let (algorithm, length) = match algorithm {
        "md5" => (HashAlgorithm::Md5, 16),
        "sha1" => (HashAlgorithm::Sha1, 20),
        "sha256" => (HashAlgorithm::Sha256, 32),
        "sha384" => (HashAlgorithm::Sha384, 48),
        "sha512" => (HashAlgorithm::Sha512, 64),
        "blake3" => (HashAlgorithm::Blake3, 32),
        _ => return None,
    };
    (value.len() == length).then_some(Hash { algorithm, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_of_the_wrong_length_or_alphabet_is_none() {
        let sha1 = "sha1-qUvPSkEV7Cs5Nc0rCWUYPkLQ8tI=";
        assert_eq!(integrity(sha1).count(), 1);
        assert_eq!(integrity(&format!("{sha1}?x md5-AAAA sha9-AAAA")).count(), 1);
        assert_eq!(integrity("sha512-AAAA").count(), 0);
        assert_eq!(prefixed(&format!("sha256:{}", "0f".repeat(32))).unwrap().value, [15; 32]);
        assert_eq!(prefixed("sha256:zz"), None);
        assert_eq!(prefixed("sha256"), None);
        assert_eq!(named("sha1", &"00".repeat(19)), None);
        assert!(go("h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").is_some());
    }
}
