//! Identifiers of people in the Americas.

use crate::check::{digit, luhn, number, weighted};

/// Social security number of the United States: no area 000, 666 or from 900 on, no group 00, no
/// serial 0000 (<https://www.ssa.gov/employer/randomization.html>). No check digit.
pub(crate) fn is_ssn(ssn: &[u8]) -> bool {
    let (area, group, serial) = (number(&ssn[..3]), number(&ssn[3..5]), number(&ssn[5..]));
    !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0
}

/// Brazilian taxpayer number: two check digits modulo 11 (Receita Federal, Instrução Normativa RFB
/// 2.172/2024).
pub(crate) fn is_cpf(cpf: &[u8]) -> bool {
    let check = |digits: &[u8], weights: &[u32]| weighted(digits, weights) * 10 % 11 % 10;
    check(&cpf[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]) == digit(cpf[9])
        && check(&cpf[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) == digit(cpf[10])
}

/// Canadian social insurance number: the formula of Luhn; none begins with 0 or 8
/// (<https://www.canada.ca/en/employment-social-development/services/sin.html>).
pub(crate) fn is_sin(sin: &[u8]) -> bool {
    !matches!(sin[0], b'0' | b'8') && luhn(sin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass_and_a_slip_does_not() {
        assert!(is_ssn(b"078051120"));
        assert!(!is_ssn(b"000051120") && !is_ssn(b"666051120") && !is_ssn(b"900051120"));
        assert!(!is_ssn(b"078001120") && !is_ssn(b"078050000"));
        assert!(is_cpf(b"52998224725") && !is_cpf(b"52998224726") && !is_cpf(b"52998224735"));
        assert!(is_sin(b"130692544") && !is_sin(b"130692545") && !is_sin(b"046454286"));
    }
}
