//! What will run: profile and manifest in, admitted plugins out.

use std::collections::BTreeMap;
use std::sync::Arc;

use certus_catalog::{Catalog, Entry, Given, Selection, Wish};
use certus_checkout::Scratch;
use certus_model::limits::Limits;
use certus_model::plugin::SettingValue;
use certus_model::workspace::Workspace;
use certus_report::NotRun;
use certus_sandbox::Admission;

use crate::error::Error;
use crate::event::{Event, Events};
use crate::host::Host;
use crate::manifest::Checked;
use crate::request::Request;
use crate::worker::Assigned;

/// What will run, and the manifest that says so.
pub(crate) struct Chosen {
    pub(crate) selection: Selection,
    pub(crate) assigned: Vec<Assigned>,
    /// As it was given.
    pub(crate) manifest: Option<Vec<u8>>,
}

/// Selects plugins and admits them.
pub(crate) fn choose(
    host: &Host,
    request: &Request<'_>,
    manifest: Option<Checked>,
    events: &mut Events<'_>,
) -> Result<Chosen, Error> {
    events.phase("Selecting plugins")?;
    let catalog = Catalog::open(&host.plugins, &request.plugins, &host.admission)?;
    let given = manifest.as_ref().map(|m| Given { manifest: &m.manifest, digest: m.digest, verified: m.verified });
    let selection = certus_catalog::select(&catalog, &Wish { profile: &request.profile, manifest: given })?;
    events.emit(Event::Manifest { data: Box::new(selection.info.clone()) })?;
    let assigned = admit(host, &catalog, &selection)?;
    Ok(Chosen { selection, assigned, manifest: manifest.map(|checked| checked.bytes) })
}

/// Lays out the files of the plugins that read through WASI.
pub(crate) fn lay_out(assigned: &mut [Assigned], workspace: &dyn Workspace, scratch: &Scratch) -> Result<(), Error> {
    for one in assigned {
        let passport = &one.admitted.passport;
        if let Some(files) = certus_engine::wasi_files(passport, workspace) {
            let root = crate::materialise(workspace, &files, scratch)
                .map_err(|cause| Error::Materialise { plugin: passport.manifest.plugin.id.to_string(), cause })?;
            one.root = Some(Arc::new(root));
        }
    }
    Ok(())
}

/// The tools that were asked for and that nothing here stands for.
pub(crate) fn not_run(selection: &Selection) -> Vec<NotRun> {
    let missing = selection.missing.iter();
    missing
        .map(|missing| NotRun {
            tool: missing.tool.clone(),
            reason: "no plugin here does its work".to_owned(),
            required: !missing.optional,
        })
        .collect()
}

/// Admits the selected plugins: the bytes that the catalog read are the bytes that run.
fn admit(host: &Host, catalog: &Catalog, selection: &Selection) -> Result<Vec<Assigned>, Error> {
    let all = selection.plugins.iter();
    all.map(|selected| {
        assign(&host.admission, &host.limits, &catalog.entries()[selected.entry], selected.settings.clone())
    })
    .collect()
}

/// Admits one plugin, to run with these settings.
pub(crate) fn assign(
    admission: &Admission,
    limits: &Limits,
    entry: &Entry,
    settings: BTreeMap<String, SettingValue>,
) -> Result<Assigned, Error> {
    let manifest = &entry.passport.manifest;
    // On the local command whoever installs or names a plugin grants what it declares.
    let granted = manifest.capabilities.declared();
    let admitted = admission.admit(&entry.bytes, &granted);
    let admitted = admitted.map_err(|error| certus_catalog::Error::admission(&entry.path, error))?;
    Ok(Assigned { admitted, settings, limits: manifest.limits.within(limits), root: None })
}
