//! What can go wrong in an author's hands.

use std::path::PathBuf;

use certus_model::plugin::BadManifest;

use crate::toolchain::Target;

/// The error of a step that the caller supplies.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a plugin could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the plugin cannot be read.
    #[error("{} cannot be read; a plugin's folder holds Cargo.toml and plugin.toml", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The manifest is not accepted.
    #[error("{} is not accepted: {source}", .path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Why.
        source: BadManifest,
    },
    /// A program does not start.
    #[error("`{}` does not start; install Rust with rustup, or name the program by CARGO or RUSTC", .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The compiler or cargo fails where nothing of the plugin is compiled yet.
    #[error("`{}` fails; put right what it says:\n{messages}", .program.display())]
    Compiler {
        /// The program.
        program: PathBuf,
        /// What it said.
        messages: String,
    },
    /// Nothing here compiles for the target.
    #[error(
        "nothing here compiles for {target}; run `rustup target add {target}`, or on Debian \
         `apt-get install rustc-web rust-web-src wasi-libc`, whose compiler brings the library's source"
    )]
    NoTarget {
        /// The target.
        target: Target,
    },
    /// The plugin's code does not compile.
    #[error("the plugin in {} does not compile:\n{diagnostics}", .folder.display())]
    Compile {
        /// The plugin's folder.
        folder: PathBuf,
        /// The diagnostics as cargo renders them.
        diagnostics: String,
    },
    /// Cargo succeeded and named no module.
    #[error("cargo made no WebAssembly module of {}; the package needs a library target, `src/lib.rs`", .folder.display())]
    NoModule {
        /// The plugin's folder.
        folder: PathBuf,
    },
    /// The module does not follow the contract.
    #[error("the module is no component: {0}; export the scanner with the SDK's `register!`")]
    Component(String),
    /// The code is not what the manifest says: an import is not declared, an export is missing.
    #[error("the code and plugin.toml do not agree: {0}")]
    Refused(#[from] certus_sandbox::Refusal),
    /// The snapshot failed: `configure` did, most likely.
    #[error("the memory snapshot after `configure` with the default settings failed: {0}")]
    Snapshot(#[source] BoxError),
}

/// Why a plugin could not be tested.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] certus_engine::Error),
    /// The files for a WASI plugin could not be laid out.
    #[error("the files for the plugin could not be laid out: {0}")]
    Materialise(String),
    /// A file of the plugin's folder cannot be read or written.
    #[error("`{}`: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A fixture is no workspace.
    #[error("fixture `{}` is no workspace: {problem}", .path.display())]
    Fixture {
        /// Its `input` folder.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// An example's path is none.
    #[error("an example's {0}")]
    Path(String),
    /// The runtime could not be started.
    #[error("the runtime could not be started: {0}")]
    Runtime(#[source] std::io::Error),
}
