//! `certus scan`.

use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use certus_bundle::{Existing, Output};
use certus_checkout::{Git, Scratch, Source, SourcePolicy};
use certus_model::limits::{AdmissionLimits, Limits, WorkspaceLimits};
use certus_model::{OnError, ScanId};
use certus_pipeline::{Host, Manifest, ManifestVerification, Outcome, Request, Subject, Transparency, Worker};
use certus_report::{Baseline, Colour, Report};
use certus_sandbox::{Admission, AdmissionConfig};
use certus_signing::SigningKey;

use crate::arguments::{Arguments, Format, Scan};
use crate::command::keys::{open_key, warn_of_rotation};
use crate::command::transparency::machine_key;
use crate::command::{note, print};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::settings::{Settings, variable};

/// Folder of bundles when none is named.
pub(crate) const OUT: &str = "certus-out";
/// Largest manifest or baseline file, in bytes.
const MAX_FILE: u64 = 4 << 20;

pub(crate) fn run(settings: &Settings, arguments: &Arguments, scan: &Scan) -> anyhow::Result<Exit> {
    // Before anything is made, so that an interrupt finds somebody who cleans up.
    let cancelled = Arc::new(AtomicBool::new(false));
    let flag = cancelled.clone();
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed)).context("signals cannot be handled")?;
    let source = source(settings, &scan.source)?;
    let reference = scan.choice.reference.as_deref().map(str::parse).transpose()?;
    let id = new_id();
    let out =
        scan.answer.out.clone().unwrap_or_else(|| Path::new(OUT).join(format!("{}-{id}", folder_name(&scan.source))));
    if scan.answer.out.is_none() {
        make_out().with_context(|| format!("folder `{OUT}` cannot be made; name another place with --out"))?;
    }
    if scans_its_own_output(&source, &out) {
        let place = out.parent().unwrap_or(&out).display();
        note(&format!(
            "`{place}` lies in what is scanned, and what is in it is scanned too; name a place elsewhere with --out"
        ));
    }
    let existing = if scan.answer.force { Existing::Replace } else { Existing::Keep };
    let output = Output::open(&out, existing)?;
    let baseline = baseline(scan.baseline.as_deref())?;
    let manifest = scan.choice.manifest.as_deref().map(|path| text(path, "manifest")).transpose()?;
    let key = open_key(settings, scan.key.as_deref())?;
    warn_of_rotation(&key);
    let log = Transparency::in_folder(machine_key(settings)?, &settings.log)?;
    let host = host(settings, arguments.verbose, key, log)?;

    let progress = Progress::new(arguments.quiet);
    let scanned = certus_pipeline::scan(
        &host,
        Request {
            id,
            tenant: None,
            labels: None,
            key: None,
            subject: Subject::Source { source, reference },
            profile: scan.choice.profile.clone(),
            manifest: manifest.map_or(Manifest::None, |text| Manifest::Given { bytes: text.into(), signature: None }),
            plugins: scan.plugins.clone(),
            baseline,
            fail_on: scan.fail_on,
            on_error: OnError::Closed,
            jobs: scan.jobs.unwrap_or_else(|| std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)),
            output,
            first_event: 0,
            watch: &|line| progress.event(&line.event),
            cancelled: &cancelled,
        },
        &|report| show(report, scan.answer.format),
    );
    progress.finish();
    let outcome = scanned?;
    if scan.answer.out.is_none() {
        link_latest(&out);
    }
    print(&String::from_utf8_lossy(&outcome.shown))?;
    if !arguments.quiet {
        summarise(&outcome, &out, arguments.verbose > 0);
    }
    Ok(outcome.verdict().into())
}

/// Makes the folder of bundles. Git does not see it: a report of what is wrong with a repository belongs in none.
fn make_out() -> std::io::Result<()> {
    if Path::new(OUT).is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(OUT)?;
    std::fs::write(Path::new(OUT).join(".gitignore"), "*\n")
}

/// Whether the folder that the bundle comes into lies in what is scanned, and has something in it.
fn scans_its_own_output(source: &Source, out: &Path) -> bool {
    let whole = |path: &Path| path.canonicalize().ok();
    let (Some(scanned), Some(folder)) = (source.directory_path().and_then(whole), out.parent().and_then(whole)) else {
        return false;
    };
    let is_empty = || std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_none());
    folder != scanned && folder.starts_with(&scanned) && !is_empty()
}

/// The known findings in a file; none where none is named.
pub(crate) fn baseline(path: Option<&Path>) -> anyhow::Result<Baseline> {
    match path {
        Some(path) => text(path, "baseline")?.parse().with_context(|| format!("baseline `{}`", path.display())),
        None => Ok(Baseline::default()),
    }
}

pub(crate) fn source(settings: &Settings, text: &str) -> anyhow::Result<Source> {
    let source = Source::parse(text, SourcePolicy::Any)?;
    Ok(match &settings.git_token {
        Some((host, token)) => source.with_credential_for(host, token.clone()),
        None => source,
    })
}

pub(crate) fn new_id() -> ScanId {
    ScanId::from_random(uuid::Uuid::now_v7().as_u128())
}

/// Makes the host with which a scan runs.
pub(crate) fn host(settings: &Settings, verbose: u8, key: SigningKey, log: Transparency) -> anyhow::Result<Host> {
    let scratch = Scratch::open(&settings.scratch)?;
    scratch.sweep()?;
    Ok(Host {
        admission: settings.admission()?,
        worker: Worker { program: settings.program.clone(), verbose, json: false },
        plugins: settings.plugins.clone(),
        key,
        log,
        manifest_verification: ManifestVerification::default(),
        scratch,
        git: Git::new("git", &settings.search_path),
        limits: Limits::default(),
        workspace: WorkspaceLimits::default(),
    })
}

impl Settings {
    /// Who says what plugins are.
    pub(crate) fn admission(&self) -> anyhow::Result<Admission> {
        Ok(Admission::new(AdmissionConfig {
            program: self.program.clone(),
            cache: Some(self.cache.clone()),
            limits: AdmissionLimits::default(),
            stack: Limits::default().stack,
        })?)
    }
}

pub(crate) fn text(path: &Path, what: &str) -> anyhow::Result<String> {
    let size = std::fs::metadata(path).with_context(|| format!("{what} `{}` cannot be read", path.display()))?.len();
    anyhow::ensure!(size <= MAX_FILE, "{what} `{}` has {size} bytes, the limit is {MAX_FILE}", path.display());
    std::fs::read_to_string(path).with_context(|| format!("{what} `{}` cannot be read", path.display()))
}

fn show(report: &Report<'_>, format: Format) -> Result<Vec<u8>, certus_report::Error> {
    match format {
        Format::Table => {
            let (colour, width) = terminal();
            report.table(colour, width).map(String::into_bytes)
        }
        Format::Json => report.findings_json().map(with_newline),
        Format::Sarif => report.sarif().map(with_newline),
        Format::Html => report.html().map(String::into_bytes),
    }
}

/// Whether colours may be used on stdout, and how wide it is.
pub(crate) fn terminal() -> (Colour, u16) {
    let terminal = std::io::stdout().is_terminal();
    let colour = if terminal && variable("NO_COLOR").is_none() { Colour::Ansi } else { Colour::Plain };
    (colour, if terminal { terminal_width() } else { 120 })
}

pub(crate) fn with_newline(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.push(b'\n');
    bytes
}

fn terminal_width() -> u16 {
    variable("COLUMNS").and_then(|c| c.to_str()?.parse().ok()).unwrap_or(120)
}

fn summarise(outcome: &Outcome, out: &Path, verbose: bool) {
    for unused in &outcome.unused_suppressions {
        note(&format!("warning: suppression {unused} matches nothing; remove it"));
    }
    if outcome.development {
        note(
            "signed with the development key of this machine; `certus keys generate NAME` and --key NAME make it yours",
        );
    }
    note(&format!("decision {}  bundle {}", outcome.verdict(), out.display()));
    note(&format!("result   sha256:{}", outcome.result_digest));
    if verbose {
        let t = &outcome.timings;
        let ms = |nanos: u64| nanos / 1_000_000;
        note(&format!(
            "time     checkout {} ms, admission {} ms, engine {} ms (all workers: read {} ms, prefilter {} ms, sandbox {} ms), report {} ms",
            t.checkout.as_millis(),
            t.admission.as_millis(),
            t.engine.as_millis(),
            ms(t.stages.read_nanos),
            ms(t.stages.prefilter_nanos),
            t.sandbox.as_millis(),
            t.report.as_millis()
        ));
    }
}

/// A name for the bundle's folder: the last word of the source, if it is plain.
pub(crate) fn folder_name(source: &str) -> String {
    let source = ["dir:", "git:", "archive:"].iter().fold(source, |rest, kind| rest.strip_prefix(kind).unwrap_or(rest));
    let absolute = std::path::absolute(source).unwrap_or_else(|_| PathBuf::from(source));
    let word = absolute.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let word: String =
        word.trim_end_matches(".git").chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    if word.trim_matches('.').is_empty() { "scan".to_owned() } else { word.trim_start_matches('.').to_owned() }
}

/// Points `latest` at the new bundle. A convenience: where links cannot be made there is none.
pub(crate) fn link_latest(out: &Path) {
    let (Some(folder), Some(name)) = (out.parent(), out.file_name()) else { return };
    let temporary = folder.join(format!(".latest.{}", std::process::id()));
    let made =
        std::os::unix::fs::symlink(name, &temporary).and_then(|()| std::fs::rename(&temporary, folder.join("latest")));
    if let Err(error) = made {
        tracing::warn!(%error, "the link `latest` could not be made");
        // Gone already, most likely.
        let _ = std::fs::remove_file(&temporary);
    }
}
