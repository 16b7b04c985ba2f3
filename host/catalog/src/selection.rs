//! From a profile or a manifest to the plugins that run, and to what cannot.

use std::collections::BTreeMap;

use certus_model::Sha256;
use certus_model::manifest::{ManifestInfo, Profile, ScanManifest, Tool};
use certus_model::plugin::SettingValue;
use certus_model::severity::Thresholds;

use crate::catalog::Catalog;
use crate::error::Error;
use crate::profile::{BuiltIn, built_in, profile_names};
use crate::tool::{Meaning, hint, meaning, names};

/// What is asked for.
pub struct Wish<'a> {
    /// A profile, of the manifest if it has profiles, else built in.
    pub profile: &'a str,
    /// The manifest, if there is one.
    pub manifest: Option<Given<'a>>,
}

/// A manifest as it was given.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// What it says.
    pub manifest: &'a ScanManifest,
    /// SHA-256 of its bytes.
    pub digest: Sha256,
    /// Whether a signature over those bytes was checked.
    pub verified: bool,
}

/// What will run and what cannot.
pub struct Selection {
    /// Plugins, by their place in the catalog, sorted, each once.
    pub plugins: Vec<Selected>,
    /// Tools that were asked for and cannot run.
    pub missing: Vec<Missing>,
    /// The most findings of each severity that pass.
    pub thresholds: Thresholds,
    /// The record for the bundle.
    pub info: ManifestInfo,
}

/// One plugin that will run.
pub struct Selected {
    /// Its place in [`Catalog::entries`].
    pub entry: usize,
    /// All its settings.
    pub settings: BTreeMap<String, SettingValue>,
}

/// A tool that was asked for and that no plugin here stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Its name as asked for.
    pub tool: String,
    /// Whether the scan may go on without it.
    pub optional: bool,
}

/// Selects from `catalog`. Files that were named run whatever the profile says.
///
/// # Errors
/// Unknown profiles and tools, with suggestions; settings that do not fit; plugins of a built-in
/// profile that are not installed.
pub fn select(catalog: &Catalog, wish: &Wish<'_>) -> Result<Selection, Error> {
    let resolved = resolve(wish.profile, wish.manifest.map(|given| given.manifest))?;
    let mut chosen: BTreeMap<usize, BTreeMap<String, SettingValue>> = BTreeMap::new();
    let mut choose = |entry: usize| {
        let manifest = &catalog.entries()[entry].passport.manifest;
        chosen.entry(entry).or_insert_with(|| manifest.default_settings());
    };
    (0..catalog.entries().len()).filter(|entry| catalog.entries()[*entry].named).for_each(&mut choose);
    let mut missing = Vec::new();
    let mut configured = Vec::new();
    for tool in resolved.tools() {
        let plugins = plugins_of(catalog, &tool)?;
        match plugins {
            Some(plugins) => {
                plugins.iter().copied().for_each(&mut choose);
                configured.push((tool, plugins));
            }
            None => missing.push(Missing { optional: tool.optional, tool: tool.id }),
        }
    }
    if let Some(profile) = resolved.built_in {
        for plugin in profile.plugins {
            let entry = catalog.find(plugin).ok_or_else(|| Error::NotInstalled {
                profile: profile.name.to_owned(),
                plugin: (*plugin).to_owned(),
                folder: catalog.folder().to_owned(),
            })?;
            choose(entry);
        }
    }
    for (tool, plugins) in &configured {
        configure(catalog, tool, plugins, &mut chosen)?;
    }
    if chosen.is_empty() && missing.is_empty() {
        return Err(Error::Nothing);
    }
    let thresholds = resolved.thresholds();
    let info = info(catalog, wish, &resolved, &chosen, &missing, &thresholds);
    let plugins = chosen.into_iter().map(|(entry, settings)| Selected { entry, settings }).collect();
    Ok(Selection { plugins, missing, thresholds, info })
}

/// Whether there is such a profile, in the manifest or built in. Plugins and tools are not looked at, so this
/// can be asked before a scan, by whoever has no plugins.
///
/// # Errors
/// An unknown profile, with the names of those that exist and a suggestion.
pub fn check_profile(profile: &str, manifest: Option<&ScanManifest>) -> Result<(), Error> {
    resolve(profile, manifest).map(drop)
}

/// Which profile it is.
struct Resolved<'a> {
    /// The manifest's.
    profile: Option<&'a Profile>,
    /// The host's own, where the manifest has none or names no tools.
    built_in: Option<&'static BuiltIn>,
}

impl Resolved<'_> {
    fn tools(&self) -> Vec<Tool> {
        self.profile.map(|profile| profile.tools.clone()).unwrap_or_default()
    }

    /// The manifest's thresholds; the built-in profile's where the manifest sets none.
    fn thresholds(&self) -> Thresholds {
        let own = self.profile.map(|p| p.thresholds.clone()).filter(|t| !t.is_empty());
        own.or_else(|| self.built_in.map(BuiltIn::thresholds)).unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.profile.map(|p| p.name.as_str()).or(self.built_in.map(|b| b.name)).unwrap_or_default()
    }
}

fn resolve<'a>(asked: &str, manifest: Option<&'a ScanManifest>) -> Result<Resolved<'a>, Error> {
    let profiles = manifest.map_or(&[][..], |manifest| &manifest.profiles);
    let own = profiles.iter().find(|profile| profile.name.eq_ignore_ascii_case(asked));
    if own.is_none() && !profiles.is_empty() {
        let names: Vec<_> = profiles.iter().map(|p| p.name.as_str()).collect();
        return Err(Error::UnknownManifestProfile {
            name: shown(asked),
            hint: hint(asked, names.iter().copied()),
            available: shown(&names.join(", ")),
        });
    }
    if let Some(profile) = own.filter(|profile| !profile.tools.is_empty()) {
        return Ok(Resolved { profile: Some(profile), built_in: None });
    }
    let built_in = built_in(asked).ok_or_else(|| Error::UnknownProfile {
        name: shown(asked),
        hint: hint(asked, profile_names()),
        available: profile_names().collect::<Vec<_>>().join(", "),
    })?;
    Ok(Resolved { profile: own, built_in: Some(built_in) })
}

fn shown(text: &str) -> String {
    certus_model::escape::one_line(text, 200)
}

/// The plugins that stand for a tool; none if it is known but nothing here does its work. The host's
/// own work needs no plugin.
fn plugins_of(catalog: &Catalog, tool: &Tool) -> Result<Option<Vec<usize>>, Error> {
    if let Some(entry) = catalog.find(&tool.id) {
        return Ok(Some(vec![entry]));
    }
    match meaning(&tool.id) {
        Some(Meaning::Host) => Ok(Some(Vec::new())),
        Some(Meaning::Nobody) => Ok(None),
        // All of them or none: half a tool would be a quieter scan than was asked for.
        Some(Meaning::Plugins(plugins)) => Ok(plugins.iter().map(|plugin| catalog.find(plugin)).collect()),
        None => {
            let here: Vec<_> = catalog.entries().iter().map(|e| e.passport.manifest.plugin.id.short_name()).collect();
            Err(Error::UnknownTool {
                name: shown(&tool.id),
                hint: hint(&tool.id, here.iter().copied().chain(names().map(|name| -> &str { name }))),
                available: here.join(", "),
            })
        }
    }
}

/// Applies a tool's `config` to the plugins that declare such settings.
fn configure(
    catalog: &Catalog,
    tool: &Tool,
    plugins: &[usize],
    chosen: &mut BTreeMap<usize, BTreeMap<String, SettingValue>>,
) -> Result<(), Error> {
    for (name, value) in &tool.config {
        let fault = |problem: String| Error::Setting { tool: shown(&tool.id), name: shown(name), problem };
        let value: SettingValue = serde_json::from_value(value.clone())
            .map_err(|_| fault("must be a text, a whole number, a flag or a list of texts".to_owned()))?;
        let mut taken = false;
        for plugin in plugins {
            let declared = &catalog.entries()[*plugin].passport.manifest.settings;
            let Some(setting) = declared.iter().find(|setting| setting.name.as_str() == name) else { continue };
            if let Some(objection) = setting.objection(&value) {
                return Err(fault(objection));
            }
            if let Some(settings) = chosen.get_mut(plugin) {
                settings.insert(name.clone(), value.clone());
            }
            taken = true;
        }
        if !taken {
            return Err(fault("does not exist; `certus plugin inspect` lists a plugin's settings".to_owned()));
        }
    }
    Ok(())
}

fn info(
    catalog: &Catalog,
    wish: &Wish<'_>,
    resolved: &Resolved<'_>,
    chosen: &BTreeMap<usize, BTreeMap<String, SettingValue>>,
    missing: &[Missing],
    thresholds: &Thresholds,
) -> ManifestInfo {
    let manifest = wish.manifest.map(|given| given.manifest);
    let own_tools = resolved.tools().into_iter().map(|tool| tool.id);
    let built_in = resolved.built_in.iter().flat_map(|profile| profile.plugins).map(|plugin| (*plugin).to_owned());
    ManifestInfo {
        product: manifest.map(|m| m.product.clone()).unwrap_or_default(),
        version: manifest.map(|m| m.version.clone()).unwrap_or_default(),
        profile_requested: wish.profile.to_owned(),
        profile_resolved: resolved.name().to_owned(),
        profile_built_in: resolved.built_in.is_some(),
        tools_requested: own_tools.chain(built_in).collect(),
        tools_selected: chosen
            .keys()
            .map(|entry| catalog.entries()[*entry].passport.manifest.plugin.id.to_string())
            .collect(),
        manifest_digest: wish.manifest.map(|given| given.digest),
        manifest_verified: wish.manifest.is_some_and(|given| given.verified),
        unsupported_manifest_tools: missing.iter().map(|m| m.tool.clone()).collect(),
        policy_thresholds: thresholds.clone(),
        requires_stack: resolved.profile.is_some_and(|profile| profile.requires_stack),
    }
}
