use crate::candidate::{Candidate, Judgement};
use crate::check::{contains, prefer, require};

/// The bytes that standard or URL-safe base64 stands for; padding may be missing.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let unpadded = text.iter().rposition(|&byte| byte != b'=').map_or(0, |last| last + 1);
    if text.len() - unpadded > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(unpadded * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for &byte in &text[..unpadded] {
        bits = bits << 6 | u32::from(digit(byte)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    // A single digit at the end holds less than a byte.
    (count < 6).then_some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// A user name, a colon and a password that is more than a placeholder: HTTP basic authentication,
/// Docker's and npm's `auth`.
pub(crate) fn holds_credentials(candidate: &Candidate<'_>) -> Judgement {
    let Some(bytes) = decode(candidate.secret()) else {
        return Judgement::Drop;
    };
    let Some(colon) = bytes.iter().position(|&byte| byte == b':') else {
        return Judgement::Drop;
    };
    let (user, password) = (&bytes[..colon], &bytes[colon + 1..]);
    let is_text = bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
    let is_made_up = ["password", "pass", "passwd", "secret", "token", "example"]
        .iter()
        .any(|word| password.eq_ignore_ascii_case(word.as_bytes()));
    require(is_text && !user.is_empty() && password.len() >= 3 && !is_made_up)
}

/// A JSON Web Token: the header is JSON and names an algorithm (RFC 7515, section 4.1.1).
pub(crate) fn is_jwt(candidate: &Candidate<'_>) -> Judgement {
    let mut parts = candidate.secret().split(|&byte| byte == b'.').map(decode);
    let (Some(Some(header)), Some(Some(claims))) = (parts.next(), parts.next()) else {
        return Judgement::Drop;
    };
    require(header.starts_with(b"{") && contains(&header, "\"alg\"") && claims.starts_with(b"{"))
}

/// The part in front of the first dot is a number in base64: a Discord bot's id.
pub(crate) fn begins_with_number(candidate: &Candidate<'_>) -> Judgement {
    let id = candidate.secret().split(|&byte| byte == b'.').next().and_then(decode);
    require(id.is_some_and(|id| id.len() >= 15 && id.iter().all(u8::is_ascii_digit)))
}

/// Two parts of a service account or a Bedrock key begin with their own name in base64, which the
/// expression has seen; the whole must decode.
pub(crate) fn decodes(candidate: &Candidate<'_>) -> Judgement {
    prefer(decode(candidate.body()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_decodes_in_both_alphabets_with_and_without_padding() {
        // text, bytes
        let table: [(&str, Option<&[u8]>); 7] = [
            ("YWRtaW46YWRtaW4=", Some(b"admin:admin")),
            ("YWRtaW46YWRtaW4", Some(b"admin:admin")),
            ("-_-_", Some(&[0xfb, 0xff, 0xbf])),
            ("+/+/", Some(&[0xfb, 0xff, 0xbf])),
            ("", Some(b"")),
            ("A", None),
            ("ab!c", None),
        ];
        for (text, bytes) in table {
            assert_eq!(decode(text.as_bytes()).as_deref(), bytes, "{text}");
        }
    }
}
