use crate::{Dependency, Finding, Problem};

/// What a scanner that looks at more than one file returns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What it found.
    pub findings: Vec<Finding>,
    /// Files that could not be read to the end. One broken file is a problem, not a failed run.
    pub problems: Vec<Problem>,
    /// Components of the inventory.
    pub dependencies: Vec<Dependency>,
}
