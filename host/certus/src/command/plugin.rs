//! `certus plugin`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use certus_checkout::{Scratch, Source, SourcePolicy};
use certus_model::limits::{AdmissionLimits, Limits, WorkspaceLimits};
use certus_sandbox::Sandbox;
use certus_workbench::{BuildRequest, Built, TestRequest, Tools};

use crate::arguments::Plugin;
use crate::command::{note, print};
use crate::exit::Exit;
use crate::settings::{Settings, variable};

pub(crate) fn run(settings: &Settings, plugin: &Plugin) -> anyhow::Result<Exit> {
    match plugin {
        Plugin::Build { folder, out } => {
            let built = build(folder)?;
            let out = match out {
                Some(out) => out.clone(),
                None => folder.join(format!("{}.wasm", built.manifest.plugin.id.short_name())),
            };
            write(&out, &built.component)?;
            let passport = certus_sandbox::inspect(&built.component, &AdmissionLimits::default())?;
            note(&format!("{} ({} bytes)", out.display(), built.component.len()));
            print(&format!("sha256:{}\n", passport.digest))?;
            Ok(Exit::Pass)
        }
        Plugin::Inspect { file } => {
            let bytes =
                std::fs::read(file).with_context(|| format!("plugin file `{}` cannot be read", file.display()))?;
            print(&certus_workbench::describe(&settings.admission()?.inspect(&bytes)?))?;
            Ok(Exit::Pass)
        }
        Plugin::Test { folder, component, bless } => test(settings, folder, component.as_deref(), *bless),
    }
}

fn build(folder: &Path) -> anyhow::Result<Built> {
    let tools = Tools::from_environment(variable);
    let target = target_folder(folder)?;
    let request = BuildRequest { folder, target_dir: &target, tools: &tools };
    let built = certus_workbench::build(&request, &|component, manifest| {
        certus_sandbox::snapshot(component, manifest).map_err(Into::into)
    })?;
    for capability in &built.unused {
        note(&format!("warning: [capabilities.{capability}] is declared but never imported; remove it"));
    }
    Ok(built)
}

/// Cargo's target folder: as the environment says, else `target` of the workspace.
fn target_folder(plugin: &Path) -> anyhow::Result<PathBuf> {
    if let Some(folder) = variable("CARGO_TARGET_DIR") {
        return Ok(folder.into());
    }
    let plugin = std::path::absolute(plugin)?;
    let workspace = plugin.ancestors().skip(1).find(|folder| folder.join("Cargo.lock").is_file());
    Ok(workspace.unwrap_or(&plugin).join("target"))
}

/// Writes under a temporary name and renames, so that nobody reads half a plugin.
fn write(out: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let temporary = out.with_extension(format!("{}.tmp", std::process::id()));
    std::fs::write(&temporary, bytes)
        .and_then(|()| std::fs::rename(&temporary, out))
        .inspect_err(|_| drop(std::fs::remove_file(&temporary)))
        .with_context(|| format!("`{}` cannot be written; name another place with --out", out.display()))
}

fn test(settings: &Settings, folder: &Path, component: Option<&Path>, bless: bool) -> anyhow::Result<Exit> {
    let bytes = match component {
        Some(file) => {
            std::fs::read(file).with_context(|| format!("plugin file `{}` cannot be read", file.display()))?
        }
        None => build(folder)?.component,
    };
    let granted = certus_model::plugin::Capability::ALL;
    let admitted = settings.admission()?.admit(&bytes, &granted)?;
    let plugin = Sandbox::new(Limits::default().stack)?.load(&admitted)?;
    let scratch = Scratch::open(&settings.scratch)?;
    let limits = WorkspaceLimits::default();
    let cases = certus_workbench::test(&TestRequest {
        plugin,
        folder,
        bless,
        materialise: &|workspace, indices| certus_pipeline::materialise(workspace, indices, &scratch),
        open: &|folder| {
            let source =
                Source::parse(&format!("dir:{}", folder.display()), SourcePolicy::Any).map_err(|e| e.to_string())?;
            let git = certus_checkout::Git::new("git", &settings.search_path);
            let never = AtomicBool::new(false);
            let checkout =
                certus_checkout::checkout(&source, None, &limits, &scratch, &git, &never).map_err(|e| e.to_string())?;
            Ok(Arc::new(checkout.workspace))
        },
    })?;
    let failed = cases.iter().filter(|case| case.failure.is_some()).count();
    for case in &cases {
        match &case.failure {
            Some(failure) => print(&format!("FAILED  {}: {failure}\n", case.name))?,
            None => note(&format!("ok      {}", case.name)),
        }
    }
    print(&format!("{} cases passed, {failed} failed\n", cases.len() - failed))?;
    Ok(if failed == 0 { Exit::Pass } else { Exit::Fail })
}
