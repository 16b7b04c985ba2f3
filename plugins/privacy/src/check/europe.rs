//! Identifiers of people in Europe.

use crate::check::{digit, is_date, luhn, number, weighted};

/// National Insurance number of the United Kingdom: prefixes that are not given out, NIM39110
/// (<https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110>). No check digit.
pub(crate) fn is_nino(nino: &[u8]) -> bool {
    let prefix = &nino[..2];
    let refused: [&[u8]; 7] = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];
    !prefix.iter().any(|letter| b"DFIQUV".contains(letter))
        && prefix[1] != b'O'
        && !refused.contains(&prefix)
        && matches!(nino[8], b'A'..=b'D')
}

/// German tax id: one of the first ten digits stands there twice or three times, the others once at
/// most, and the last is a check digit of ISO/IEC 7064 modulo 11,10. § 139b AO; Prüfziffernberechnung
/// of the Bundeszentralamt für Steuern (<https://www.bzst.de>).
pub(crate) fn is_steuer_id(id: &[u8]) -> bool {
    let mut counts = [0; 10];
    id[..10].iter().for_each(|&byte| counts[digit(byte) as usize] += 1);
    let repeated = counts.iter().filter(|&&count| count > 1).count();
    let product = id[..10].iter().fold(10, |product, &byte| {
        let sum = (product + digit(byte)) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    let most = counts.into_iter().max().unwrap_or(0);
    id[0] != b'0' && repeated == 1 && most <= 3 && (11 - product) % 10 == digit(id[10])
}

/// French social security number: sex, a month of birth, and a key that is 97 less the rest
/// (<https://www.insee.fr/fr/metadonnees/definition/c1409>). Corsica's `2A` and `2B` count as 19 and 18.
pub(crate) fn is_nir(nir: &[u8]) -> bool {
    let mut digits = nir.to_vec();
    match nir[5..7] {
        [b'2', b'A'] => digits[5..7].copy_from_slice(b"19"),
        [b'2', b'B'] => digits[5..7].copy_from_slice(b"18"),
        _ if !nir[6].is_ascii_digit() => return false,
        _ => {}
    }
    let month = number(&digits[3..5]);
    matches!(nir[0], b'1' | b'2')
        && matches!(month, 1..=12 | 20..=42 | 50..=99)
        && 97 - number(&digits[..13]) % 97 == number(&digits[13..])
}

/// The letter of Spain's DNI, and of the NIE, whose first letter counts as a digit: Real Decreto
/// 1553/2005 and Orden INT/2058/2008.
pub(crate) fn is_dni(dni: &[u8]) -> bool {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let Some((letter, body)) = dni.split_last() else {
        return false;
    };
    let (lead, rest) = match body.first() {
        Some(&lead @ b'X'..=b'Z') => (u64::from(lead - b'X') * 10_000_000, &body[1..]),
        Some(lead) if lead.is_ascii_digit() => (0, body),
        _ => return false,
    };
    LETTERS[((lead + number(rest)) % 23) as usize] == *letter
}

/// Italian tax code: month and day of birth, and a letter that all others decide (Decreto del
/// Ministero delle finanze of 23 December 1976).
pub(crate) fn is_codice_fiscale(code: &[u8]) -> bool {
    // What a character at an odd place counts; a digit counts as the letter of its value.
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let value = |byte: u8| if byte.is_ascii_digit() { digit(byte) } else { u32::from(byte - b'A') };
    let weigh = |(place, &byte)| if place % 2 == 0 { ODD[value(byte) as usize] } else { value(byte) };
    let sum: u32 = code[..15].iter().enumerate().map(weigh).sum();
    let day = number(&code[9..11]);
    b"ABCDEHLMPRST".contains(&code[8]) && matches!(day, 1..=31 | 41..=71) && sum % 26 == value(code[15])
}

/// Dutch citizen service number: the weighted sum is a multiple of eleven
/// (<https://www.rvig.nl/burgerservicenummer>).
pub(crate) fn is_bsn(bsn: &[u8]) -> bool {
    let sum = weighted(bsn, &[9, 8, 7, 6, 5, 4, 3, 2]);
    number(bsn) > 0 && sum % 11 == digit(bsn[8])
}

/// Polish number: the month says the century of birth, the last digit is the check digit
/// (<https://www.gov.pl/web/gov/czym-jest-numer-pesel>).
pub(crate) fn is_pesel(pesel: &[u8]) -> bool {
    let (year, month, day) = (number(&pesel[..2]), number(&pesel[2..4]), number(&pesel[4..6]));
    let sum = weighted(pesel, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
    let year = match month / 20 {
        0 => 1900 + year,
        1 => 2000 + year,
        _ => return false,
    };
    is_date(year, month % 20, day) && (10 - sum % 10) % 10 == digit(pesel[10])
}

/// Swedish personal identity number, or coordination number with a day above 60: a date of birth and
/// a check digit (folkbokföringslagen 1991:481 § 18; Skatteverket, SKV 704).
pub(crate) fn is_personnummer(written: &[u8]) -> bool {
    let short = &written[written.len() - 10..];
    let (year, month, day) = (number(&short[..2]), number(&short[2..4]), number(&short[4..6]));
    let has_century = written.len() == 10 || matches!(&written[..2], b"18" | b"19" | b"20");
    has_century && is_date(year, month, if day > 60 { day - 60 } else { day }) && luhn(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published examples and a made-up one of Corsica, and each with its last character changed.
    #[test]
    fn published_examples_pass_and_a_slip_does_not() {
        type Check = fn(&[u8]) -> bool;
        let table: [(Check, &str, char); 12] = [
            (is_nino, "AA123456C", 'E'),
            (is_steuer_id, "86095742719", '8'),
            (is_steuer_id, "65929970489", '0'),
            (is_nir, "255081416802538", '9'),
            (is_nir, "199022A99907773", '9'),
            (is_dni, "12345678Z", 'A'),
            (is_dni, "X1234567L", 'M'),
            (is_codice_fiscale, "RSSMRA85T10A562S", 'T'),
            (is_bsn, "111222333", '4'),
            (is_pesel, "44051401359", '8'),
            (is_personnummer, "8112189876", '5'),
            (is_personnummer, "198112189876", '5'),
        ];
        for (check, example, slip) in table {
            let slipped = format!("{}{slip}", &example[..example.len() - 1]);
            assert!(check(example.as_bytes()), "{example}");
            assert!(!check(slipped.as_bytes()), "{slipped}");
        }
    }

    #[test]
    fn prefixes_that_are_not_given_out_are_refused() {
        for nino in ["QQ123456C", "AO123456C", "BG123456C", "DA123456C"] {
            assert!(!is_nino(nino.as_bytes()), "{nino}");
        }
    }
}
