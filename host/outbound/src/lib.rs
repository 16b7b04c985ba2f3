#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod address;
mod client;
mod collector;
mod credential;
mod error;
mod fetch;
mod guard;
mod oci;
mod policy;
mod proxy;
mod resolver;
mod server;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_plain;
mod url;
mod webhook;

pub use collector::Collector;
pub use credential::Credential;
pub use error::{Error, Refusal};
pub use guard::{Guard, Pinned};
pub use oci::{
    Artifact, DOCUMENT_TYPE, MANIFEST_TYPE, OciBlob, OciContent, OciDocument, OciPush, OciReference, SIGNATURE_TYPE,
};
pub use policy::{Allowed, Authorities, Policy};
pub use proxy::Proxy;
pub use resolver::{Resolver, SystemResolver};
pub use server::{ApiKey, Events, Identity, Problem, Server, ServerSettings, ServerUrl};
pub use url::{RemoteHost, RemoteUrl, without_secrets};
pub use webhook::{
    Delivered, Message, WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP, WebhookId, WebhookSecret, sign, verify,
};
