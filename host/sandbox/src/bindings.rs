//! The contract's types and exports as Rust. Imports are linked by hand (`imports`), because they
//! need the store to pay for what is read.

mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit/scanner",
        world: "certus:scanner/scanner",
        exports: { default: async },
        additional_derives: [Clone],
    });
}

pub(crate) use generated::certus::scanner::{data, log, types, workspace};
pub(crate) use generated::exports::certus::scanner::{change, files, plugin, tree};
