//! Every setting, declared once: what reads them, what shows them and the tables of the documentation
//! come from here.

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its variable.
    pub(crate) name: &'static str,
    /// The name by which the services that this one replaces read it.
    pub(crate) alias: Option<&'static str>,
    /// What its text means.
    pub(crate) kind: Kind,
    /// What holds where nothing is set.
    pub(crate) default: Unset,
    /// One clause for people.
    pub(crate) help: &'static str,
}

/// What holds where nothing is set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unset {
    /// This text, as if it were set.
    Text(&'static str),
    /// What these words say.
    Words(&'static str),
}

/// What a setting's text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number in this range.
    Number(u64, u64),
    /// Seconds, at most a day.
    Seconds,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A file or folder.
    Path,
    /// Text.
    Text,
    /// Texts with commas between them; a list in `certus.toml`.
    List,
    /// An address that may hold a login: shown without it.
    Address,
    /// Never shown, and never in `certus.toml`.
    Secret,
}

impl Setting {
    /// Its key in `certus.toml`; none where it cannot stand there.
    pub(crate) fn key(&self) -> Option<String> {
        let bare = self.name.strip_prefix("CERTUS_ASSURANCE_").or_else(|| self.name.strip_prefix("CERTUS_"));
        let key = bare.unwrap_or(self.name).to_ascii_lowercase().replace('_', "-");
        (self.name != CONFIG.name && self.kind != Kind::Secret).then_some(key)
    }

    /// Whether it may be read from the file that `NAME_FILE` names.
    pub(crate) fn has_file(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::Address)
    }
}

macro_rules! settings {
    ($($name:ident = $variable:literal $(or $alias:literal)?, $kind:expr, $default:ident $value:literal, $help:literal;)*) => {
        $(
            #[doc = concat!($help, ".")]
            pub(crate) const $name: Setting = Setting {
                name: $variable,
                alias: settings!(@alias $($alias)?),
                kind: $kind,
                default: Unset::$default($value),
                help: $help,
            };
        )*
        /// Every setting, in the order of the documentation.
        pub(crate) const ALL: &[Setting] = &[$($name),*];
    };
    (@alias) => { None };
    (@alias $alias:literal) => { Some($alias) };
}

use Kind::{Address, Choice, Flag, List, Number, Path, Seconds, Secret, Text};

settings! {
    PLUGIN_DIR = "CERTUS_PLUGIN_DIR", Path,
        Words "`plugins` beside the program, else `~/.local/share/certus/plugins`", "folder of installed plugins";
    CACHE_DIR = "CERTUS_CACHE_DIR", Path,
        Words "`~/.cache/certus/compiled`", "folder of compiled plugins; its owner's alone";
    KEY_DIR = "CERTUS_KEY_DIR", Path, Words "`~/.config/certus/keys`", "folder of keys";
    KEY = "CERTUS_KEY", Text, Words "the development key", "key to sign with: a name, a file, `pkcs11:…` or `awskms://…`";
    LOG_DIR = "CERTUS_LOG_DIR", Path,
        Words "`~/.local/share/certus/log`", "folder of this machine's transparency log; a service keeps its own beside its blobs";
    COSIGN_PASSWORD = "COSIGN_PASSWORD" or "CERTUS_ASSURANCE_COSIGN_PASSWORD", Secret,
        Words "empty", "password of the signing key, by cosign's own name";
    PKCS11_MODULE = "CERTUS_PKCS11_MODULE", Path,
        Words "none", "library of the token that `pkcs11:` keys lie in, where the key does not name it";
    PKCS11_PIN = "CERTUS_PKCS11_PIN", Secret, Words "none", "the token's PIN";
    AWS_ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID", Secret, Words "none", "login of the service that `awskms:` keys lie in";
    AWS_SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY", Secret, Words "none", "and the secret of that";
    AWS_REGION = "AWS_REGION", Text, Words "none", "its region";
    KMS_ENDPOINT = "CERTUS_KMS_ENDPOINT_URL", Text, Words "AWS", "address of that service";
    SCRATCH_DIR = "CERTUS_SCRATCH_DIR", Path,
        Words "`certus-USER` in the temporary folder", "folder for temporary files";
    GIT_TOKEN = "CERTUS_GIT_TOKEN", Secret,
        Words "none", "token for https repositories; never in an argument, a log or a bundle; a login in the address wins";
    GIT_TOKEN_HOST = "CERTUS_GIT_TOKEN_HOST", Text,
        Words "none; needed with a token", "the one host that the token is sent to, as in `github.com` or `git.example.org:8443`";

    SERVER = "CERTUS_SERVER", Text,
        Words "none", "the service that `certus submit` and its like ask; `http` for this machine only";
    API_KEY = "CERTUS_API_KEY", Secret, Words "none", "the key that they send";
    CLIENT_CERT_FILE = "CERTUS_CLIENT_CERT_FILE", Path, Words "none", "the certificate (PEM) that they show";
    CLIENT_KEY_FILE = "CERTUS_CLIENT_KEY_FILE", Path, Words "none", "the private key (PEM) of that certificate";

    CONFIG = "CERTUS_CONFIG", Path,
        Words "`certus.toml` if there is one", "file of settings; the environment wins over it";
    PRODUCTION = "CERTUS_PRODUCTION", Flag,
        Text "false", "keys are required; development keys, sample mode and a database role that owns its guards are refused";
    LISTEN = "CERTUS_ASSURANCE_LISTEN", Text,
        Text "127.0.0.1:8056", "address of the API; beyond this machine keys are required";
    TLS_CERT_FILE = "CERTUS_TLS_CERT_FILE", Path,
        Words "none: the API speaks plain HTTP", "certificate chain (PEM) of the API";
    TLS_KEY_FILE = "CERTUS_TLS_KEY_FILE", Path, Words "none", "private key (PEM) of that certificate";
    TLS_CLIENT_CA_FILE = "CERTUS_TLS_CLIENT_CA_FILE", Path,
        Words "none: no certificate is asked for", "authorities (PEM) of clients' certificates; one is then required";
    PROBES = "CERTUS_PROBES_LISTEN", Text,
        Words "none", "address at which `certus worker` answers `/livez`, `/readyz` and `/metrics`";
    ARTIFACT_ROOT = "CERTUS_ASSURANCE_ARTIFACT_ROOT", Path,
        Text "certus-assurance-artifacts", "folder of the SQLite file, of uploads and bundles, and of what is on its way to S3";
    WORKSPACE_ROOT = "CERTUS_ASSURANCE_WORKSPACE_ROOT", Path,
        Words "none: no path is accepted", "the folder that clients may name paths in";
    MAX_WORKERS = "CERTUS_ASSURANCE_MAX_WORKERS", Number(1, 256), Text "2", "scans at a time";
    USE_SAMPLE_MODE = "CERTUS_ASSURANCE_USE_SAMPLE_MODE", Flag,
        Text "false", "every scan is of the sample, and says so";
    MANIFEST_KEY = "CERTUS_ASSURANCE_MANIFEST_VERIFICATION_KEY_REF", Text,
        Words "none", "public key that manifests are signed with: a PEM file, a name, `pkcs11:…` or `awskms://…`";
    MANIFEST_REQUIRED = "CERTUS_ASSURANCE_MANIFEST_VERIFICATION_REQUIRED", Flag,
        Text "false", "manifests without a signature are refused, wherever they come from";
    MANIFEST_BUCKETS = "CERTUS_MANIFEST_BUCKETS", List,
        Words "none", "buckets that `s3:` manifest addresses may name";

    DATABASE = "DATABASE_URL", Address,
        Words "`sqlite:` in the artifact root", "`sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`, as the service connects";
    DATABASE_OWNER = "DATABASE_OWNER_URL", Address,
        Words "none", "the same database as `certus db` migrates it; the service's role then owns nothing";
    CONNECTIONS = "CERTUS_DATABASE_CONNECTIONS", Number(2, 1000), Text "16", "connections of one process";
    BLOBS = "CERTUS_BLOBS", Text,
        Text "folder", "where uploads and bundles are kept: `folder`, or `s3://BUCKET/PREFIX`";
    S3_ENDPOINT_URL = "S3_ENDPOINT_URL" or "CERTUS_ASSURANCE_S3_ENDPOINT_URL", Text,
        Words "AWS", "address of the S3 store; `http` for this machine and allowed hosts only";
    S3_REGION = "S3_REGION" or "CERTUS_ASSURANCE_S3_REGION", Text, Text "us-east-1", "its region";
    S3_ACCESS_KEY_ID = "S3_ACCESS_KEY_ID" or "CERTUS_ASSURANCE_S3_ACCESS_KEY_ID", Secret, Words "none", "its login";
    S3_SECRET_ACCESS_KEY = "S3_SECRET_ACCESS_KEY" or "CERTUS_ASSURANCE_S3_SECRET_ACCESS_KEY", Secret,
        Words "none", "and the secret of that";
    TRUST_BASE_URL = "CERTUS_ASSURANCE_TRUST_BASE_URL", Address,
        Words "none: this process is Trust", "the Trust service that permits publications; `http` for this machine only";
    TRUST_API_KEY = "CERTUS_TRUST_API_KEY", Secret, Words "none", "the key that it is asked with";
    TRUST_ANCHOR = "CERTUS_TRUST_ANCHOR", List,
        Words "none; needed with an address", "public keys whose permits count: PEM files, names, `pkcs11:…` or `awskms://…`";
    TRUST_LISTEN = "CERTUS_TRUST_LISTEN", Text, Text "127.0.0.1:8057", "address of `certus trust`";
    TRUST_POLICY = "CERTUS_TRUST_POLICY", Path, Words "the one that is built in", "what Trust permits (TOML)";
    TRUST_ID = "CERTUS_TRUST_ID", Text, Text "https://certus.dev/trust", "who decides, as verdicts name it: a URI";
    TRUST_KEY = "CERTUS_TRUST_KEY", Text, Words "`CERTUS_KEY`", "key that signs permits and verdicts";
    TRANSFORM_LISTEN = "CERTUS_TRANSFORM_LISTEN", Text, Text "127.0.0.1:8100", "address of `certus transform`";
    PRIVACY_PLUGINS = "CERTUS_PRIVACY_PLUGINS", List,
        Words "`privacy`", "plugins that look at stored objects for personal data";
    PRIVACY_GATE = "CERTUS_PRIVACY_GATE", Flag,
        Text "false", "what comes in is looked at before it is copied to golden; what is not clean is not published";
    PUBLISH_DIR = "CERTUS_PUBLISH_DIR", Path,
        Words "none", "folder that is published to, for sites without a store";
    ENABLE_S3_UPLOAD = "CERTUS_ASSURANCE_ENABLE_S3_UPLOAD", Flag,
        Text "false", "permitted scans are published to the buckets below; without it and a folder they stay `permitted`";
    RAW_BUCKET = "CERTUS_ASSURANCE_DATALAKE_RAW_BUCKET", Text, Text "raw", "bucket that files come in by";
    GOLDEN_BUCKET = "CERTUS_ASSURANCE_DATALAKE_GOLDEN_BUCKET", Text, Text "golden", "bucket of what is whole and permitted";
    RAW_PREFIX = "CERTUS_ASSURANCE_DATALAKE_RAW_PREFIX", Text, Text "security-scans", "prefix in the one";
    GOLDEN_PREFIX = "CERTUS_ASSURANCE_DATALAKE_GOLDEN_PREFIX", Text, Text "security-scans", "prefix in the other";
    ENABLE_REGISTRY_PUSH = "CERTUS_ASSURANCE_ENABLE_REGISTRY_PUSH", Flag,
        Text "false", "permitted scans are published as OCI artifacts too";
    REGISTRY_PUSH_STRATEGY = "CERTUS_ASSURANCE_REGISTRY_PUSH_STRATEGY", Choice(&["mirror", "docker"]),
        Text "mirror", "`mirror` writes a folder to be carried, `docker` pushes";
    REGISTRY = "CERTUS_ASSURANCE_REGISTRY", Text, Text "registry.example.com", "the registry";
    REGISTRY_REPOSITORY = "CERTUS_ASSURANCE_REGISTRY_REPOSITORY", Text, Text "certus-assurance", "the repository in it";
    REGISTRY_USERNAME = "CERTUS_ASSURANCE_REGISTRY_USERNAME", Text, Words "none", "its login";
    REGISTRY_PASSWORD = "CERTUS_ASSURANCE_REGISTRY_PASSWORD", Secret, Words "none", "and the password of that";
    REGISTRY_MIRROR_DIR = "CERTUS_ASSURANCE_REGISTRY_MIRROR_DIR", Path,
        Text "certus-assurance-registry", "folder that `mirror` writes";
    MASTER_KEY = "ENCRYPTION_MASTER_KEY", Secret,
        Words "none: nothing can be sealed", "base64 of 32 bytes that seal git credentials and webhook secrets";

    ALLOWED_HOSTS = "CERTUS_ALLOWED_HOSTS", List,
        Words "none", "hosts, hosts with a port and networks that are reached although they are not public";
    CA_FILE = "CERTUS_CA_FILE", Path, Words "the machine's", "authorities (PEM) of those hosts, of the S3 store and of `CERTUS_SERVER`";
    PROXY = "CERTUS_PROXY", Address,
        Words "none", "proxy by which public hosts are reached, as in `http://proxy.corp:3128`";
    OFFLINE = "CERTUS_OFFLINE", Flag,
        Text "false", "nothing but the allowed hosts and this machine is reached, or looked up";
    ALLOWED_ORIGINS = "CERTUS_ALLOWED_ORIGINS", List, Words "none", "web origins that may open streams";
    WEBHOOK_URL = "CERTUS_ASSURANCE_WEBHOOK_URL", Address,
        Words "none", "where every ended scan is told of, by the Standard Webhooks rules";
    WEBHOOK_SECRET = "CERTUS_WEBHOOK_SECRET", Secret,
        Words "none; needed with an address", "`whsec_…`; while it is changed the old one after the new, with a space between them";

    REQUIRE_KEY = "CERTUS_REQUIRE_IDEMPOTENCY_KEY", Flag,
        Text "false", "a submit without `Idempotency-Key` is refused";
    LEASE = "CERTUS_LEASE_SECONDS", Seconds, Text "30", "how long a worker that says nothing is believed to live";
    ATTEMPTS = "CERTUS_JOB_ATTEMPTS", Number(1, 100), Text "3", "after so many lost workers a job is a dead letter";
    DRAIN = "CERTUS_DRAIN_SECONDS", Seconds,
        Text "30", "how long running scans may go on after SIGTERM; then they are given back";
    RETENTION_DAYS = "CERTUS_RETENTION_DAYS", Number(1, 36500),
        Words "none: for ever", "after so many days a bundle goes that is published or never will be";
    RETENTION_BYTES = "CERTUS_RETENTION_BYTES", Number(1, 1_000_000_000_000_000),
        Words "none", "above so many bytes of bundles the oldest such bundles go";
    UPLOAD_DAYS = "CERTUS_UPLOAD_DAYS", Number(1, 36500),
        Text "30", "after so many days an archive goes that no waiting scan names";

    LOG_FORMAT = "CERTUS_LOG_FORMAT", Choice(&["text", "json"]), Text "text", "the form of the log; `json` is one object a line";
    OTLP_ENDPOINT = "CERTUS_OTLP_ENDPOINT" or "OTEL_EXPORTER_OTLP_ENDPOINT", Text,
        Words "none: nothing is traced", "collector of traces (OTLP over HTTP), as in `http://127.0.0.1:4318`";
    TRACE_PERCENT = "CERTUS_TRACE_PERCENT", Number(0, 100), Text "100", "how many of a hundred submits are traced";
}
