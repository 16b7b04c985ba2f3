//! Identifiers of people in Asia.

use crate::check::digit;

/// Indian Aadhaar number: twelve digits, none begins with 0 or 1, the last is a check digit by the
/// scheme of Verhoeff (UIDAI, A UID Numbering Scheme, 2010).
pub(crate) fn is_aadhaar(aadhaar: &[u8]) -> bool {
    !matches!(aadhaar[0], b'0' | b'1') && verhoeff(aadhaar)
}

/// J. Verhoeff, Error Detecting Decimal Codes, 1969: multiplication in the dihedral group of ten
/// elements, each digit permuted by its place.
fn verhoeff(digits: &[u8]) -> bool {
    const FIRST: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permuted = |place: usize, value: u32| (0..place % 8).fold(value, |value, _| FIRST[value as usize]);
    let values = digits.iter().rev().enumerate().map(|(place, &byte)| permuted(place, digit(byte)));
    values.fold(0, multiplied) == 0
}

/// Below 5 are rotations of a pentagon, from 5 on its reflections.
fn multiplied(left: u32, right: u32) -> u32 {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => (left + right) % 5 + 5,
        (false, true) => (left + 5 - right) % 5 + 5,
        (false, false) => (left + 5 - right) % 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass_and_a_slip_does_not() {
        assert!(verhoeff(b"2363"));
        assert!(!verhoeff(b"2364") && !verhoeff(b"3263"));
        assert!(is_aadhaar(b"999941057058"));
        assert!(!is_aadhaar(b"999941057059") && !is_aadhaar(b"999914057058"));
    }
}
