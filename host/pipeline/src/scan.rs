//! The sentence.

use std::sync::Arc;
use std::time::{Duration, Instant};

use certus_bundle::{BundleFiles, FileName, Mode, PluginUse, ScanFacts, UtcTime};
use certus_catalog::{Catalog, Selection, Wish};
use certus_checkout::{Checkout, Scratch};
use certus_engine::Times;
use certus_model::coverage::RunStatus;
use certus_model::decision::PolicyResult;
use certus_model::manifest::ScanManifest;
use certus_model::outcome::Verdict;
use certus_model::workspace::Workspace;
use certus_model::{PluginRun, ScanId, Sha256, canonical_json, ledger};
use certus_report::{Inputs, NotRun, Report};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::Error;
use crate::event::{Event, Events, Plan};
use crate::host::Host;
use crate::record::{ScanRecord, provenance_id};
use crate::request::Request;
use crate::worker::{Assigned, Done, Work};

/// The host's version, as it stands in bundles.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a scan came to.
pub struct Outcome {
    /// The scan's id.
    pub id: ScanId,
    /// The policy's answer.
    pub policy: PolicyResult,
    /// The digest over the `result` group.
    pub result_digest: Sha256,
    /// Whether the development key signed.
    pub development: bool,
    /// Suppressions of the baseline that matched nothing, one sentence each.
    pub unused_suppressions: Vec<String>,
    /// What `show` made of the report.
    pub shown: Vec<u8>,
    /// Where the time went.
    pub timings: Timings,
}

/// Where the time of a scan went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    /// Checking the source out.
    pub checkout: Duration,
    /// Selecting and admitting plugins.
    pub admission: Duration,
    /// The engine, from first to last.
    pub engine: Duration,
    /// Within the engine, all workers together: reading and looking for keywords.
    pub stages: Times,
    /// Within the engine, all workers together: inside the sandbox.
    pub sandbox: Duration,
    /// Making the report and sealing the bundle.
    pub report: Duration,
}

/// Scans. `show` turns the report into what the caller prints, while the workspace is still there.
///
/// # Errors
/// Whatever kept the bundle from being made; then nothing is left behind.
pub fn scan(
    host: &Host,
    request: Request<'_>,
    show: &dyn Fn(&Report<'_>) -> Result<Vec<u8>, certus_report::Error>,
) -> Result<Outcome, Error> {
    let started_at = now()?;
    let mut events = Events::new(request.watch);
    let manifest = request.manifest.as_deref().map(parse_manifest).transpose()?;

    let clock = Instant::now();
    events.phase("Selecting plugins")?;
    let catalog = Catalog::open(&host.plugins, &request.plugins, &host.admission)?;
    let wish = Wish { profile: &request.profile, manifest: manifest.as_ref().map(|(m, digest)| (m, *digest)) };
    let selection = certus_catalog::select(&catalog, &wish)?;
    let mut assigned = admit(host, &catalog, &selection)?;
    let admission = clock.elapsed();

    let clock = Instant::now();
    events.phase("Checking out")?;
    let Checkout { workspace, record, tree_digest } = certus_checkout::checkout(
        &request.source,
        request.reference.as_ref(),
        &host.workspace,
        &host.scratch,
        &host.git,
        request.cancelled,
    )?;
    let (files, bytes) = (workspace.entries().len() as u64, workspace.entries().iter().map(|e| e.size).sum());
    events.phase(format!("Checked out {files} files"))?;
    (request.progress)(Plan::Sealed { files, bytes });
    let checkout = clock.elapsed();

    let clock = Instant::now();
    for one in &assigned {
        events.emit(Event::ToolStart { tool: one.admitted.passport.manifest.plugin.id.to_string() })?;
    }
    lay_out(&mut assigned, &workspace, &host.scratch)?;
    let Done { runs, times: stages, confinement } = host.worker.run(&Work {
        workspace: &workspace,
        assigned: &assigned,
        jobs: request.jobs,
        progress: &|done| (request.progress)(Plan::Done { files: done.files, bytes: done.bytes }),
        cancelled: request.cancelled,
    })?;
    // Their files are not needed any more.
    drop(assigned);
    for run in &runs {
        events.emit(tool_complete(run))?;
    }
    let engine = clock.elapsed();

    let clock = Instant::now();
    events.phase("Writing the report")?;
    let not_run = not_run(&selection);
    let thresholds = match request.fail_on {
        Some(severity) => selection.thresholds.clone().failing_on(severity),
        None => selection.thresholds.clone(),
    };
    let report = Report::build(Inputs {
        runs: &runs,
        workspace: &workspace,
        source: &record,
        tree_digest,
        thresholds: &thresholds,
        baseline: &request.baseline,
        not_run: &not_run,
        host_version: VERSION,
    })?;
    let policy = report.policy().clone();
    events.emit(Event::ScanComplete { status: "SUCCEEDED", decision: policy.decision.to_string() })?;
    let mut info = selection.info;
    info.policy_thresholds = thresholds.clone();

    let mut bundle = result_files(&report, &runs)?;
    bundle.insert(FileName::ManifestInfo, canonical_json(&info)?)?;
    if let Some(manifest) = request.manifest {
        bundle.insert(FileName::Manifest, manifest)?;
    }
    bundle.insert(FileName::Events, events.into_lines())?;
    let completed_at = now()?;
    let scan_json = canonical_json(&ScanRecord {
        test_id: &request.id,
        status: "SUCCEEDED",
        mode: Mode::Production,
        decision: policy.decision,
        source: &record,
        provenance_id: provenance_id(&record, tree_digest),
        tree_digest,
        profile: &request.profile,
        manifest_digest: info.manifest_digest,
        artifacts: bundle.artifacts(),
        warnings: not_run.iter().map(|n| format!("tool `{}` did not run: {}", n.tool, n.reason)).collect(),
        errors: policy.gaps.clone(),
        started_at: &started_at,
        completed_at: &completed_at,
        host_version: VERSION,
        confinement,
    })?;
    bundle.insert(FileName::Scan, scan_json)?;
    let shown = show(&report)?;
    let facts = ScanFacts {
        scan_id: request.id.clone(),
        mode: Mode::Production,
        source: record.clone(),
        tree_digest,
        plugins: runs.iter().map(plugin_use).collect(),
        started_at,
        finished_at: completed_at,
        host_version: VERSION.to_owned(),
    };
    if request.cancelled.load(std::sync::atomic::Ordering::Relaxed) {
        return Err(Error::Cancelled);
    }
    let written = request.output.write(&bundle, facts, &host.key)?;
    Ok(Outcome {
        id: request.id,
        policy,
        result_digest: written.result_digest(),
        development: host.key.is_development(),
        unused_suppressions: report
            .unused_suppressions()
            .iter()
            .map(|u| format!("number {} ({})", u.number, u.by))
            .collect(),
        shown,
        timings: Timings {
            checkout,
            admission,
            engine,
            stages,
            sandbox: Duration::from_nanos(runs.iter().map(|run| run.cost.sandbox_nanos).sum()),
            report: clock.elapsed(),
        },
    })
}

fn parse_manifest(bytes: &[u8]) -> Result<(ScanManifest, Sha256), Error> {
    let manifest = serde_json::from_slice(bytes)
        .map_err(|error| Error::Manifest(certus_model::escape::one_line(&error.to_string(), 300)))?;
    Ok((manifest, Sha256::of(bytes)))
}

/// Admits the selected plugins: the bytes that the catalog read are the bytes that run.
fn admit(host: &Host, catalog: &Catalog, selection: &Selection) -> Result<Vec<Assigned>, Error> {
    let mut assigned = Vec::with_capacity(selection.plugins.len());
    for selected in &selection.plugins {
        let entry = &catalog.entries()[selected.entry];
        let manifest = &entry.passport.manifest;
        // On the local command whoever installs or names a plugin grants what it declares.
        let granted = manifest.capabilities.declared();
        let admitted = host
            .admission
            .admit(&entry.bytes, &granted)
            .map_err(|error| certus_catalog::Error::admission(&entry.path, error))?;
        let limits = manifest.limits.within(&host.limits);
        assigned.push(Assigned { admitted, settings: selected.settings.clone(), limits, root: None });
    }
    Ok(assigned)
}

/// Lays out the files of the plugins that read through WASI.
fn lay_out(assigned: &mut [Assigned], workspace: &dyn Workspace, scratch: &Scratch) -> Result<(), Error> {
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

fn not_run(selection: &Selection) -> Vec<NotRun> {
    let missing = selection.missing.iter();
    missing
        .map(|missing| NotRun {
            tool: missing.tool.clone(),
            reason: "no plugin here does its work".to_owned(),
            required: !missing.optional,
        })
        .collect()
}

/// The files that are a function of source, plugins, settings and policy, but for the manifest's.
fn result_files(report: &Report<'_>, runs: &[PluginRun]) -> Result<BundleFiles, Error> {
    let mut bundle = BundleFiles::default();
    bundle.insert(FileName::Findings, report.findings_json()?)?;
    bundle.insert(FileName::Coverage, report.coverage_json()?)?;
    bundle.insert(FileName::PolicyResult, report.policy_json()?)?;
    bundle.insert(FileName::Summary, report.summary_json()?)?;
    bundle.insert(FileName::Sarif, report.sarif()?)?;
    bundle.insert(FileName::Html, report.html()?.into_bytes())?;
    let uses = ledger::chain(runs.iter().map(|run| (&run.manifest.plugin.id, &run.uses)))?;
    for (name, bytes) in
        [(FileName::CycloneDx, report.cyclonedx()?), (FileName::Spdx, report.spdx()?), (FileName::Ledger, Some(uses))]
    {
        if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
            bundle.insert(name, bytes)?;
        }
    }
    Ok(bundle)
}

fn plugin_use(run: &PluginRun) -> PluginUse {
    let plugin = &run.manifest.plugin;
    PluginUse { id: plugin.id.clone(), version: plugin.version.clone(), digest: run.digest }
}

fn tool_complete(run: &PluginRun) -> Event {
    let status = match run.status {
        RunStatus::Complete => "complete",
        RunStatus::Incomplete => "incomplete",
        RunStatus::Failed(_) => "failed",
    };
    Event::ToolComplete {
        tool: run.manifest.plugin.id.to_string(),
        exit_code: u8::from(run.status != RunStatus::Complete),
        status: status.to_owned(),
    }
}

fn now() -> Result<UtcTime, Error> {
    let text = OffsetDateTime::now_utc().format(&Rfc3339).map_err(|_| Error::Clock)?;
    text.parse().map_err(|_| Error::Clock)
}

impl Outcome {
    /// The policy's answer in one word.
    pub fn verdict(&self) -> Verdict {
        self.policy.decision
    }
}
