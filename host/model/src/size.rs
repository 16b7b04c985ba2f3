//! Sizes as people write them in manifests: `65536`, `"64 KiB"`, `"4MiB"`.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// A number of bytes; written as a number or as text with the unit `KiB`, `MiB` or `GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ByteSize(pub u64);

/// The text is no size.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no size; write a number of bytes or one with KiB, MiB or GiB, such as \"4 MiB\"")]
pub struct BadSize(String);

impl FromStr for ByteSize {
    type Err = BadSize;

    fn from_str(text: &str) -> Result<Self, BadSize> {
        let bad = || BadSize(crate::escape::one_line(text, 40));
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
        let factor = match text[digits.len()..].trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(bad()),
        };
        let number: u64 = digits.parse().map_err(|_| bad())?;
        number.checked_mul(factor).map(Self).ok_or_else(bad)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Number(bytes) => Ok(Self(bytes)),
            Form::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!("4 MiB".parse::<ByteSize>().unwrap().0, 4 << 20);
        assert_eq!("1024".parse::<ByteSize>().unwrap().0, 1024);
        for bad in ["", "4 MB", "-1", "99999999999 GiB"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
    }
}
