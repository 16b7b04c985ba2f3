//! Between the forms of PKCS#11 and those of X.509.

/// The object identifier of the curve P-256, as DER (RFC 5480, section 2.1.1.1).
pub(super) const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// Tag and length of an octet string that holds a point.
const OCTETS: &[u8] = &[0x04, 0x41];
/// Length of an uncompressed point (SEC 1, section 2.3.3).
const POINT_LEN: usize = 65;
/// Length of each half of a signature.
const HALF: usize = 32;

/// The uncompressed point of a `CKA_EC_POINT`: a DER octet string, or bare, as some tokens give it.
pub(super) fn point(attribute: &[u8]) -> Option<&[u8]> {
    let point = match attribute.len() {
        POINT_LEN => attribute,
        _ => attribute.strip_prefix(OCTETS)?,
    };
    (point.len() == POINT_LEN).then_some(point)
}

/// The two halves that `CKM_ECDSA` gives, as an ASN.1 `ECDSA-Sig-Value`; none where they have another length.
pub(super) fn signature(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.len() != 2 * HALF {
        return None;
    }
    let (r, s) = raw.split_at(HALF);
    let body = [integer(r), integer(s)].concat();
    // At most 70 bytes, so that each length is one byte.
    Some([&[0x30, body.len() as u8], &*body].concat())
}

/// An unsigned number as DER: no leading zeros but one before a set high bit.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    let digits = &bytes[start..];
    let sign: &[u8] = if digits[0] & 0x80 == 0 { &[] } else { &[0] };
    [&[0x02, (sign.len() + digits.len()) as u8], sign, digits].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_become_the_shortest_numbers() {
        let table: [(&[u8], &[u8]); 4] = [
            (&[0x7f], &[0x02, 0x01, 0x7f]),
            (&[0x80], &[0x02, 0x02, 0x00, 0x80]),
            (&[0x01, 0x00], &[0x02, 0x02, 0x01, 0x00]),
            (&[], &[0x02, 0x01, 0x00]),
        ];
        for (digits, der) in table {
            let mut half = vec![0; HALF - digits.len()];
            half.extend_from_slice(digits);
            let all = signature(&[&*half, &[0xff; HALF]].concat()).unwrap();
            assert_eq!(&all[2..2 + der.len()], der, "{digits:x?}");
            assert_eq!(usize::from(all[1]), all.len() - 2);
            assert_eq!(all.len(), 2 + der.len() + 35);
        }
        for length in [0, 63, 65] {
            assert!(signature(&vec![1; length]).is_none(), "{length}");
        }
    }

    #[test]
    fn a_point_is_taken_in_both_forms_and_no_other() {
        let bare = [&[0x04][..], &[7; 64]].concat();
        let wrapped = [OCTETS, &bare].concat();
        assert_eq!((point(&bare), point(&wrapped)), (Some(&*bare), Some(&*bare)));
        assert!(
            point(&bare[..64]).is_none()
                && point(&wrapped[..66]).is_none()
                && point(&[&*wrapped, &[0]].concat()).is_none()
        );
        assert!(point(&[&[0x30, 0x41], &*bare].concat()).is_none());
    }
}
