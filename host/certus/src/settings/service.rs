//! Settings of the service.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use certus_outbound::{Allowed, Authorities, Policy, WebhookSecret};
use certus_pipeline::OperatorWebhook;
use certus_signing::KeyRef;
use certus_store::{DatabaseUrl, MasterKey, Retention, S3Config, S3Login};

use super::reader::Reader;
use super::table::{self, Setting};
use super::trust::Trusting;

/// The ports of addresses that name none.
const POSTGRES: u16 = 5432;
pub(crate) const HTTPS: u16 = 443;

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// Where uploads and bundles are kept.
#[derive(Clone, Debug)]
pub(crate) enum Blobs {
    /// In the artifact root.
    Folder,
    /// In a bucket.
    S3(S3Config),
}

/// How the API proves who it is.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// Certificate chain.
    pub(crate) cert: PathBuf,
    /// Private key.
    pub(crate) key: PathBuf,
    /// Authorities of clients' certificates; then one is required.
    pub(crate) client_ca: Option<PathBuf>,
}

/// What the service runs with.
pub(crate) struct Service {
    pub(crate) production: bool,
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<Tls>,
    /// Where a worker answers probes.
    pub(crate) probes: Option<SocketAddr>,
    pub(crate) artifact_root: PathBuf,
    pub(crate) workspace_root: Option<PathBuf>,
    pub(crate) max_workers: NonZeroUsize,
    pub(crate) sample: bool,
    pub(crate) manifest_key: Option<KeyRef>,
    pub(crate) manifest_required: bool,
    pub(crate) manifest_buckets: Vec<String>,
    /// Where those buckets are.
    pub(crate) manifest_store: Option<S3Config>,
    pub(crate) database: DatabaseUrl,
    /// As whoever migrates connects; the service itself where nothing else is said.
    pub(crate) database_owner: Option<DatabaseUrl>,
    pub(crate) connections: u32,
    pub(crate) blobs: Blobs,
    pub(crate) master_key: Option<MasterKey>,
    pub(crate) retention: Retention,
    pub(crate) outbound: Policy,
    /// Where every ended scan is told of.
    pub(crate) webhook: Option<OperatorWebhook>,
    pub(crate) origins: Vec<String>,
    pub(crate) require_key: bool,
    pub(crate) lease: Duration,
    pub(crate) attempts: i64,
    pub(crate) drain: Duration,
    pub(crate) log: LogFormat,
    /// The collector of traces.
    pub(crate) otlp: Option<String>,
    /// The share of submits that are traced, 0 to 1.
    pub(crate) trace_share: f64,
    /// What decides, and where what it permits goes.
    pub(crate) trust: Trusting,
}

impl Service {
    /// Reads them; nothing is created.
    pub(crate) fn read(reader: &Reader) -> anyhow::Result<Self> {
        for name in Reader::strangers()? {
            crate::command::note(&format!("note: {name} has no effect in this version"));
        }
        let artifact_root = reader.path(&table::ARTIFACT_ROOT)?.context("there is no artifact root")?;
        let database = match reader.parsed(&table::DATABASE)? {
            Some(url) => url,
            None => DatabaseUrl::sqlite(&std::path::absolute(&artifact_root)?.join("certus.db"))?,
        };
        let manifest_key = reader.parsed(&table::MANIFEST_KEY)?;
        let manifest_required = reader.flag(&table::MANIFEST_REQUIRED)?;
        ensure!(
            !manifest_required || manifest_key.is_some(),
            "{} is set without {}; name the public key that manifests are signed with",
            table::MANIFEST_REQUIRED.name,
            table::MANIFEST_KEY.name
        );
        let outbound = outbound(reader)?;
        let manifest_buckets = reader.list(&table::MANIFEST_BUCKETS)?;
        refuse_outside(reader, &outbound)?;
        let slots = usize::try_from(reader.count(&table::MAX_WORKERS)?)?;
        Ok(Self {
            production: reader.flag(&table::PRODUCTION)?,
            listen: reader.parsed(&table::LISTEN)?.context("there is no address to listen at")?,
            tls: tls(reader)?,
            probes: reader.parsed(&table::PROBES)?,
            workspace_root: reader.path(&table::WORKSPACE_ROOT)?,
            artifact_root,
            max_workers: NonZeroUsize::new(slots).unwrap_or(NonZeroUsize::MIN),
            sample: reader.flag(&table::USE_SAMPLE_MODE)?,
            manifest_key,
            manifest_required,
            manifest_store: if manifest_buckets.is_empty() {
                None
            } else {
                Some(s3(reader, &outbound, &table::MANIFEST_BUCKETS)?)
            },
            manifest_buckets,
            database,
            database_owner: reader.parsed(&table::DATABASE_OWNER)?,
            connections: u32::try_from(reader.count(&table::CONNECTIONS)?)?,
            blobs: blobs(reader, &outbound)?,
            master_key: reader.parsed(&table::MASTER_KEY)?,
            retention: retention(reader)?,
            trust: Trusting::read(reader, &outbound)?,
            outbound,
            webhook: webhook(reader)?,
            origins: reader.list(&table::ALLOWED_ORIGINS)?,
            require_key: reader.flag(&table::REQUIRE_KEY)?,
            lease: reader.seconds(&table::LEASE)?,
            attempts: i64::try_from(reader.count(&table::ATTEMPTS)?)?,
            drain: reader.seconds(&table::DRAIN)?,
            log: match reader.choice(&table::LOG_FORMAT)?.as_str() {
                "json" => LogFormat::Json,
                _ => LogFormat::Text,
            },
            otlp: reader.text(&table::OTLP_ENDPOINT)?,
            trace_share: reader.count(&table::TRACE_PERCENT)? as f64 / 100.0,
        })
    }
}

/// Refuses whatever would call out where nothing may.
fn refuse_outside(reader: &Reader, policy: &Policy) -> anyhow::Result<()> {
    if !policy.offline {
        return Ok(());
    }
    let is_s3 = reader.text(&table::BLOBS)?.is_some_and(|blobs| blobs != "folder")
        || !reader.list(&table::MANIFEST_BUCKETS)?.is_empty()
        || reader.flag(&table::ENABLE_S3_UPLOAD)?;
    if is_s3 && reader.text(&table::S3_ENDPOINT_URL)?.is_none() {
        bail!(
            "{} is set, and without {} blobs would go to AWS; set it to the address of a store inside",
            table::OFFLINE.name,
            table::S3_ENDPOINT_URL.name
        );
    }
    if reader.flag(&table::ENABLE_REGISTRY_PUSH)?
        && reader.choice(&table::REGISTRY_PUSH_STRATEGY)? == "docker"
        && let Some(registry) = reader.text(&table::REGISTRY)?
        && !policy.holds_address(&format!("https://{registry}"), HTTPS)
    {
        bail!(
            "{} is set, and {} `{registry}` is outside; name its host and port in {}, or write to a mirror with {}=mirror",
            table::OFFLINE.name,
            table::REGISTRY.name,
            table::ALLOWED_HOSTS.name,
            table::REGISTRY_PUSH_STRATEGY.name
        );
    }
    for (setting, port) in [
        (&table::DATABASE, POSTGRES),
        (&table::DATABASE_OWNER, POSTGRES),
        (&table::S3_ENDPOINT_URL, HTTPS),
        (&table::TRUST_BASE_URL, HTTPS),
        (&table::KMS_ENDPOINT, HTTPS),
        (&table::WEBHOOK_URL, HTTPS),
        (&table::OTLP_ENDPOINT, HTTPS),
        (&table::PROXY, HTTPS),
    ] {
        let Some(address) = reader.text(setting)? else { continue };
        if !address.starts_with("sqlite:") && !policy.holds_address(&address, port) {
            bail!(
                "{} is set, and {} `{}` is outside; name its host and port in {}, or unset it",
                table::OFFLINE.name,
                setting.name,
                certus_outbound::without_secrets(&address),
                table::ALLOWED_HOSTS.name
            );
        }
    }
    Ok(())
}

fn unusable(setting: &Setting) -> String {
    format!("{} cannot be used", setting.name)
}

fn tls(reader: &Reader) -> anyhow::Result<Option<Tls>> {
    let client_ca = reader.path(&table::TLS_CLIENT_CA_FILE)?;
    match (reader.path(&table::TLS_CERT_FILE)?, reader.path(&table::TLS_KEY_FILE)?) {
        (Some(cert), Some(key)) => Ok(Some(Tls { cert, key, client_ca })),
        (None, None) if client_ca.is_none() => Ok(None),
        _ => bail!(
            "of {}, {} and {} one is missing; the first two go together, the third with them",
            table::TLS_CERT_FILE.name,
            table::TLS_KEY_FILE.name,
            table::TLS_CLIENT_CA_FILE.name
        ),
    }
}

fn blobs(reader: &Reader, policy: &Policy) -> anyhow::Result<Blobs> {
    let text = reader.text(&table::BLOBS)?.unwrap_or_default();
    if text == "folder" {
        return Ok(Blobs::Folder);
    }
    let rest = text.strip_prefix("s3://").filter(|rest| !rest.is_empty() && !rest.contains(['?', '#', '@']));
    let Some(rest) = rest else {
        let shown = certus_model::escape::one_line(&text, 100);
        bail!("{} is `{shown}`; it is `folder`, or `s3://BUCKET/PREFIX`", table::BLOBS.name);
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_matches('/');
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    Ok(Blobs::S3(S3Config { bucket: bucket.to_owned(), prefix, ..s3(reader, policy, &table::BLOBS)? }))
}

/// Who asks which S3 store.
pub(super) fn s3(reader: &Reader, policy: &Policy, asked_by: &Setting) -> anyhow::Result<S3Config> {
    let login = (reader.text(&table::S3_ACCESS_KEY_ID)?, reader.text(&table::S3_SECRET_ACCESS_KEY)?);
    let (Some(access_key_id), Some(secret_access_key)) = login else {
        bail!(
            "{} names a bucket, and {} and {} are not both set; set them, or the files of them",
            asked_by.name,
            table::S3_ACCESS_KEY_ID.name,
            table::S3_SECRET_ACCESS_KEY.name
        );
    };
    let endpoint = reader.text(&table::S3_ENDPOINT_URL)?;
    Ok(S3Config {
        region: reader.text(&table::S3_REGION)?.unwrap_or_default(),
        bucket: String::new(),
        prefix: String::new(),
        login: S3Login { access_key_id, secret_access_key },
        // The operator's authorities vouch for what is inside, and for nothing outside.
        authorities: policy.authorities.as_ref().filter(|_| endpoint.is_some()).map(|ca| ca.pem().to_vec()),
        endpoint,
    })
}

fn webhook(reader: &Reader) -> anyhow::Result<Option<OperatorWebhook>> {
    let (url, secrets) = (reader.parsed(&table::WEBHOOK_URL)?, reader.text(&table::WEBHOOK_SECRET)?);
    let secrets = secrets.iter().flat_map(|text| text.split_ascii_whitespace()).map(str::parse::<WebhookSecret>);
    let secrets = secrets.collect::<Result<Vec<_>, _>>().with_context(|| unusable(&table::WEBHOOK_SECRET))?;
    match url {
        None => Ok(None),
        Some(_) if secrets.is_empty() => bail!(
            "{} is set without {}; messages that nobody can verify are not sent",
            table::WEBHOOK_URL.name,
            table::WEBHOOK_SECRET.name
        ),
        Some(url) => Ok(Some(OperatorWebhook { url, secrets })),
    }
}

fn retention(reader: &Reader) -> anyhow::Result<Retention> {
    let days = |number: Option<u64>| number.map(|days| Duration::from_secs(days * 24 * 60 * 60));
    Ok(Retention {
        bundles: days(reader.number(&table::RETENTION_DAYS)?),
        bytes: reader.number(&table::RETENTION_BYTES)?,
        uploads: days(reader.number(&table::UPLOAD_DAYS)?),
    })
}

/// What may be reached.
pub(crate) fn outbound(reader: &Reader) -> anyhow::Result<Policy> {
    let allow =
        reader.list(&table::ALLOWED_HOSTS)?.iter().map(|host| host.parse::<Allowed>()).collect::<Result<_, _>>();
    Ok(Policy {
        allow: allow.with_context(|| unusable(&table::ALLOWED_HOSTS))?,
        offline: reader.flag(&table::OFFLINE)?,
        proxy: reader.parsed(&table::PROXY)?,
        authorities: reader.path(&table::CA_FILE)?.map(|path| authorities(&path)).transpose()?,
    })
}

fn authorities(path: &Path) -> anyhow::Result<Authorities> {
    let name = table::CA_FILE.name;
    let pem = std::fs::read(path).with_context(|| {
        format!("{name} `{}` cannot be read; name a file of certificates, or unset it", path.display())
    })?;
    Authorities::from_pem(&pem).with_context(|| format!("{name} `{}` cannot be used", path.display()))
}
