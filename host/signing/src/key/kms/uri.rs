//! `awskms:` references, as cosign writes them: which key at which endpoint.

use std::fmt;
use std::str::FromStr;

use crate::Error;
use crate::key::reference::bad;

/// Which key of AWS KMS: `awskms://[HOST[:PORT]]/KEY`, where `KEY` is an id, `alias/NAME` or an ARN of either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsUri {
    endpoint: Option<String>,
    key: String,
}

impl KmsUri {
    /// The key, as KMS is asked for it.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The address of another service than that of AWS, always by TLS.
    pub fn endpoint(&self) -> Option<String> {
        self.endpoint.as_ref().map(|host| format!("https://{host}"))
    }

    /// The region that an ARN names.
    pub(super) fn region(&self) -> Option<&str> {
        self.key.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
    }
}

impl FromStr for KmsUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let form = "is not awskms://[HOST[:PORT]]/KEY with a key's id, alias/NAME or ARN";
        let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        let key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | ':');
        match text.strip_prefix("awskms://").and_then(|rest| rest.split_once('/')) {
            Some((endpoint, id)) if !id.is_empty() && id.chars().all(key) && endpoint.chars().all(host) => {
                let endpoint = Some(endpoint.to_owned()).filter(|endpoint| !endpoint.is_empty());
                Ok(Self { endpoint, key: id.to_owned() })
            }
            // Somebody may have written a login into it.
            _ if text.contains('@') => Err(bad("awskms:", form)),
            _ => Err(bad(text, form)),
        }
    }
}

impl fmt::Display for KmsUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "awskms://{}/{}", self.endpoint.as_deref().unwrap_or_default(), self.key)
    }
}
