use certus_sdk_files::Confidence::{High, Low, Medium};

use crate::check::key::{has_key_material, is_encrypted, is_plain, is_plain_openssh, is_plain_putty};
use crate::check::{base64, not_illustrative};
use crate::detector::Detector;
use crate::finish;

const PEM: &str = "-----BEGIN (?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY-----";

pub(super) const ROWS: &[Detector] = &[
    // RFC 5958 and RFC 1421, section 4.6.1.1: the key is encrypted with a pass phrase.
    Detector::material("encrypted-private-key", &["-----begin"], PEM)
        .sure(Low)
        .finish(finish::pem)
        .checks(&[is_encrypted, has_key_material]),
    // RFC 7468: PKCS#1, SEC 1 and PKCS#8.
    Detector::material("private-key", &["-----begin"], PEM).sure(High).finish(finish::pem).checks(&[
        is_plain,
        has_key_material,
        not_illustrative,
    ]),
    // https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key
    Detector::material("openssh-private-key", &["-----begin"], "-----BEGIN OPENSSH PRIVATE KEY-----")
        .sure(High)
        .finish(finish::pem)
        .checks(&[has_key_material, is_plain_openssh, not_illustrative]),
    // RFC 9580, section 6.2.
    Detector::material("pgp-private-key", &["-----begin"], "-----BEGIN PGP PRIVATE KEY BLOCK-----")
        .sure(High)
        .finish(finish::pem)
        .checks(&[has_key_material, not_illustrative]),
    // https://the.earth.li/~sgtatham/putty/0.83/htmldoc/AppendixC.html
    Detector::material(
        "putty-private-key",
        &["private-lines:"],
        r"Private-Lines: [0-9]+\r?\n((?:[A-Za-z0-9+/=]+\r?\n)+)",
    )
    .sure(High)
    .reach(16 * 1024)
    .checks(&[is_plain_putty]),
    // https://github.com/C2SP/C2SP/blob/main/age.md: Bech32.
    Detector::token("age-secret-key", &["age-secret-key-1"], "AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    // RFC 7519. Whether it is still valid is not known here.
    Detector::token("jwt", &["eyj"], r"eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{20,}")
        .sure(Medium)
        .reach(4096)
        .checks(&[base64::is_jwt, not_illustrative]),
];
