use crate::candidate::{Candidate, Judgement};
use crate::check::prefer;

/// The last six characters are the CRC-32 of the thirty before, in base 62: GitHub's tokens
/// (<https://github.blog/engineering/behind-githubs-new-authentication-token-formats/>) and npm's,
/// which follow them. A token that fails is kept in doubt: it may be a real one with a slip.
pub(crate) fn base62_crc32(candidate: &Candidate<'_>) -> Judgement {
    let body = candidate.body();
    // Tokens of other lengths have no checksum of this kind.
    let Some((random, sum)) = body.split_at_checked(30).filter(|(_, sum)| sum.len() == 6) else {
        return Judgement::Keep;
    };
    prefer(base62(crc32(random)) == sum)
}

/// Six digits, most significant first.
fn base62(mut number: u32) -> [u8; 6] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    digits
}

/// ISO-HDLC, as in Ethernet and zip; bit by bit, since tokens are short.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| sum >> 1 ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_agrees_with_its_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_checksum_has_six_digits() {
        assert_eq!(&base62(0), b"000000");
        assert_eq!(&base62(61), b"00000z");
        assert_eq!(&base62(u32::MAX), b"4gfFC3");
    }
}
