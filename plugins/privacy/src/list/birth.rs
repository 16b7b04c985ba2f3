//! Dates of birth: a day of the last hundred and thirty years or so, beside a word that says so.

use crate::check::{is_date, number};
use crate::shape::is_word;

pub(crate) const WORDS: &[&str] = &[
    "dob",
    "d.o.b",
    "date of birth",
    "birth date",
    "birthdate",
    "birth day",
    "birthday",
    "birth",
    "born",
    "bday",
    "geburtsdatum",
    "geburtstag",
    "geboren",
    "geb",
    "geb datum",
    "date de naissance",
    "naissance",
    "nacimiento",
    "fecha nacimiento",
    "nascita",
    "data di nascita",
    "nascimento",
    "data nascimento",
    "geboortedatum",
    "data urodzenia",
    "urodzenia",
    "fodelsedatum",
    "f\u{f6}delsedatum",
    "fodselsdato",
    "f\u{f8}dselsdato",
];

/// The length of the date that `rest` begins with, in the orders that people write: year first, or
/// last with day and month in either order.
pub(crate) fn read(rest: &[u8]) -> Option<usize> {
    let digits =
        |from: usize, to: usize| rest.get(from..to).filter(|part| part.iter().all(u8::is_ascii_digit)).map(number);
    let separated = |first: usize, second: usize| match (rest.get(first), rest.get(second)) {
        (Some(a @ (b'-' | b'/' | b'.')), Some(b)) => a == b,
        _ => false,
    };
    let length = if separated(4, 7) || separated(2, 5) { 10 } else { 8 };
    let (year, one, other) = if separated(4, 7) {
        (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?)
    } else if separated(2, 5) {
        (digits(6, 10)?, digits(0, 2)?, digits(3, 5)?)
    } else {
        (digits(0, 4)?, digits(4, 6)?, digits(6, 8)?)
    };
    let either = separated(2, 5) && is_date(year, other, one);
    let ends = match rest.get(length) {
        // The time of day: nobody's is known, but databases write it.
        Some(b'T') => rest.get(length + 1).is_some_and(u8::is_ascii_digit),
        Some(&byte) => !is_word(byte),
        None => true,
    };
    ((1900..=2029).contains(&year) && (is_date(year, one, other) || either) && ends).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_in_the_orders_that_people_write() {
        // text, length
        let table = [
            ("1980-05-31", Some(10)),
            ("1980/05/31,", Some(10)),
            ("31.05.1980", Some(10)),
            ("05/31/1980", Some(10)),
            ("19800531", Some(8)),
            ("1980-05-31T00:00:00Z", Some(10)),
            ("1980-05-32", None),
            ("1980-05/31", None),
            ("1780-05-31", None),
            ("31.31.1980", None),
            ("198005310", None),
            ("1980", None),
        ];
        for (text, length) in table {
            assert_eq!(read(text.as_bytes()), length, "{text}");
        }
    }
}
