//! Payment cards: ISO/IEC 7812-1, and the ranges that the schemes publish.

use crate::check::{luhn, number};

/// First and last prefix, and how many digits a number that begins so has.
struct Range(u64, u64, &'static [usize]);

const RANGES: &[Range] = &[
    // Visa: https://developer.visa.com/capabilities/visa-bin-attribute-sharing-service
    Range(4, 4, &[13, 16, 19]),
    // Mastercard: https://www.mastercard.us/en-us/business/issuers/get-support/simplified-bin-account-range-table.html
    Range(51, 55, &[16]),
    Range(2221, 2720, &[16]),
    // American Express: https://www.americanexpress.com/us/merchant/
    Range(34, 34, &[15]),
    Range(37, 37, &[15]),
    // Discover, Diners Club, JCB and UnionPay, which it processes:
    // https://www.discoverglobalnetwork.com/downloads/IPP_VAR_Compliance.pdf
    Range(6011, 6011, &[16, 17, 18, 19]),
    Range(644, 659, &[16, 17, 18, 19]),
    Range(300, 305, &[14, 16, 17, 18, 19]),
    Range(3095, 3095, &[14, 16, 17, 18, 19]),
    Range(36, 36, &[14, 15, 16, 17, 18, 19]),
    Range(38, 39, &[14, 16, 17, 18, 19]),
    Range(3528, 3589, &[16, 17, 18, 19]),
    Range(62, 62, &[16, 17, 18, 19]),
    // Maestro: https://www.mastercard.us/en-us/business/issuers/get-support/simplified-bin-account-range-table.html
    Range(5018, 5018, MAESTRO),
    Range(5020, 5020, MAESTRO),
    Range(5038, 5038, MAESTRO),
    Range(5893, 5893, MAESTRO),
    Range(6304, 6304, MAESTRO),
    Range(6759, 6759, MAESTRO),
    Range(6761, 6763, MAESTRO),
];

const MAESTRO: &[usize] = &[13, 14, 15, 16, 17, 18, 19];

/// Whether an issuer gives such numbers and the check digit fits.
pub(crate) fn is_card(digits: &[u8]) -> bool {
    let begins = |Range(first, last, lengths): &Range| {
        let prefix = number(&digits[..1 + first.ilog10() as usize]);
        (*first..=*last).contains(&prefix) && lengths.contains(&digits.len())
    };
    RANGES.iter().any(begins) && luhn(digits)
}

/// Whether it is as long as the cards that most people have.
pub(crate) fn is_common(digits: &[u8]) -> bool {
    digits.len() == 16 || digits.len() == 15 && digits[0] == b'3'
}

/// Numbers that payment services publish for tests: <https://docs.stripe.com/testing>,
/// <https://developer.paypal.com/braintree/docs/reference/general/testing>,
/// <https://docs.adyen.com/development-resources/testing/test-card-numbers>,
/// <https://www.paypalobjects.com/en_GB/vhelp/paypalmanager_help/credit_card_numbers.htm>.
pub(crate) const EXAMPLES: &[&str] = &[
    "2222400010000008",
    "2222400030000004",
    "2222400050000009",
    "2222400070000005",
    "2223000048400011",
    "2223003122003222",
    "2223520043560014",
    "3056930009020004",
    "30569309025904",
    "340000000000009",
    "341111111111111",
    "3530111333300000",
    "3566002020360505",
    "3566111111111113",
    "36006666333344",
    "36148900647913",
    "36227206271667",
    "36259600000004",
    "370000000000002",
    "371449635398431",
    "378282246310005",
    "378734493671000",
    "38520000023237",
    "4000056655665556",
    "4000060000000006",
    "4000111111111115",
    "4005519200000004",
    "4009348888881881",
    "4012000033330026",
    "4012000077777777",
    "4012888888881881",
    "4111111111111111",
    "4111111145551142",
    "4217651111111119",
    "4222222222222",
    "4242424242424242",
    "4444333322221111",
    "4484070000000000",
    "4500600000000061",
    "4917610000000000",
    "4988438843884305",
    "5105105105105100",
    "5136333333333335",
    "5200828282828210",
    "5454545454545454",
    "5500000000000004",
    "5555341244441115",
    "5555444433331111",
    "5555555555554444",
    "5577000055770004",
    "5585558555855583",
    "6011000000000004",
    "6011000400000000",
    "6011000990139424",
    "6011000991300009",
    "6011111111111117",
    "6011601160116611",
    "6200000000000005",
    "6205500000000000004",
    "6304000000000000",
    "6445644564456445",
    "6555900000604105",
    "6759649826438453",
    "6761798024553245",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_lengths_decide() {
        for digits in [
            "4929077007707709",
            "5407707707700774",
            "2509909909909903",
            "340770770770771",
            "6011707707707705",
            "36707707707706",
            "3530770770770770",
            "6270770770770778",
            "6759070770770773",
        ] {
            let fits = (0..10).filter(|last| is_card(format!("{}{last}", &digits[..digits.len() - 1]).as_bytes()));
            assert_eq!(fits.count(), 1, "{digits}");
        }
        for digits in ["9929077007707707", "492907700770770", "1507707707700770", "2720999999999999"] {
            assert!(!is_card(digits.as_bytes()), "{digits}");
        }
    }

    #[test]
    fn published_test_numbers_are_numbers_of_cards() {
        assert!(EXAMPLES.is_sorted());
        for digits in EXAMPLES {
            assert!(is_card(digits.as_bytes()), "{digits}");
        }
    }
}
