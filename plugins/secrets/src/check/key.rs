//! Private keys.

use crate::candidate::{Candidate, Judgement};
use crate::check::{contains, prefer, require};

/// The header of OpenSSH's format with the cipher `none`, in base64.
const OPENSSH_PLAIN: &[u8] = b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU";

/// Bytes between PuTTY's header and its private part: the public part of an RSA key of 4,096 bits has 800.
const PUTTY_HEADER: usize = 1_536;

/// Fewest base64 characters of a private key: PKCS#8 of an Ed25519 key has 64.
const FEWEST: usize = 60;

/// Between the lines that begin and end it stands as much base64 as a key needs, and no ellipsis.
pub(crate) fn has_key_material(candidate: &Candidate<'_>) -> Judgement {
    let text = candidate.secret();
    let end = text.windows(5).rposition(|window| window == b"-----").map_or(text.len(), |end| end - 4);
    let inner = text.get(candidate.whole.len()..end).unwrap_or_default();
    let body = inner.windows(9).rposition(|window| window == b"-----END ").map_or(inner, |end| &inner[..end]);
    let material = body.iter().filter(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)).count();
    require(material >= FEWEST && !contains(body, "...") && !contains(body, "xxxxxxxx"))
}

/// A pass phrase protects it.
pub(crate) fn is_encrypted(candidate: &Candidate<'_>) -> Judgement {
    require(contains(candidate.secret(), "encrypted"))
}

/// No pass phrase protects it.
pub(crate) fn is_plain(candidate: &Candidate<'_>) -> Judgement {
    require(!contains(candidate.secret(), "encrypted"))
}

/// No pass phrase protects it, of the formats that say so inside.
pub(crate) fn is_plain_openssh(candidate: &Candidate<'_>) -> Judgement {
    let material: Vec<u8> = candidate.content[candidate.whole.end..candidate.secret.end]
        .iter()
        .copied()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .take(OPENSSH_PLAIN.len() + 1)
        .collect();
    // Between lines, JSON and YAML write a line break as \n.
    let material = material.strip_prefix(b"n").unwrap_or(&material);
    prefer(material.starts_with(OPENSSH_PLAIN))
}

/// PuTTY's header says that no pass phrase protects it.
pub(crate) fn is_plain_putty(candidate: &Candidate<'_>) -> Judgement {
    let header = &candidate.content[candidate.hit.saturating_sub(PUTTY_HEADER)..candidate.hit];
    prefer(contains(header, "encryption: none"))
}
