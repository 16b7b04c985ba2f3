//! Where a scan is published.

use std::sync::Arc;

use certus_model::ScanId;
use certus_store::Objects;

use crate::registry::Registry;
use crate::screen::Screen;

/// Where a scan is published: raw first, golden once it was checked, and a registry if there is one.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Where files come in.
    pub raw: Arc<dyn Objects>,
    /// Where readers find what is whole and permitted.
    pub golden: Arc<dyn Objects>,
    /// Where the same lies as an OCI artifact.
    pub registry: Option<Arc<dyn Registry>>,
    /// Who looks at what came into raw before it is copied; nobody if there is none.
    pub screen: Option<Arc<dyn Screen>>,
}

impl Destination {
    /// The text that a permit is bound to: the same for the same places and no others.
    pub fn name(&self) -> String {
        let registry = self.registry.as_ref().map_or_else(|| "none".to_owned(), |registry| registry.place());
        format!("raw {}; golden {}; registry {registry}", self.raw.place(), self.golden.place())
    }

    pub(crate) fn raw_key(scan: &ScanId, path: &str) -> String {
        format!("{scan}/incoming/{path}")
    }

    pub(crate) fn claim_key(scan: &ScanId) -> String {
        format!("{scan}/claim.json")
    }

    pub(crate) fn golden_key(scan: &ScanId, path: &str) -> String {
        format!("{scan}/golden/{path}")
    }

    pub(crate) fn marker_key(scan: &ScanId) -> String {
        format!("{scan}/complete.json")
    }
}
