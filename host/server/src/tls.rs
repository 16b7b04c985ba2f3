//! How the service proves who it is, and asks its clients to.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::error::Error;

/// A certificate with its key, and whose certificates clients have to show.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    asks_clients: bool,
}

impl Tls {
    /// From PEM: the chain with the service's own certificate first, its private key, and the authorities of
    /// clients' certificates; with those, nobody is answered who shows none. TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// [`Error::Tls`] for what cannot be read, or does not go together.
    pub fn from_pem(chain: &[u8], key: &[u8], client_authorities: Option<&[u8]>) -> Result<Self, Error> {
        let bad = |what: &'static str| move |cause: String| Error::Tls { what, cause };
        let chain = certificates(chain).map_err(bad("certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|cause| bad("private key")(cause.to_string()))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.map_err(|cause| bad("set of protocols")(cause.to_string()))?;
        let builder = match client_authorities {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let bad = bad("authority of clients");
                let mut roots = RootCertStore::empty();
                for authority in certificates(pem).map_err(bad)? {
                    roots.add(authority).map_err(|cause| bad(cause.to_string()))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|cause| bad(cause.to_string()))?)
            }
        };
        let config = builder.with_single_cert(chain, key);
        let mut config = config.map_err(|cause| bad("certificate with this private key")(cause.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), asks_clients: client_authorities.is_some() })
    }

    /// Whether clients have to show a certificate.
    pub const fn asks_clients(&self) -> bool {
        self.asks_clients
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("asks_clients", &self.asks_clients).finish_non_exhaustive()
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(|cause| cause.to_string())?;
    if all.is_empty() { Err("there is none in the file".to_owned()) } else { Ok(all) }
}
