//! International bank account numbers: ISO 13616-1, registry of SWIFT, release 101
//! (<https://www.swift.com/standards/data-standards/iban-international-bank-account-number>).

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

/// Numbers that the registry, the banks' associations and encyclopedias print.
pub(crate) const EXAMPLES: &[&str] = &[
    "AD1200012030200359100100",
    "AE070331234567890123456",
    "AL47212110090000000235698741",
    "AT483200000012345864",
    "AT611904300234573201",
    "AZ21NABZ00000000137010001944",
    "BA391290079401028494",
    "BE68539007547034",
    "BE71096123456769",
    "BG18RZBB91550123456789",
    "BG80BNBG96611020345678",
    "BH67BMAG00001299123456",
    "BI4210000100010000332045181",
    "BR1500000000000010932840814P2",
    "BR1800360305000010009795493C1",
    "BR9700360305000010009795493P1",
    "BY13NBRB3600900000002Z00AB00",
    "BY86AKBB10100000002966000000",
    "CH5604835012345678009",
    "CH9300762011623852957",
    "CR05015202001026284066",
    "CR23015108410026012345",
    "CY17002001280000001200527600",
    "CY21002001950000357001234567",
    "CZ5508000000001234567899",
    "CZ6508000000192000145399",
    "DE02100100100006820101",
    "DE02100500000054540402",
    "DE02120300000000202051",
    "DE02200505501015871393",
    "DE02300209000106531065",
    "DE02300606010002474689",
    "DE02500105170137075030",
    "DE02600501010002034304",
    "DE02700202700010108669",
    "DE02701500000000594937",
    "DE12500105170648489890",
    "DE27100777770209299700",
    "DE44500105175407324931",
    "DE75512108001245126199",
    "DE88100900001234567892",
    "DE89370400440532013000",
    "DE91100000000123456789",
    "DK5000400440116243",
    "DO28BAGR00000001212453611324",
    "EE382200221020145685",
    "EG380019000500000000263180002",
    "ES7921000813610123456789",
    "ES8023100001180000012345",
    "ES9121000418450200051332",
    "FI1410093000123458",
    "FI2112345600000785",
    "FO6264600001631634",
    "FR1420041010050500013M02606",
    "FR7612345987650123456789014",
    "FR7630004000031234567890143",
    "FR7630006000011234567890189",
    "GB15MIDL40051512345678",
    "GB29NWBK60161331926819",
    "GB33BUKB20201555555555",
    "GB82WEST12345698765432",
    "GB94BARC10201530093459",
    "GB98MIDL07009312345678",
    "GE29NB0000000101904917",
    "GI04BARC000001234567890",
    "GI75NWBK000000007099453",
    "GL8964710001000206",
    "GR1601101250000000012300695",
    "GR9608100010000001234567890",
    "GT82TRAJ01020000001210029690",
    "HR1210010051863000160",
    "HR1723600001101234565",
    "HU42117730161111101800000000",
    "HU93116000060000000012345676",
    "IE29AIBK93115212345678",
    "IE64IRCE92050112345678",
    "IL170108000000012612345",
    "IL620108000000099999999",
    "IQ98NBIQ850123456789012",
    "IS140159260076545510730339",
    "IS750001121234563108962099",
    "IT60X0542811101000000123456",
    "JO71CBJO0000000000001234567890",
    "JO94CBJO0010000000000131000302",
    "KW81CBKU0000000000001234560101",
    "KZ563190000012344567",
    "KZ86125KZT5004100100",
    "LB62099900000001001901229114",
    "LB92000700000000123123456123",
    "LC55HEMM000100010012001200023015",
    "LI21088100002324013AA",
    "LI7408806123456789012",
    "LT121000011101001000",
    "LT601010012345678901",
    "LU120010001234567891",
    "LU280019400644750000",
    "LV80BANK0000435195001",
    "LV97HABA0012345678910",
    "LY83002048000020100120361",
    "MC5810096180790123456789085",
    "MC5811222000010123456789030",
    "MD21EX000000000001234567",
    "MD24AG000225100013104168",
    "ME25505000012345678951",
    "MK07200002785123453",
    "MK07250120000058984",
    "MR1300020001010000123456753",
    "MT31MALT01100000000000000000123",
    "MT84MALT011000012345MTLCAST001S",
    "MU17BOMM0101101030300200000MUR",
    "MU43BOMM0101123456789101000MUR",
    "NL02ABNA0123456789",
    "NL13TEST0123456789",
    "NL20INGB0001234567",
    "NL39RABO0300065264",
    "NL44RABO0123456789",
    "NL91ABNA0417164300",
    "NO8330001234567",
    "NO9386011117947",
    "PK36SCBL0000001123456702",
    "PL10105000997603123456789123",
    "PL61109010140000071219812874",
    "PS92PALS000000000400123456702",
    "PT50000201231234567890154",
    "PT50002700000001234567833",
    "QA54QNBA000000000000693123456",
    "QA58DOHB00001234567890ABCDEFG",
    "RO49AAAA1B31007593840000",
    "RO66BACX0000001234567890",
    "RS35105008123123123173",
    "RS35260005601001611379",
    "SA0380000000608010167519",
    "SA4420000001234567891234",
    "SC18SSCB11010000000000001497USD",
    "SE4550000000058398257466",
    "SE7280000810340009783242",
    "SI56192001234567892",
    "SI56263300012039086",
    "SK3112000000198742637541",
    "SK8975000000000012345671",
    "SM76P0854009812123456789123",
    "SM86U0322509800000000270100",
    "ST23000200000289355710148",
    "ST68000100010051845310112",
    "SV62CENR00000000000000700025",
    "TL380010012345678910106",
    "TL380080012345678910157",
    "TN4401000067123456789123",
    "TN5910006035183598478831",
    "TR320010009999901234567890",
    "TR330006100519786457841326",
    "UA213223130000026007233566001",
    "UA903052992990004149123456789",
    "VA59001123000012345678",
    "VG07ABVI0000000123456789",
    "VG96VPVG0000012345678901",
    "XK051212012345678906",
];

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
