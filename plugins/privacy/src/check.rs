//! Check digits and the rules that stand beside them. Every function is given an identifier without
//! its separators, in the shape of its row in `numbers.rs`.

pub(crate) mod america;
pub(crate) mod asia;
pub(crate) mod card;
pub(crate) mod europe;
pub(crate) mod iban;

/// The value of a digit; nothing else is handed to it.
pub(crate) fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

/// The number that up to 18 digits write.
pub(crate) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, &byte| number * 10 + u64::from(digit(byte)))
}

/// The sum of the digits, each times its weight.
pub(crate) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(&byte, weight)| digit(byte) * weight).sum()
}

/// The formula of Luhn, ISO/IEC 7812-1 annex B.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let doubled = |value: u32| if value > 4 { value * 2 - 9 } else { value * 2 };
    let value = |(index, &byte)| if index % 2 == 1 { doubled(digit(byte)) } else { digit(byte) };
    let sum: u32 = digits.iter().rev().enumerate().map(value).sum();
    sum.is_multiple_of(10)
}

/// Whether there is such a day; `year` may be of any century if it is below 100.
pub(crate) fn is_date(year: u64, month: u64, day: u64) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_of_luhn_agrees_with_its_standard() {
        assert!(luhn(b"79927398713"));
        assert!(!luhn(b"79927398710"));
    }

    #[test]
    fn there_are_only_so_many_days() {
        assert!(is_date(2000, 2, 29) && is_date(4, 2, 29) && is_date(1999, 12, 31));
        assert!(!is_date(1900, 2, 29) && !is_date(1999, 4, 31) && !is_date(1999, 13, 1) && !is_date(1999, 1, 0));
    }
}
