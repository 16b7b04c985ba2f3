//! What a tenant's own key may be called. Whoever may write it must not open files, load code or reach hosts by that.

use std::fmt;
use std::str::FromStr;

use super::{KeyRef, bad};
use crate::Error;

/// The key that a tenant's bundles are signed with: a name of the key folder, a key in the operator's token, or one of
/// the operator's AWS KMS. Module, PIN and host are the operator's to set and no part of it; nor is it ever the
/// development key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantKeyRef(KeyRef);

impl TenantKeyRef {
    /// The same as whoever opens keys takes it.
    pub fn reference(&self) -> &KeyRef {
        &self.0
    }
}

impl FromStr for TenantKeyRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let why = match text.parse()? {
            KeyRef::Token(uri) if uri.module.is_some() || uri.pin_file.is_some() => {
                "names a module or the file of a PIN, which the operator sets; leave module-path and pin-source out"
            }
            KeyRef::Kms(uri) if uri.endpoint().is_some() => {
                "names a host, which the operator sets; write awskms:///KEY"
            }
            KeyRef::File(_) => "is a file; name a key of the key folder, or write pkcs11:… or awskms:///…",
            KeyRef::Development => "is the key that nobody has decided for; make one with `certus keys generate NAME`",
            reference @ (KeyRef::Named(_) | KeyRef::Token(_) | KeyRef::Kms(_)) => return Ok(Self(reference)),
        };
        Err(bad(text.split('?').next().unwrap_or_default(), why))
    }
}

impl fmt::Display for TenantKeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_names_a_key_and_no_file_module_or_host() {
        for text in [
            "acme",
            "pkcs11:token=certus;object=acme",
            "awskms:///alias/acme",
            "awskms:///arn:aws:kms:eu-west-1:1:key/a",
        ] {
            assert_eq!(text.parse::<TenantKeyRef>().unwrap().to_string(), text);
        }
        for (text, says) in [
            ("/etc/certus/acme.key", "is a file"),
            ("../acme", "is a file"),
            ("keys/../../acme.key", "is a file"),
            ("file:acme", "is a file"),
            ("development", "nobody has decided for"),
            ("deterministic", "nobody has decided for"),
            ("pkcs11:object=a?module-path=/tmp/own.so", "names a module"),
            ("pkcs11:object=a?pin-source=/etc/shadow", "names a module"),
            ("pkcs11:object=a;module-path=/tmp/own.so", "names a module"),
            ("awskms://kms.example.com/alias/acme", "names a host"),
            ("kms-hmac", "nobody without the secret"),
            ("", "is no key's name"),
        ] {
            let error = text.parse::<TenantKeyRef>().unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("shadow"), "{text}: {error}");
        }
    }
}
