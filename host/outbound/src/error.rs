//! Why something was not reached.

use std::io;
use std::net::IpAddr;

use certus_model::escape::one_line;

use crate::oci::OciReference;
use crate::server::Problem;

/// A refusal or a failure. Every text in it is printable and free of credentials, and none tells a client
/// what lies behind a name: that is the cause, for the operator's log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was given is no address that is accepted here.
    #[error("address `{given}` {problem}; {remedy}")]
    BadUrl {
        /// What was given, without credentials.
        given: String,
        /// What is wrong with it.
        problem: &'static str,
        /// What to give instead.
        remedy: &'static str,
    },
    /// What was given is no entry of an allow-list.
    #[error(
        "`{given}` is no host and no network; write `name`, `name:port`, an address (IPv6 in brackets) or a network such as `10.1.0.0/16`"
    )]
    BadAllowed {
        /// What was given.
        given: String,
    },
    /// The host cannot be looked up, or not all of its addresses are public. Both say the same, so that
    /// nobody learns which names and addresses exist inside.
    #[error(
        "`{host}` leads to no address that may be reached from here; check its name, or ask the operator to allow it"
    )]
    Refused {
        /// The host.
        host: String,
        /// What was found.
        #[source]
        cause: Refusal,
    },
    /// A port that strangers have no business at.
    #[error(
        "port {port} of `{host}` may not be reached from here; use port 443, or ask the operator to allow `{host}:{port}`"
    )]
    Port {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// Nothing but what the operator has allowed is reached.
    #[error("`{host}` may not be reached, for this service works offline; ask the operator to allow it")]
    Offline {
        /// The host.
        host: String,
    },
    /// No answer came, or it broke off.
    #[error("`{url}` does not answer; check the address, and that the host and its certificate are in order")]
    NoAnswer {
        /// The address.
        url: String,
        /// What happened, without the address.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer is not the content.
    #[error("`{url}` answers with status {status}; give the address of the content itself, redirects are not followed")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// The content is too large.
    #[error("`{url}` holds more than {limit} bytes; give the address of something smaller")]
    TooLarge {
        /// The address.
        url: String,
        /// The limit.
        limit: usize,
    },
    /// It took too long.
    #[error("`{url}` was not fetched within {seconds} seconds; try again later")]
    TimedOut {
        /// The address.
        url: String,
        /// The limit.
        seconds: u64,
    },
    /// What was given is no proxy.
    #[error(
        "`{given}` is no proxy; write `http://host:port` or `https://host:port`, with `user:password@` if it needs a login"
    )]
    BadProxy {
        /// What was given, without credentials.
        given: String,
    },
    /// The proxy cannot be looked up.
    #[error("the proxy `{proxy}` cannot be looked up; check its name")]
    NoProxy {
        /// The proxy, without credentials.
        proxy: String,
        /// What the lookup says.
        #[source]
        cause: io::Error,
    },
    /// What was given is no id of a message.
    #[error("`{given}` is no id of a message; write at most 64 letters, digits, `_` and `-`")]
    BadWebhookId {
        /// What was given.
        given: String,
    },
    /// What was given is no secret of a webhook. It is not repeated.
    #[error("that is no webhook secret; write `whsec_` and the Base64 of 24 to 64 random bytes")]
    BadWebhookSecret,
    /// A message is not believed.
    #[error("the message {problem}; compare secret and clock with the sender's")]
    NotGenuine {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// What was given is no collector.
    #[error(
        "telemetry cannot be sent to `{given}`; write `https://host/path`, or `http://host:port/path` on this machine or for a host that is allowed with this port"
    )]
    BadCollector {
        /// What was given, without credentials.
        given: String,
    },
    /// A header that is none. It may be a secret, and is not repeated.
    #[error("a header for `{url}` has a name or a value that HTTP cannot carry; write printable characters")]
    BadHeader {
        /// The address.
        url: String,
    },
    /// What was given is no reference to an artifact.
    #[error("`{given}` is no reference; write `oci://registry/repository:tag` or `oci://registry/repository@sha256:…`")]
    BadReference {
        /// What was given, without credentials.
        given: String,
    },
    /// What a registry holds is not what was asked for.
    #[error("`{reference}` {problem}; {remedy}")]
    Artifact {
        /// The reference.
        reference: String,
        /// What is wrong with it.
        problem: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// What was given is no address of a service.
    #[error(
        "`{given}` is no address of a service; write `https://host` or `https://host:port`, or `http://127.0.0.1:port` on this machine"
    )]
    BadServer {
        /// What was given, without credentials.
        given: String,
    },
    /// What was given is no key of the API. It is not repeated.
    #[error("that is no API key; it is made of visible characters, as in `certus_ID_SECRET`")]
    BadApiKey,
    /// A client certificate or its key cannot be used.
    #[error("the client certificate cannot be used; give certificate and private key as PEM")]
    BadIdentity {
        /// What is wrong with it.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The service has said no.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The service answers as none of ours would.
    #[error("`{url}` {problem}; check that it is the address of a certus service")]
    Foreign {
        /// The address.
        url: String,
        /// What is wrong with its answer.
        problem: &'static str,
    },
    /// What is received or sent cannot be written or read on this machine.
    #[error("`{what}` cannot be written or read here; check the disk")]
    Local {
        /// Which file or answer.
        what: String,
        /// What the disk says.
        #[source]
        cause: io::Error,
    },
    /// The operator's certificates cannot be used.
    #[error("the certificate authorities cannot be used; give one or more certificates as PEM")]
    BadAuthorities {
        /// What is wrong with them.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The host itself failed.
    #[error("a client for `{url}` could not be made; check that this machine has certificate authorities")]
    Host {
        /// The address.
        url: String,
        /// What the host lacks.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    pub(crate) fn artifact(reference: &OciReference, problem: &'static str, remedy: &'static str) -> Self {
        Self::Artifact { reference: reference.to_string(), problem, remedy }
    }

    /// What the service has said, if it was the service.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether the same may go well a little later: nobody answered, or nobody could.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::NoAnswer { .. } | Self::TimedOut { .. } => true,
            Self::Problem(problem) => matches!(problem.status, 429 | 502..=504),
            _ => false,
        }
    }
}

/// What a lookup has found. For the operator alone.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The lookup failed.
    #[error("it could not be looked up")]
    Lookup(#[source] io::Error),
    /// There is no address.
    #[error("it has no address")]
    NoAddress,
    /// One of its addresses is not public.
    #[error("it leads to {address}, which is {kind}")]
    NotPublic {
        /// The address.
        address: IpAddr,
        /// What such addresses are for.
        kind: &'static str,
    },
}

/// Text from outside as it may stand in a message.
pub(crate) fn shown(text: &str) -> String {
    one_line(text, 300)
}
