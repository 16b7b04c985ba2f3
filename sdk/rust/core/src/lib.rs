#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod change;
mod data;
mod dependency;
mod file;
mod finding;
mod location;
mod problem;
mod report;
mod scanner;
mod settings;
pub mod testing;
mod workspace;

pub use change::{ChangeSet, FileChange, Hunk, Side, Status};
pub use data::{DataError, Pack};
pub use dependency::{Dependency, Hash, HashAlgorithm, Scope};
pub use file::{File, Hit};
pub use finding::{Confidence, Finding, Parameter, Severity, Value};
pub use location::{Location, Revision, Span};
pub use problem::{Problem, Reason};
pub use report::Report;
pub use scanner::{ChangeScanner, FileScanner, StandaloneChangeScanner, StandaloneTreeScanner, TreeScanner};
pub use settings::{SettingValue, Settings};
pub use workspace::{Entry, Kind, ReadError, Walk, Workspace};
