//! Who looks into objects.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;

use certus_model::RepoPath;

/// An object that is to be looked at.
#[derive(Debug)]
pub struct Given {
    /// The path that scanners see; no two are alike.
    pub path: RepoPath,
    /// Its length in bytes.
    pub size: u64,
    /// Its content, to be read from its start.
    pub file: File,
}

/// What was seen in an object. Without findings and without a gap it is clean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How often which rule found something, as `plugin/rule`.
    pub findings: BTreeMap<String, u64>,
    /// Why it was not looked at, or not by all.
    pub gap: Option<String>,
}

/// Runs scanners over objects. It blocks.
pub trait Inspector: fmt::Debug + Send + Sync {
    /// What was seen in each, in their order.
    ///
    /// # Errors
    /// Why nothing could be looked at, in one sentence.
    fn inspect(&self, objects: Vec<Given>) -> Result<Vec<Seen>, String>;
}
