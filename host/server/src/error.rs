//! What ends the service.

/// Why the service could not be offered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Keys are off, and others than this machine could reach it.
    #[error(
        "without keys only this machine may ask, and {address} is for others too; listen on 127.0.0.1 or turn keys on"
    )]
    Exposed {
        /// Where it was to listen.
        address: std::net::SocketAddr,
    },
    /// The socket is no longer one.
    #[error("the socket cannot be used")]
    Socket(#[source] std::io::Error),
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Entropy(#[source] std::io::Error),
    /// What the service would prove itself with cannot be used.
    #[error("the {what} cannot be used ({cause}); give PEM files that go together")]
    Tls {
        /// Which part.
        what: &'static str,
        /// What is wrong with it.
        cause: String,
    },
}
