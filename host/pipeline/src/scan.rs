//! The sentence.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use certus_bundle::{BundleFiles, End, FileName, PluginUse, ScanFacts, Scanned};
use certus_checkout::Checkout;
use certus_engine::Times;
use certus_model::coverage::RunStatus;
use certus_model::decision::PolicyResult;
use certus_model::manifest::ManifestInfo;
use certus_model::outcome::Verdict;
use certus_model::source::SourceRecord;
use certus_model::workspace::Workspace;
use certus_model::{PluginRun, ScanId, Sha256, canonical_json, ledger};
use certus_report::{Inputs, Report};
use metrics::counter;

use crate::choose::{Chosen, choose, lay_out, not_run};
use crate::error::Error;
use crate::event::{Event, EventLine, Events, Steps};
use crate::host::Host;
use crate::log::LogLabels;
use crate::manifest::{self, Manifest};
use crate::record::{RunRecord, ScanRecord, VERSION, now, provenance_id};
use crate::request::Request;
use crate::source::check_out;
use crate::worker::{Assigned, Done, Work};

/// The status of a scan that has a report, whatever the decision.
const SUCCEEDED: &str = "SUCCEEDED";

/// What a scan came to.
pub struct Outcome {
    /// The scan's id.
    pub id: ScanId,
    /// What was scanned.
    pub source: SourceRecord,
    /// The digest of its tree.
    pub tree_digest: Sha256,
    /// What was made of profile and manifest.
    pub manifest: ManifestInfo,
    /// The policy's answer.
    pub policy: PolicyResult,
    /// The digest over the `result` group.
    pub result_digest: Sha256,
    /// Whether the development key signed.
    pub development: bool,
    /// The last event, `scan_complete`, which nobody has been told of: it is true only now.
    pub completed: EventLine,
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
    mut request: Request<'_>,
    show: &dyn Fn(&Report<'_>) -> Result<Vec<u8>, certus_report::Error>,
) -> Result<Outcome, Error> {
    let started_at = now()?;
    let mode = request.subject.mode();
    let mut events = Events::new(request.first_event, request.watch);
    let rules = &host.manifest_verification;

    // A manifest that is at hand is settled before anything is fetched.
    let clock = Instant::now();
    let (chosen, in_tree) = match std::mem::take(&mut request.manifest) {
        Manifest::None => (Some(choose(host, &request, None, &mut events)?), None),
        Manifest::Given { bytes, signature } => {
            let checked = manifest::given(bytes, signature.as_deref(), rules)?;
            (Some(choose(host, &request, Some(checked), &mut events)?), None)
        }
        Manifest::InTree(path) => (None, Some(path)),
    };
    let mut admission = clock.elapsed();

    let clock = Instant::now();
    let stage = tracing::info_span!("checkout").entered();
    let Checkout { workspace, record, tree_digest } = check_out(host, &request, &mut events)?;
    let (files, bytes) = (workspace.entries().len() as u64, workspace.entries().iter().map(|e| e.size).sum());
    drop(stage);
    let checkout = clock.elapsed();

    let clock = Instant::now();
    let checked = in_tree.map(|path| manifest::in_tree(&path, &workspace, rules)).transpose()?;
    let Chosen { selection, mut assigned, manifest } = match chosen {
        Some(chosen) => chosen,
        None => choose(host, &request, checked, &mut events)?,
    };
    admission += clock.elapsed();
    if let Some(digest) = selection.info.manifest_digest {
        // From here on every line of the log has it.
        tracing::Span::current().record("manifest_digest", digest.to_string());
    }

    let clock = Instant::now();
    let stage = tracing::info_span!("engine").entered();
    for one in &assigned {
        events.emit(tool_start(one))?;
    }
    certus_store::crash_point("pipeline-materialise");
    lay_out(&mut assigned, &workspace, &host.scratch)?;
    certus_store::crash_point("pipeline-engine");
    let through = Mutex::new((&mut events, Steps::new(files, bytes)));
    let Done { runs, times: stages, confinement } = host.worker.run(&Work {
        workspace: &workspace,
        assigned: &assigned,
        jobs: request.jobs,
        progress: &|done| {
            certus_store::crash_point("pipeline-running");
            let mut through = through.lock().unwrap_or_else(PoisonError::into_inner);
            let (events, steps) = &mut *through;
            if let Some(event) = steps.add(done.files, done.bytes) {
                // Numbers can always be written; if not, the next one says more.
                let _ = events.emit(event);
            }
        },
        cancelled: request.cancelled,
        log_fields: &log_fields(&request, selection.info.manifest_digest),
    })?;
    // Their files are not needed any more.
    drop(assigned);
    for run in &runs {
        if let RunStatus::Failed(reason) = run.status {
            counter!("certus_assurance_plugin_failures_total", "reason" => reason.to_string()).increment(1);
        }
        events.emit(tool_complete(run))?;
    }
    drop(stage);
    let engine = clock.elapsed();

    let clock = Instant::now();
    events.phase("Writing the report")?;
    let stage = tracing::info_span!("report").entered();
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
        on_error: request.on_error,
        mode,
        host_version: VERSION,
    })?;
    let policy = report.policy().clone();
    let mut info = selection.info;
    info.policy_thresholds = thresholds.clone();

    let mut bundle = result_files(&report, &runs)?;
    bundle.insert(FileName::ManifestInfo, canonical_json(&info)?)?;
    if let Some(manifest) = manifest {
        bundle.insert(FileName::Manifest, manifest)?;
    }
    let completed = events.keep(Event::ScanComplete {
        status: SUCCEEDED.to_owned(),
        manifest_digest: info.manifest_digest,
        decision: policy.decision,
    })?;
    bundle.insert(FileName::Events, events.into_lines())?;
    let completed_at = now()?;
    let scan_json = canonical_json(&ScanRecord {
        run: RunRecord {
            test_id: &request.id,
            labels: request.labels.as_ref(),
            status: SUCCEEDED,
            mode,
            decision: policy.decision,
            profile: &request.profile,
            artifacts: bundle.artifacts(),
            warnings: not_run.iter().map(|n| format!("tool `{}` did not run: {}", n.tool, n.reason)).collect(),
            errors: policy.gaps.clone(),
            started_at: &started_at,
            completed_at: &completed_at,
            host_version: VERSION,
        },
        source: &record,
        provenance_id: provenance_id(&record, tree_digest),
        tree_digest,
        manifest_digest: info.manifest_digest,
        confinement,
    })?;
    bundle.insert(FileName::Scan, scan_json)?;
    let shown = show(&report)?;
    let plugins = runs.iter().map(plugin_use).collect();
    let facts = ScanFacts {
        scan_id: request.id.clone(),
        mode,
        end: End::Report(Scanned { source: record.clone(), tree_digest, plugins }),
        started_at,
        finished_at: completed_at,
        host_version: VERSION.to_owned(),
    };
    certus_store::crash_point("pipeline-report");
    if request.cancelled.load(std::sync::atomic::Ordering::Relaxed) {
        return Err(Error::Cancelled);
    }
    drop(stage);
    let _stage = tracing::info_span!("bundle").entered();
    certus_store::crash_point("pipeline-sign");
    let key = request.key.as_deref().unwrap_or(&host.key);
    let staged = request.output.stage(&bundle, facts, key)?;
    let assessment = request.labels.as_ref().map(|labels| &labels.assessment_id);
    let labels = LogLabels { tenant: request.tenant.as_ref(), scan: &request.id, assessment };
    host.log.add(&staged, key, labels, Some(request.cancelled))?;
    certus_store::crash_point("pipeline-written");
    let written = staged.put_in_place()?;
    certus_store::crash_point("pipeline-placed");
    Ok(Outcome {
        id: request.id,
        source: record.clone(),
        tree_digest,
        manifest: info.clone(),
        policy,
        result_digest: written.result_digest(),
        development: key.is_development(),
        completed,
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

/// What each line of a worker's log says of its scan.
fn log_fields(request: &Request<'_>, manifest: Option<Sha256>) -> BTreeMap<&'static str, String> {
    let labels = request.labels.as_ref();
    let workspace = labels.map(|labels| ("workspace_id", labels.workspace_id.to_string()));
    let manifest = manifest.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
    let own = [("scan_id", request.id.to_string()), ("manifest_digest", manifest)];
    own.into_iter().chain(workspace).collect()
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

fn tool_start(one: &Assigned) -> Event {
    let passport = &one.admitted.passport;
    let plugin = &passport.manifest.plugin;
    let version = certus_model::escape::one_line(&plugin.version, 100);
    let command = vec![plugin.id.to_string(), version, format!("sha256:{}", passport.digest)];
    Event::ToolStart { tool: plugin.id.to_string(), command }
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

impl Outcome {
    /// The policy's answer in one word.
    pub fn verdict(&self) -> Verdict {
        self.policy.decision
    }
}
