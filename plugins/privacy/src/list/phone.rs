//! Telephone numbers in the international form of ITU-T E.164.

use std::ops::Range;

use crate::shape::{is_typed, is_word};

pub(crate) const WORDS: &[&str] = &[
    "phone",
    "phones",
    "phone number",
    "phonenumber",
    "telephone",
    "tel",
    "telno",
    "telefon",
    "telefono",
    "telefone",
    "telefonnummer",
    "telefoon",
    "mobile",
    "mobil",
    "mobilenumber",
    "mobilnummer",
    "cell",
    "cellphone",
    "cellular",
    "handy",
    "handynummer",
    "movil",
    "celular",
    "portable",
    "msisdn",
    "gsm",
    "sms",
    "whatsapp",
    "contact number",
];

/// The most bytes of a number with its separators.
const LONGEST: usize = 28;

/// The number whose `+` is at `plus`, unless it is of a range that is kept for fiction.
pub(crate) fn at(content: &[u8], plus: usize) -> Option<Range<usize>> {
    if content[..plus].last().is_some_and(|&byte| is_word(byte) || byte == b'+') {
        return None;
    }
    let rest = &content[plus + 1..content.len().min(plus + 1 + LONGEST)];
    let written = rest.iter().take_while(|byte| byte.is_ascii_digit() || b" -.()/".contains(byte)).count();
    let end = rest[..written].iter().rposition(u8::is_ascii_digit)? + 1;
    let digits: Vec<u8> = rest[..end].iter().copied().filter(u8::is_ascii_digit).collect();
    let goes_on = content.get(plus + 1 + end).is_some_and(|&byte| is_word(byte));
    let is_number = (8..=15).contains(&digits.len()) && (b'1'..=b'9').contains(&rest[0]);
    (is_number && !goes_on && !is_typed(&digits) && !is_fiction(&digits)).then_some(plus..plus + 1 + end)
}

/// 555-0100 to 555-0199 in North America (ATIS-0300115), and what Ofcom keeps for drama
/// (<https://www.ofcom.org.uk/phones-and-broadband/phone-numbers/numbers-for-drama>).
fn is_fiction(digits: &[u8]) -> bool {
    let drama: [&[u8]; 4] = [b"447700900", b"442079460", b"441632960", b"448081570"];
    drama.iter().any(|start| digits.starts_with(start))
        || digits.len() == 11 && digits[0] == b'1' && &digits[4..9] == b"55501"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_country_and_stand_apart() {
        // text, number
        let table = [
            ("+49 (30) 7007-8118,", Some("+49 (30) 7007-8118")),
            ("+493070078118", Some("+493070078118")),
            ("+0200", None),
            ("+1 202 555 0143", None),
            ("+447700900123", None),
            ("+49123456789", None),
            ("1+493070078118", None),
            ("+493070078118x", None),
            ("+4930700781184930700", None),
            ("+49 30", None),
            ("+", None),
        ];
        for (text, number) in table {
            let plus = text.find('+').expect("a plus is there");
            assert_eq!(at(text.as_bytes(), plus).map(|range| &text[range]), number, "{text}");
        }
    }
}
