#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod claim;
mod destination;
mod error;
mod marker;
mod publication;
mod publish;
mod published;
mod registry;
mod screen;
#[cfg(test)]
mod tests;

pub use destination::Destination;
pub use error::Error;
pub use publication::{Bundle, DOCUMENTS, Document, Labels, Publication, Source};
pub use publish::{Clock, find, publish};
pub use published::{ManifestRecord, Published, RegistryRecord, RemoteArtifacts};
pub use registry::{ARTIFACT_TYPE, Artifact, Item, Mirror, Registry, RemoteRegistry};
pub use screen::Screen;
