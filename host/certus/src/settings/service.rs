//! Settings of the service: `certus.toml`, and over it the environment.

use std::fmt::Display;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use certus_outbound::{Allowed, Authorities, Policy};
use certus_signing::PublicKey;
use certus_store::DatabaseUrl;
use serde::Deserialize;

use super::{path, secret, text};

/// File of settings.
pub(crate) const CONFIG: &str = "CERTUS_CONFIG";
/// Whether this is production: authentication is required and weak settings are refused.
pub(crate) const PRODUCTION: &str = "CERTUS_PRODUCTION";
/// Address to listen at.
pub(crate) const LISTEN: &str = "CERTUS_ASSURANCE_LISTEN";
/// Folder of uploads and bundles, and of the database by default.
pub(crate) const ARTIFACT_ROOT: &str = "CERTUS_ASSURANCE_ARTIFACT_ROOT";
/// The folder that clients may name paths in.
pub(crate) const WORKSPACE_ROOT: &str = "CERTUS_ASSURANCE_WORKSPACE_ROOT";
/// Scans at a time.
pub(crate) const MAX_WORKERS: &str = "CERTUS_ASSURANCE_MAX_WORKERS";
/// Whether the sample is scanned in place of what is asked for.
pub(crate) const USE_SAMPLE_MODE: &str = "CERTUS_ASSURANCE_USE_SAMPLE_MODE";
/// Public key that manifests are signed with.
pub(crate) const MANIFEST_KEY: &str = "CERTUS_ASSURANCE_MANIFEST_VERIFICATION_KEY_REF";
/// Whether unsigned manifests are refused.
pub(crate) const MANIFEST_REQUIRED: &str = "CERTUS_ASSURANCE_MANIFEST_VERIFICATION_REQUIRED";
/// The database, as the service connects.
pub(crate) const DATABASE: &str = "DATABASE_URL";
/// The database, as whoever migrates connects.
pub(crate) const DATABASE_OWNER: &str = "DATABASE_OWNER_URL";
/// Connections to the database.
pub(crate) const CONNECTIONS: &str = "CERTUS_DATABASE_CONNECTIONS";
/// Hosts and networks that are reached although they are not public.
pub(crate) const ALLOWED_HOSTS: &str = "CERTUS_ALLOWED_HOSTS";
/// Certificates of the authorities of those hosts.
pub(crate) const CA_FILE: &str = "CERTUS_CA_FILE";
/// Whether nothing but those hosts is reached.
pub(crate) const OFFLINE: &str = "CERTUS_OFFLINE";
/// Web pages that may open streams.
pub(crate) const ALLOWED_ORIGINS: &str = "CERTUS_ALLOWED_ORIGINS";
/// Whether submits need an `Idempotency-Key`.
pub(crate) const REQUIRE_KEY: &str = "CERTUS_REQUIRE_IDEMPOTENCY_KEY";
/// How long a worker that says nothing is believed to live.
pub(crate) const LEASE: &str = "CERTUS_LEASE_SECONDS";
/// After how many lost workers a job is given up.
pub(crate) const ATTEMPTS: &str = "CERTUS_JOB_ATTEMPTS";
/// How long running scans may go on after SIGTERM.
pub(crate) const DRAIN: &str = "CERTUS_DRAIN_SECONDS";
/// The form of the log.
pub(crate) const LOG_FORMAT: &str = "CERTUS_LOG_FORMAT";

/// What `certus.toml` may hold; every key is optional, an unknown one is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    production: Option<bool>,
    listen: Option<String>,
    artifact_root: Option<PathBuf>,
    workspace_root: Option<PathBuf>,
    max_workers: Option<u32>,
    use_sample_mode: Option<bool>,
    manifest_verification_key_ref: Option<PathBuf>,
    manifest_verification_required: Option<bool>,
    database_url: Option<String>,
    database_owner_url: Option<String>,
    database_connections: Option<u32>,
    allowed_hosts: Option<Vec<String>>,
    ca_file: Option<PathBuf>,
    offline: Option<bool>,
    allowed_origins: Option<Vec<String>>,
    require_idempotency_key: Option<bool>,
    lease_seconds: Option<u32>,
    job_attempts: Option<u32>,
    drain_seconds: Option<u32>,
    log_format: Option<String>,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// What the service runs with.
pub(crate) struct Service {
    pub(crate) production: bool,
    pub(crate) listen: SocketAddr,
    pub(crate) artifact_root: PathBuf,
    pub(crate) workspace_root: Option<PathBuf>,
    pub(crate) max_workers: NonZeroUsize,
    pub(crate) sample: bool,
    pub(crate) manifest_key: Option<PublicKey>,
    pub(crate) manifest_required: bool,
    pub(crate) database: DatabaseUrl,
    /// As whoever migrates connects; the service itself where nothing else is said.
    pub(crate) database_owner: Option<DatabaseUrl>,
    pub(crate) connections: u32,
    pub(crate) outbound: Policy,
    pub(crate) origins: Vec<String>,
    pub(crate) require_key: bool,
    pub(crate) lease: Duration,
    pub(crate) attempts: i64,
    pub(crate) drain: Duration,
    pub(crate) log: LogFormat,
}

/// The longest of the times that are set in seconds: a day.
const MAX_SECONDS: u32 = 24 * 60 * 60;

impl Service {
    /// Reads `certus.toml` and the environment; nothing is created.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let file = file()?;
        let artifact_root =
            path(ARTIFACT_ROOT).or(file.artifact_root).unwrap_or_else(|| PathBuf::from("certus-assurance-artifacts"));
        let database = match secret(DATABASE)?.or(file.database_url) {
            Some(url) => url.parse().with_context(|| format!("{DATABASE} cannot be used"))?,
            None => DatabaseUrl::sqlite(&std::path::absolute(&artifact_root)?.join("certus.db"))?,
        };
        let owner = secret(DATABASE_OWNER)?.or(file.database_owner_url);
        let database_owner =
            owner.map(|url| url.parse().with_context(|| format!("{DATABASE_OWNER} cannot be used"))).transpose()?;
        let manifest_key = path(MANIFEST_KEY).or(file.manifest_verification_key_ref);
        let manifest_required = flag(MANIFEST_REQUIRED, file.manifest_verification_required, false)?;
        ensure!(
            !manifest_required || manifest_key.is_some(),
            "{MANIFEST_REQUIRED} is set without {MANIFEST_KEY}; name the public key that manifests are signed with"
        );
        let log = match pick(LOG_FORMAT, file.log_format, "text".to_owned())?.as_str() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => bail!("{LOG_FORMAT} is `{}`; it is `text` or `json`", certus_model::escape::one_line(other, 60)),
        };
        Ok(Self {
            production: flag(PRODUCTION, file.production, false)?,
            listen: parsed(LISTEN, file.listen, "127.0.0.1:8056")?,
            workspace_root: path(WORKSPACE_ROOT).or(file.workspace_root),
            artifact_root,
            max_workers: within(MAX_WORKERS, file.max_workers, 2, 1, 256)
                .map(|n| NonZeroUsize::new(n as usize).unwrap_or(NonZeroUsize::MIN))?,
            sample: flag(USE_SAMPLE_MODE, file.use_sample_mode, false)?,
            manifest_key: manifest_key
                .map(|path| PublicKey::from_file(&path).with_context(|| format!("{MANIFEST_KEY} cannot be used")))
                .transpose()?,
            manifest_required,
            database,
            database_owner,
            connections: within(CONNECTIONS, file.database_connections, 16, 2, 1000)?,
            outbound: outbound(file.allowed_hosts, file.ca_file, file.offline)?,
            origins: list(ALLOWED_ORIGINS, file.allowed_origins)?,
            require_key: flag(REQUIRE_KEY, file.require_idempotency_key, false)?,
            lease: seconds(LEASE, file.lease_seconds, 30)?,
            attempts: within(ATTEMPTS, file.job_attempts, 3, 1, 100)?.into(),
            drain: seconds(DRAIN, file.drain_seconds, 30)?,
            log,
        })
    }
}

/// The file that [`CONFIG`] names, else `certus.toml` in the working directory if there is one.
fn file() -> anyhow::Result<File> {
    let (path, named) = match path(CONFIG) {
        Some(path) => (path, true),
        None => (PathBuf::from("certus.toml"), false),
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if !named && error.kind() == std::io::ErrorKind::NotFound => return Ok(File::default()),
        Err(error) => return Err(error).with_context(|| format!("settings `{}` cannot be read", path.display())),
    };
    toml::from_str(&text).map_err(|error| {
        // What stands there may be a secret: only the place and the kind of mistake are said.
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        anyhow::anyhow!("settings `{}`, line {line}: {}", path.display(), first_line(error.message()))
    })
}

fn first_line(text: &str) -> String {
    certus_model::escape::one_line(text.lines().next().unwrap_or_default(), 300)
}

fn outbound(hosts: Option<Vec<String>>, ca: Option<PathBuf>, offline: Option<bool>) -> anyhow::Result<Policy> {
    let allow = list(ALLOWED_HOSTS, hosts)?.iter().map(|host| host.parse::<Allowed>()).collect::<Result<_, _>>();
    Ok(Policy {
        allow: allow.with_context(|| format!("{ALLOWED_HOSTS} cannot be used"))?,
        offline: flag(OFFLINE, offline, false)?,
        proxy: None,
        authorities: path(CA_FILE).or(ca).map(|path| authorities(&path)).transpose()?,
    })
}

fn authorities(path: &Path) -> anyhow::Result<Authorities> {
    let pem = std::fs::read(path).with_context(|| format!("{CA_FILE} `{}` cannot be read", path.display()))?;
    Authorities::from_pem(&pem).with_context(|| format!("{CA_FILE} `{}` cannot be used", path.display()))
}

/// The variable, else what the file says, else the default.
fn pick<T: FromStr<Err: Display>>(name: &str, file: Option<T>, default: T) -> anyhow::Result<T> {
    match text(name)? {
        None => Ok(file.unwrap_or(default)),
        Some(text) => text.parse().map_err(|error| {
            anyhow::anyhow!("{name} is `{}`, which cannot be used ({error})", certus_model::escape::one_line(&text, 60))
        }),
    }
}

fn parsed<T: FromStr<Err: Display>>(name: &str, file: Option<String>, default: &str) -> anyhow::Result<T> {
    let text = pick(name, file, default.to_owned())?;
    text.parse().map_err(|error| {
        anyhow::anyhow!("{name} is `{}`, which cannot be used ({error})", certus_model::escape::one_line(&text, 60))
    })
}

fn flag(name: &str, file: Option<bool>, default: bool) -> anyhow::Result<bool> {
    match text(name)?.as_deref() {
        None => Ok(file.unwrap_or(default)),
        Some("1" | "true" | "yes" | "on") => Ok(true),
        Some("0" | "false" | "no" | "off") => Ok(false),
        Some(other) => bail!("{name} is `{}`; it is `true` or `false`", certus_model::escape::one_line(other, 60)),
    }
}

fn within(name: &str, file: Option<u32>, default: u32, least: u32, most: u32) -> anyhow::Result<u32> {
    let number = pick(name, file, default)?;
    ensure!((least..=most).contains(&number), "{name} is {number}; it is from {least} to {most}");
    Ok(number)
}

fn seconds(name: &str, file: Option<u32>, default: u32) -> anyhow::Result<Duration> {
    Ok(Duration::from_secs(within(name, file, default, 1, MAX_SECONDS)?.into()))
}

/// Words with commas between them.
fn list(name: &str, file: Option<Vec<String>>) -> anyhow::Result<Vec<String>> {
    Ok(match text(name)? {
        None => file.unwrap_or_default(),
        Some(text) => text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect(),
    })
}
