//! From a plugin's source to the one file that is distributed.

mod compile;
mod component;

use std::fs;
use std::path::Path;

use certus_model::PluginManifest;
use certus_model::limits::AdmissionLimits;
use certus_model::plugin::{Capability, SECTION, SNAPSHOT_SECTION};

use crate::{BoxError, Error, Target, Toolchain, Tools};

/// What to build, and where.
#[derive(Clone, Copy, Debug)]
pub struct BuildRequest<'a> {
    /// The plugin's folder, which holds `Cargo.toml` and `plugin.toml`.
    pub folder: &'a Path,
    /// Cargo's target folder; guests are kept in `guests/` inside it, away from native builds, so
    /// that neither throws the other's work away.
    pub target_dir: &'a Path,
    /// The programs to build with.
    pub tools: &'a Tools,
}

/// A plugin, built.
#[derive(Clone, Debug)]
pub struct Built {
    /// The component with its manifest inside: unsigned, ready to run.
    pub component: Vec<u8>,
    /// The manifest.
    pub manifest: PluginManifest,
    /// Capabilities that the manifest declares and the code does not import. Worth a warning: an
    /// operator is asked to grant what nothing needs.
    pub unused: Vec<Capability>,
}

/// The step that runs `configure` once with the defaults and keeps the memory it leaves.
pub type Snapshot<'a> = &'a dyn Fn(&[u8], &PluginManifest) -> Result<Vec<u8>, BoxError>;

/// Compiles the plugin, wraps it into a component, checks that against the manifest, takes the
/// snapshot and embeds the manifest. Equal sources give equal bytes, whatever the folder, as long
/// as compiler and dependencies are the same.
///
/// A plugin that runs on WASI gets no snapshot: what it asks WASI while it configures itself would
/// be frozen into it.
///
/// # Errors
/// Whatever the author has to put right, or a tool that is missing: see [`Error`].
pub fn build(request: &BuildRequest<'_>, snapshot: Snapshot<'_>) -> Result<Built, Error> {
    let (text, manifest) = read_manifest(request.folder)?;
    let target = Target::of(&manifest);
    let toolchain = Toolchain::find(request.tools, target, request.folder)?;
    let module = compile::compile(request, &toolchain, target)?;
    let mut component = component::wrap(&module, target)?;
    // Before the snapshot: what an undeclared import does there would be a puzzling answer.
    let outside = component::with_section(&component, SECTION, &text);
    let passport = certus_sandbox::inspect(&outside, &AdmissionLimits::default())?;
    if target == Target::Plain {
        component = snapshot(&component, &manifest).map_err(Error::Snapshot)?;
        let settings = certus_sandbox::settings_digest(&manifest.default_settings());
        component = component::with_section(&component, SNAPSHOT_SECTION, &settings.to_string());
    }
    component = component::with_section(&component, SECTION, &text);
    Ok(Built { component, manifest, unused: passport.unused() })
}

/// The manifest of the plugin in `folder`, as written and as read.
fn read_manifest(folder: &Path) -> Result<(String, PluginManifest), Error> {
    let path = folder.join("plugin.toml");
    let text = fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let manifest = text.parse().map_err(|source| Error::Manifest { path, source })?;
    Ok((text, manifest))
}

#[cfg(test)]
mod tests;
