//! What can go wrong while a report is made. Findings never do: only the host's own faults and a
//! baseline that cannot be used.

use certus_model::PluginId;
use certus_model::workspace::ReadError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file with findings could not be read again.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Two runs carry one plugin id, so fingerprints would not tell them apart.
    #[error("plugin `{0}` ran twice in one scan; give each plugin to the scan once")]
    DuplicatePlugin(PluginId),
    /// A run states another number of files than the workspace has.
    #[error("plugin `{plugin}` states {stated} files of a workspace of {entries}; report this as a fault of the host")]
    Coverage {
        /// Whose run.
        plugin: PluginId,
        /// File states in the run.
        stated: usize,
        /// Entries of the workspace.
        entries: usize,
    },
    /// A finding names a rule that its manifest does not have; the engine refuses those.
    #[error(
        "plugin `{plugin}` reports under rule `{rule}`, which it does not declare; report this as a fault of the host"
    )]
    UndeclaredRule {
        /// Whose run.
        plugin: PluginId,
        /// The rule.
        rule: String,
    },
    /// A baseline that cannot be used.
    #[error("baseline: {key} {problem}")]
    Baseline {
        /// Where, for example `suppression 3`.
        key: String,
        /// What is wrong and what to write.
        problem: String,
    },
    /// A document could not be written as JSON.
    #[error("a report could not be written as JSON ({0}); report this as a fault of the host")]
    Json(#[from] serde_json::Error),
    /// The page could not be rendered.
    #[error("the HTML report could not be rendered ({0}); report this as a fault of the host")]
    Html(#[from] askama::Error),
}
