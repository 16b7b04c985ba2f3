//! How a plugin's Rust is compiled to WebAssembly on this machine.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use certus_model::PluginManifest;

use crate::Error;

/// Where Debian's packages `rustc-web` and `rust-web-src` put a compiler that has the source of its
/// standard library beside it.
const DISTRIBUTION_RUSTC: &str = "/usr/bin/rustc";
/// Where Debian's package `wasi-libc` puts the C library that std needs on WASI.
const DISTRIBUTION_LIBC: &str = "/usr/lib/wasm32-wasi";

/// What a plugin is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The contract and nothing else.
    Plain,
    /// The contract and WASI, for a plugin that declares `[capabilities.wasi]`.
    Wasi,
}

impl Target {
    /// The target that `manifest` asks for.
    pub fn of(manifest: &PluginManifest) -> Self {
        if manifest.capabilities.wasi.is_some() { Self::Wasi } else { Self::Plain }
    }

    /// The compiler's name for it.
    pub const fn triple(self) -> &'static str {
        match self {
            Self::Plain => "wasm32-unknown-unknown",
            Self::Wasi => "wasm32-wasip1",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.triple())
    }
}

/// The programs and folders that a build uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// Cargo; a bare name is looked up on the path.
    pub cargo: PathBuf,
    /// The compiler that cargo uses by itself.
    pub rustc: PathBuf,
    /// A second compiler, tried for its standard library's source where the first has no target.
    pub distribution_rustc: PathBuf,
    /// Folder of the WASI C library for that second compiler.
    pub distribution_libc: PathBuf,
    /// Cargo's own folder, whose path must not show in a component.
    pub cargo_home: Option<PathBuf>,
    /// The path that programs are looked up on.
    pub search_path: OsString,
}

impl Tools {
    /// The tools that cargo itself would use, given a way to look up the variables `CARGO`, `RUSTC`,
    /// `CARGO_HOME`, `HOME` and `PATH`.
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| variable(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        Self {
            cargo: path("CARGO").unwrap_or_else(|| "cargo".into()),
            rustc: path("RUSTC").unwrap_or_else(|| "rustc".into()),
            distribution_rustc: DISTRIBUTION_RUSTC.into(),
            distribution_libc: DISTRIBUTION_LIBC.into(),
            cargo_home: path("CARGO_HOME").or_else(|| path("HOME").map(|home| home.join(".cargo"))),
            search_path: variable("PATH").unwrap_or_default(),
        }
    }
}

/// A way to compile for a [`Target`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The compiler has the target's standard library.
    Installed,
    /// The standard library is compiled too, from the source beside the compiler.
    BuildStd {
        /// The compiler.
        rustc: PathBuf,
        /// Root of its source, which holds `library/`.
        source: PathBuf,
        /// Folder of `rust-lld`, which that compiler looks for on the path.
        linker: PathBuf,
        /// Folder of the C library, for [`Target::Wasi`].
        libc: Option<PathBuf>,
    },
}

impl Toolchain {
    /// Finds how to compile for `target` in `folder`, whose `rust-toolchain.toml` decides which
    /// compiler cargo uses. Installs nothing.
    ///
    /// # Errors
    /// No compiler, or none that can: the error names what to install.
    pub fn find(tools: &Tools, target: Target, folder: &Path) -> Result<Self, Error> {
        let installed = sysroot(&tools.rustc, folder)?.join("lib/rustlib");
        if installed.join(target.triple()).join("lib").is_dir() {
            return Ok(Self::Installed);
        }
        Self::from_source(tools, target, folder, &installed).ok_or(Error::NoTarget { target })
    }

    fn from_source(tools: &Tools, target: Target, folder: &Path, installed: &Path) -> Option<Self> {
        let rustc = &tools.distribution_rustc;
        let source = sysroot(rustc, folder).ok()?.join("lib/rustlib/src/rust");
        if !source.join("library/std/Cargo.toml").is_file() {
            return None;
        }
        let hosts = installed.read_dir().ok()?.flatten().map(|host| host.path().join("bin"));
        let linker = hosts.into_iter().find(|bin| bin.join("rust-lld").is_file())?;
        let libc = match target {
            Target::Plain => None,
            Target::Wasi => Some(tools.distribution_libc.clone()).filter(|libc| libc.join("libc.a").is_file()),
        };
        (target == Target::Plain || libc.is_some()).then(|| Self::BuildStd {
            rustc: rustc.clone(),
            source,
            linker,
            libc,
        })
    }
}

/// The folder that a compiler keeps its libraries in.
fn sysroot(rustc: &Path, folder: &Path) -> Result<PathBuf, Error> {
    let mut command = Command::new(rustc);
    let output = command
        .args(["--print", "sysroot"])
        .current_dir(folder)
        .output()
        .map_err(|source| Error::Start { program: rustc.to_owned(), source })?;
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::Compiler { program: rustc.to_owned(), messages });
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

#[cfg(test)]
mod tests;
