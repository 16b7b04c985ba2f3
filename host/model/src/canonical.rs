//! The one byte form of a JSON document: RFC 8785 (JCS). Everything hashed or signed is written in it.

use serde::Serialize;

/// Renders `value` as RFC 8785 canonical JSON: sorted keys, no white space, one spelling of each number.
///
/// # Errors
/// A value that JSON cannot hold (a map with non-string keys, NaN); types of this crate never do.
pub fn canonical_json<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json_canonicalizer::to_vec(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_space_is_gone() {
        let value: serde_json::Value = serde_json::from_str(r#"{"b": 1, "a": [1.0, "é"]}"#).unwrap();
        assert_eq!(canonical_json(&value).unwrap(), "{\"a\":[1,\"é\"],\"b\":1}".as_bytes());
    }
}
