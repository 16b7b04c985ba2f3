use std::collections::BTreeMap;
use std::fmt::Write as _;

use certus_model::Sha256;
use serde::{Deserialize, Serialize};

/// Longest value of a field, in bytes. Stores take 2 KiB for all of an object's fields.
const LONGEST: usize = 200;

/// What an object is and carries. Fields are there for people and for rules of life cycles, as the client of the
/// replaced service finds them; nothing is decided by any but the digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    sha256: Sha256,
    size: u64,
    content_type: String,
    fields: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    written_at: String,
}

impl Meta {
    /// The name of the field with the digest.
    pub(super) const SHA256: &'static str = "sha256";
    /// The name of the field with the time.
    pub(super) const WRITTEN_AT: &'static str = "upload-timestamp";

    /// What has this digest and this length in bytes, is of this media type, and is written at this time (RFC 3339).
    pub fn new(sha256: Sha256, size: u64, content_type: &str, written_at: &str) -> Self {
        Self {
            sha256,
            size,
            content_type: content_type.to_owned(),
            fields: BTreeMap::new(),
            tags: BTreeMap::new(),
            written_at: written_at.to_owned(),
        }
    }

    /// With a field; `name` is of lower-case letters, digits, `-` and `_`. Of the value 200 bytes are kept, and what
    /// a header cannot carry is percent-encoded.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.insert(name.to_owned(), plain(value));
        self
    }

    /// With a tag, for rules of life cycles.
    #[must_use]
    pub fn tag(mut self, name: &str, value: &str) -> Self {
        self.tags.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The SHA-256 of the content.
    pub const fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// The length of the content in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The media type.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// The fields, without digest and time.
    pub const fn fields(&self) -> &BTreeMap<String, String> {
        &self.fields
    }

    /// The tags, as far as the store tells them.
    pub const fn tags(&self) -> &BTreeMap<String, String> {
        &self.tags
    }

    /// Whether this is `wanted`, written earlier or later. Not every store tells tags.
    pub(super) fn agrees(&self, wanted: &Self) -> bool {
        (self.sha256, self.size, &self.fields) == (wanted.sha256, wanted.size, &wanted.fields)
    }

    /// Every field with its name, as a store carries them.
    pub(super) fn carried(&self) -> impl Iterator<Item = (&str, String)> {
        let own = [(Self::SHA256, self.sha256.to_string()), (Self::WRITTEN_AT, self.written_at.clone())];
        own.into_iter().chain(self.fields.iter().map(|(name, value)| (name.as_str(), value.clone())))
    }

    /// What a store carries, read back; none without a digest.
    pub(super) fn read<'a>(
        carried: impl IntoIterator<Item = (&'a String, &'a String)>,
        size: u64,
        content_type: &str,
    ) -> Option<Self> {
        let mut fields: BTreeMap<_, _> =
            carried.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        let sha256 = fields.remove(Self::SHA256)?.parse().ok()?;
        let written_at = fields.remove(Self::WRITTEN_AT).unwrap_or_default();
        Some(Self { fields, ..Self::new(sha256, size, content_type, &written_at) })
    }
}

/// The text with everything encoded that a header cannot carry, cut where it is too long.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for byte in text.trim().bytes() {
        let before = plain.len();
        match byte {
            b' '..=b'~' => plain.push(char::from(byte)),
            // Writing to a string does not fail.
            _ => drop(write!(plain, "%{byte:02X}")),
        }
        if plain.len() > LONGEST {
            plain.truncate(before);
            break;
        }
    }
    // A header begins and ends with what can be seen.
    plain.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_what_a_header_can_carry() {
        let long = "é".repeat(100);
        for (value, expected) in [
            ("main", "main".to_owned()),
            ("a b%20", "a b%20".to_owned()),
            ("a\r\nx: y", "a%0D%0Ax: y".to_owned()),
            (" é ", "%C3%A9".to_owned()),
            (long.as_str(), "%C3%A9".repeat(33) + ""),
        ] {
            let meta = Meta::new(Sha256::of(b""), 0, "text/plain", "").field("git-branch", value);
            assert_eq!(meta.fields()["git-branch"], expected, "{value}");
        }
    }

    #[test]
    fn what_is_carried_reads_back() {
        let meta = Meta::new(Sha256::of(b"x"), 1, "text/plain", "2026-11-21T00:00:00Z").field("test_id", "t");
        let carried: BTreeMap<_, _> = meta.carried().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(Meta::read(&carried, 1, "text/plain"), Some(meta.clone()));
        assert!(meta.agrees(&Meta::new(Sha256::of(b"x"), 1, "text/plain", "later").field("test_id", "t")));
        assert!(!meta.agrees(&Meta::new(Sha256::of(b"x"), 1, "text/plain", "").field("test_id", "u")));
        assert_eq!(Meta::read(&BTreeMap::new(), 1, "text/plain"), None, "somebody else's");
    }
}
