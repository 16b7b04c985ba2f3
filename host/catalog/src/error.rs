use std::path::PathBuf;

use certus_sandbox::{AdmitError, Refusal};

/// Why there is no selection of plugins.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A plugin file or the folder cannot be read.
    #[error("plugin file `{}` cannot be read ({source}); check the path", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A file is no plugin.
    #[error("plugin file `{}` is refused: {refusal}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        refusal: Refusal,
    },
    /// The host could not admit a plugin.
    #[error("plugin file `{}`: {source}", path.display())]
    Admit {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: certus_sandbox::Error,
    },
    /// Two files are the same plugin.
    #[error("`{}` and `{}` are both plugin `{id}`; keep one", first.display(), second.display())]
    Twice {
        /// The plugin.
        id: String,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// No such profile.
    #[error("profile `{name}` does not exist{hint}; available: {available}")]
    UnknownProfile {
        /// What was asked for.
        name: String,
        /// A likely meaning, or nothing.
        hint: String,
        /// All names.
        available: String,
    },
    /// The manifest has profiles, but not this one.
    #[error("manifest profile '{name}' not found{hint}. Available profiles: {available}")]
    UnknownManifestProfile {
        /// What was asked for.
        name: String,
        /// A likely meaning, or nothing.
        hint: String,
        /// All names.
        available: String,
    },
    /// No such tool.
    #[error("tool `{name}` of the manifest is neither a plugin nor a known tool{hint}; plugins here: {available}")]
    UnknownTool {
        /// What was asked for.
        name: String,
        /// A likely meaning, or nothing.
        hint: String,
        /// The plugins that exist.
        available: String,
    },
    /// No such plugin is installed.
    #[error("plugin `{plugin}` is not installed in `{}`; copy its `.wasm` file there, or set CERTUS_PLUGIN_DIR", folder.display())]
    Absent {
        /// Its id or short name.
        plugin: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A built-in profile needs a plugin that is not installed.
    #[error("profile `{profile}` needs plugin `{plugin}`, which is not in `{}`; install it there or name its file with --plugin", folder.display())]
    NotInstalled {
        /// The profile.
        profile: String,
        /// The plugin's short name.
        plugin: String,
        /// Where plugins are looked for.
        folder: PathBuf,
    },
    /// A setting that does not exist or does not fit.
    #[error("setting `{name}` of tool `{tool}` {problem}")]
    Setting {
        /// The tool as the manifest names it.
        tool: String,
        /// The setting.
        name: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// Nothing would run.
    #[error("nothing to run: profile `none` needs at least one --plugin FILE")]
    Nothing,
}

impl Error {
    /// Why the plugin file at `path` was not admitted.
    pub fn admission(path: &std::path::Path, error: AdmitError) -> Self {
        let path = path.to_owned();
        match error {
            AdmitError::Refused(refusal) => Self::Refused { path, refusal },
            AdmitError::Host(source) => Self::Admit { path, source },
        }
    }
}
