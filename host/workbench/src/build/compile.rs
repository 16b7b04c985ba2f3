use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::BuildRequest;
use crate::{Error, Target, Toolchain};

/// The profile guests are compiled with: small, fast, and without what differs between machines.
const PROFILE: [&str; 8] = [
    "profile.plugin.inherits='release'",
    "profile.plugin.opt-level=3",
    "profile.plugin.lto=true",
    "profile.plugin.codegen-units=1",
    "profile.plugin.panic='abort'",
    "profile.plugin.debug=false",
    "profile.plugin.strip=true",
    "profile.plugin.incremental=false",
];

/// Separates flags in `CARGO_ENCODED_RUSTFLAGS`.
const UNIT_SEPARATOR: &str = "\u{1f}";

/// Compiles the plugin to a core module.
pub(super) fn compile(request: &BuildRequest<'_>, toolchain: &Toolchain, target: Target) -> Result<Vec<u8>, Error> {
    let workspace = workspace(request)?;
    // Cargo starts in the plugin's folder, where a relative path would mean another.
    let guests = std::path::absolute(request.target_dir.join("guests"))
        .map_err(|source| Error::Read { path: request.target_dir.to_owned(), source })?;
    let mut cargo = Command::new(&request.tools.cargo);
    // Only the `cdylib`: cargo leaves link-time optimisation out where an `rlib` is made too.
    cargo.args(["rustc", "--quiet", "--lib", "--crate-type", "cdylib", "--profile", "plugin"]);
    cargo.args(["--message-format", "json-render-diagnostics", "--target", target.triple()]);
    cargo.arg("--target-dir").arg(&guests);
    cargo.args(PROFILE.iter().flat_map(|setting| ["--config", setting]));
    if workspace.join("Cargo.lock").is_file() {
        cargo.arg("--locked");
    }
    // What the author has set for native builds must not reach the component.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_INCREMENTAL").env_remove("CARGO_BUILD_TARGET");
    let flags = flags(request, toolchain, &workspace, &guests);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join(UNIT_SEPARATOR.as_ref()));
    if let Toolchain::BuildStd { rustc, linker, .. } = toolchain {
        cargo.arg("-Zbuild-std=std,panic_abort").arg("-Zbuild-std-features=");
        cargo.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1").env("PATH", first_on(&request.tools.search_path, linker));
    }
    let output = run(cargo.current_dir(request.folder), &request.tools.cargo)?;
    if !output.status.success() {
        return Err(Error::Compile { folder: request.folder.to_owned(), diagnostics: text(&output.stderr) });
    }
    let module =
        module(&output.stdout, request.folder).ok_or_else(|| Error::NoModule { folder: request.folder.to_owned() })?;
    fs::read(&module).map_err(|source| Error::Read { path: module, source })
}

/// Root of the cargo workspace that the plugin belongs to.
fn workspace(request: &BuildRequest<'_>) -> Result<PathBuf, Error> {
    let cargo = &request.tools.cargo;
    let mut command = Command::new(cargo);
    command.args(["locate-project", "--workspace", "--message-format", "plain"]).current_dir(request.folder);
    let output = run(&mut command, cargo)?;
    if !output.status.success() {
        return Err(Error::Compiler { program: cargo.clone(), messages: text(&output.stderr) });
    }
    let mut manifest = PathBuf::from(text(&output.stdout));
    manifest.pop();
    Ok(manifest)
}

/// The compiler's flags. Paths of this machine are replaced, the most general first: of several
/// that fit, the compiler takes the last.
fn flags(request: &BuildRequest<'_>, toolchain: &Toolchain, workspace: &Path, guests: &Path) -> Vec<OsString> {
    let mut flags = vec![OsString::from("-Ctarget-feature=+simd128")];
    let mut remap = |from: &Path, to: &str| {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(from);
        flag.push("=");
        flag.push(to);
        flags.push(flag);
    };
    if let Some(home) = &request.tools.cargo_home {
        remap(home, "/cargo");
    }
    if let Toolchain::BuildStd { source, .. } = toolchain {
        remap(source, "/rustc");
    }
    remap(workspace, "/workspace");
    remap(guests, "/guests");
    if let Toolchain::BuildStd { libc: Some(libc), .. } = toolchain {
        // This compiler has no start-up object and no C library of its own for WASI.
        let mut start = OsString::from("-Clink-arg=");
        start.push(libc.join("crt1-reactor.o"));
        let mut search = OsString::from("-Lnative=");
        search.push(libc);
        flags.extend([OsString::from("-Clink-self-contained=no"), start, search]);
    }
    flags
}

/// `path` with `folder` looked into first.
fn first_on(path: &OsStr, folder: &Path) -> OsString {
    let mut first = folder.as_os_str().to_owned();
    first.push(":");
    first.push(path);
    first
}

/// The module among the artifacts that cargo lists, one JSON object a line.
fn module(messages: &[u8], folder: &Path) -> Option<PathBuf> {
    let manifest = fs::canonicalize(folder.join("Cargo.toml")).ok()?;
    let messages = serde_json::Deserializer::from_slice(messages).into_iter::<Value>().map_while(Result::ok);
    let artifacts = messages.filter(|message| message["reason"] == "compiler-artifact");
    let own = artifacts.filter(|artifact| artifact["manifest_path"].as_str().map(Path::new) == Some(&manifest));
    let files = own.flat_map(|artifact| artifact["filenames"].as_array().cloned().unwrap_or_default());
    files.filter_map(|file| file.as_str().map(PathBuf::from)).find(|file| file.extension() == Some("wasm".as_ref()))
}

fn run(command: &mut Command, program: &Path) -> Result<Output, Error> {
    command.output().map_err(|source| Error::Start { program: program.to_owned(), source })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
