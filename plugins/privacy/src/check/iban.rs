//! International bank account numbers: ISO 13616-1, registry of SWIFT, release 101
//! (<https://www.swift.com/standards/data-standards/iban-international-bank-account-number>).

mod examples;

pub(crate) use examples::EXAMPLES;

/// Countries and how long their numbers are.
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// The length of the number that a word of `word` bytes, written apart in fours or not, begins. What
/// it holds is left to [`is_iban`].
pub(crate) fn read(rest: &[u8], word: usize) -> Option<usize> {
    let length = rest.get(..2).and_then(length)?;
    if word == length {
        return Some(length);
    }
    let written = length + (length - 1) / 4;
    let is_apart = word == 4 && rest.len() >= written && (4..written).step_by(5).all(|blank| rest[blank] == b' ');
    is_apart.then_some(written)
}

fn length(country: &[u8]) -> Option<usize> {
    let index = LENGTHS.binary_search_by(|(known, _)| known.as_slice().cmp(country)).ok()?;
    Some(LENGTHS[index].1)
}

/// Whether the check digits fit, ISO/IEC 7064 modulo 97-10.
pub(crate) fn is_iban(iban: &[u8]) -> bool {
    let is_formed = iban.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    if !is_formed || iban.len() < 15 || !iban[2..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let value = |byte: u8| if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' + 10 };
    let remainder = iban[4..].iter().chain(&iban[..4]).fold(0_u32, |remainder, &byte| {
        let value = u32::from(value(byte));
        (remainder * if value > 9 { 100 } else { 10 } + value) % 97
    });
    remainder == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_a_number() {
        assert!(EXAMPLES.is_sorted() && LENGTHS.is_sorted());
        for iban in EXAMPLES {
            assert_eq!(read(iban.as_bytes(), iban.len()), Some(iban.len()), "{iban}");
            assert!(is_iban(iban.as_bytes()), "{iban}");
        }
    }

    #[test]
    fn a_slip_does_not_pass() {
        assert!(is_iban(b"DE89370400440532013000"));
        assert!(!is_iban(b"DE89370400440532013001"));
        assert!(!is_iban(b"DE89370400445032013000"));
        assert!(!is_iban(b"DEX9370400440532013000"));
        assert!(!is_iban(b"DE89370400440532013o00"));
    }

    #[test]
    fn it_is_written_in_fours_or_as_one() {
        assert_eq!(read(b"NL91 ABNA 0417 1643 00 and", 4), Some(22));
        assert_eq!(read(b"NL91 ABNA 0417", 4), None);
        assert_eq!(read(b"NL91-ABNA-0417-1643-00", 4), None);
        assert_eq!(read(b"NL91ABNA0417164300", 18), Some(18));
        assert_eq!(read(b"XX91ABNA0417164300", 18), None);
    }
}
