//! An admitted plugin: compiled, linked to what it may use, ready to be instantiated.

use std::sync::Arc;

use certus_model::outcome::AdmissionReason as Reason;
use certus_model::plugin::Export;
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::bindings::{change, files, plugin, tree};
use crate::error::{AdmitError, Error, Refusal};
use crate::inspect::{Passport, export_name};
use crate::state::State;

/// A plugin that passed admission.
#[derive(Clone)]
pub struct Plugin {
    pub(crate) engine: Engine,
    pub(crate) passport: Arc<Passport>,
    pub(crate) pre: InstancePre<State>,
    pub(crate) exports: Arc<Exports>,
}

/// Where the exports are; only `plugin` must exist.
pub(crate) struct Exports {
    pub(crate) plugin: plugin::GuestIndices,
    pub(crate) files: Option<files::GuestIndices>,
    pub(crate) tree: Option<tree::GuestIndices>,
}

impl Plugin {
    /// Links `component` to the imports that its passport shows and nothing else.
    pub(crate) fn link(engine: &Engine, component: Component, passport: Arc<Passport>) -> Result<Self, AdmitError> {
        let mut linker = Linker::new(engine);
        crate::imports::link(&mut linker, &passport.imported).map_err(|e| Error::Engine(e.to_string()))?;
        let pre = linker.instantiate_pre(&component).map_err(|error| {
            Refusal::new(
                Reason::UnknownImport,
                format!("an import has a form that this host does not offer: {error:#}"),
            )
        })?;
        let exports = Exports::find(&pre, &passport)?;
        Ok(Self { engine: engine.clone(), passport, pre, exports: Arc::new(exports) })
    }

    /// What is known of it from its bytes.
    pub fn passport(&self) -> &Passport {
        &self.passport
    }
}

impl Exports {
    fn find(pre: &InstancePre<State>, passport: &Passport) -> Result<Self, Refusal> {
        let malformed = |name: &str| {
            let name = name.to_owned();
            move |error: wasmtime::Error| {
                Refusal::new(
                    Reason::MissingExport,
                    format!("export `{name}` has another form than the contract's: {error:#}"),
                )
            }
        };
        let named = |export: Export| passport.manifest.exports(export);
        let optional = |export: Export| (named(export), malformed(&export_name(export)));
        let (has_files, files_error) = optional(Export::Files);
        let (has_tree, tree_error) = optional(Export::Tree);
        let (has_change, change_error) = optional(Export::Change);
        if has_change {
            // Nothing calls it yet; its form is checked all the same, so that a plugin is what it says.
            change::GuestIndices::new(pre).map_err(change_error)?;
        }
        Ok(Self {
            plugin: plugin::GuestIndices::new(pre).map_err(malformed("plugin"))?,
            files: has_files.then(|| files::GuestIndices::new(pre)).transpose().map_err(files_error)?,
            tree: has_tree.then(|| tree::GuestIndices::new(pre)).transpose().map_err(tree_error)?,
        })
    }
}
