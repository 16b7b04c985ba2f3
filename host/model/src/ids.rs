//! Names of things: scans, plugins, rules.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text does not follow the form of the identifier it should be.
#[derive(Debug, thiserror::Error)]
#[error("`{value}` is not a {what}; {form}")]
pub struct BadId {
    what: &'static str,
    form: &'static str,
    value: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $form:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(BadId { what: $what, form: $form, value: crate::escape::one_line(text, 100) })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

id!(
    /// A scan's id: `test_` and twelve hex digits, the form that clients of the replaced service expect.
    ScanId, "scan id", "write `test_` and twelve lower-case hex digits",
    |t| t.strip_prefix("test_").is_some_and(|h| h.len() == 12 && h.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
);

id!(
    /// A tenant's id: whose scans, keys and findings they are.
    TenantId, "tenant id", "use one lower-case word (letters, digits, `-`; at most 64 characters)",
    |t| t.len() <= 64 && is_word(t)
);

id!(
    /// A workspace's id, as clients name it.
    WorkspaceId, "workspace id", "use letters, digits, `.`, `_` and `-` (at most 128 characters, a letter or digit first)",
    is_label
);

id!(
    /// A component's id: the asset under test, as clients name it.
    ComponentId, "component id", "use letters, digits, `.`, `_` and `-` (at most 128 characters, a letter or digit first)",
    is_label
);

id!(
    /// An assessment's id: the campaign, as clients name it.
    AssessmentId, "assessment id", "use letters, digits, `.`, `_` and `-` (at most 128 characters, a letter or digit first)",
    is_label
);

id!(
    /// An uploaded archive's id: `up_` and 32 hex digits, which nobody guesses.
    UploadId, "upload id", "write `up_` and 32 lower-case hex digits",
    |t| t.strip_prefix("up_").is_some_and(|h| h.len() == 32 && h.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
);

id!(
    /// The name of a stored login, within its tenant.
    CredentialName, "credential name", "use one lower-case word (letters, digits, `-`; at most 64 characters)",
    |t| t.len() <= 64 && is_word(t)
);

id!(
    /// A plugin's id: dotted lower-case words, the publisher first, for example `certus.secrets`.
    PluginId, "plugin id", "use dotted lower-case words such as `acme.secrets` (letters, digits, `-`; 3 to 64 characters)",
    |t| (3..=64).contains(&t.len()) && t.contains('.') && t.split('.').all(is_word)
);

id!(
    /// A rule's id, unique within its plugin, for example `aws-access-key`.
    RuleId, "rule id", "use one lower-case word (letters, digits, `-`; at most 64 characters)",
    |t| t.len() <= 64 && is_word(t)
);

id!(
    /// A name in a manifest: of a setting, a parameter or a data pack.
    Name, "name", "use one lower-case word (letters, digits, `-`; at most 64 characters)",
    |t| t.len() <= 64 && is_word(t)
);

/// A lower-case letter or digit first, then letters, digits and inner dashes.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// A letter or digit first, then letters, digits, dots, underscores and dashes.
fn is_label(text: &str) -> bool {
    text.len() <= 128
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

impl PluginId {
    /// The last word of the id, which serves as the plugin's short name: `secrets` of `certus.secrets`.
    pub fn short_name(&self) -> &str {
        self.0.rsplit('.').next().unwrap_or(&self.0)
    }
}

impl ScanId {
    /// The id made of the last 48 bits of `random`.
    pub fn from_random(random: u128) -> Self {
        Self(format!("test_{:012x}", random & 0xffff_ffff_ffff))
    }
}

impl UploadId {
    /// The id made of `random`.
    pub fn from_random(random: u128) -> Self {
        Self(format!("up_{random:032x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for good in ["certus.secrets", "acme.team.x-1"] {
            good.parse::<PluginId>().unwrap();
        }
        for bad in ["secrets", "Certus.x", "a..b", ".a", "a.-b", "a.b\n"] {
            assert!(bad.parse::<PluginId>().is_err(), "{bad:?}");
        }
        assert_eq!(ScanId::from_random(0xabc).as_str(), "test_000000000abc");
        assert!("test_xyz".parse::<ScanId>().is_err());
        assert!("a-b".parse::<RuleId>().is_ok());
    }
}
