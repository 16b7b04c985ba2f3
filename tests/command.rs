//! The command as people and pipelines use it.

mod bad_input;
mod bundle;
mod interrupt;
mod manifest;
mod manual;
mod plugin;
mod replay;
mod sbom;
mod scan;
mod witness;
