use std::fmt;
use std::str::FromStr;

use reqwest::header::HeaderValue;

use crate::error::Error;

/// A key of the API: up to 512 visible characters. It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    pub(super) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).expect("its characters are visible");
        value.set_sensitive(true);
        value
    }
}

impl FromStr for ApiKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let visible = (1..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if visible { Ok(Self(text.to_owned())) } else { Err(Error::BadApiKey) }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(redacted)")
    }
}

/// A certificate and its private key, which show a service who asks (mutual TLS). The key cannot be printed.
#[derive(Clone)]
pub struct Identity(reqwest::Identity);

impl Identity {
    /// Reads `certificate`, a chain with the client's own first, and `key`, both as PEM.
    ///
    /// # Errors
    /// [`Error::BadIdentity`] when there is no such thing in them, or the two do not fit.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, Error> {
        let bad = |cause: reqwest::Error| Error::BadIdentity { cause: cause.without_url().into() };
        let identity = reqwest::Identity::from_pem(&[key, b"\n", certificate].concat()).map_err(bad)?;
        // Only a client looks into them.
        reqwest::Client::builder().tls_certs_only([]).identity(identity.clone()).build().map_err(bad)?;
        Ok(Self(identity))
    }

    pub(super) fn of_client(self) -> reqwest::Identity {
        self.0
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(redacted)")
    }
}
