//! The body of a submit, read field by field.

use certus_model::request::{RequestedManifest, RequestedSource, ScanRequest};
use certus_model::{AssessmentId, ComponentId, CredentialName, Lane, Sha256, UploadId, WorkspaceId, canonical_json};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::source::{self, path_of};
use crate::config::Config;
use crate::fields::Fields;
use crate::problem::FieldError;

/// What a scan is asked for with. Fields that are not named here are refused: a misspelt one would otherwise mean
/// another scan than was meant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "workspace_id": "acme", "component_id": "shop", "assessment_id": "nightly",
    "source_type": "git", "git_url": "https://github.com/octocat/Hello-World.git", "profile": "light"
}))]
#[serde(deny_unknown_fields)]
pub(crate) struct SubmitBody {
    /// The client's own name for the workspace.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    workspace_id: String,
    /// The asset under test.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    component_id: String,
    /// The campaign.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    assessment_id: String,
    #[schema(default = "git")]
    source_type: Option<SourceType>,
    /// For `git`: an `https` address without a login, or a path in the workspace root.
    #[schema(min_length = 1, max_length = 2048)]
    git_url: Option<String>,
    /// A branch or tag; `commit` wins.
    #[schema(min_length = 1, max_length = 255)]
    branch: Option<String>,
    /// A commit id.
    #[schema(max_length = 64, pattern = "^[0-9a-fA-F]{7,64}$")]
    commit: Option<String>,
    /// For an `https` address: the name of a stored login (`/v1/git-credentials`).
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
    git_credential: Option<String>,
    /// For `directory`: a path in the workspace root.
    #[schema(min_length = 1, max_length = 1024)]
    directory_path: Option<String>,
    /// For `archive`: the id that an upload was answered with, or a path in the workspace root.
    #[schema(min_length = 1, max_length = 1024)]
    archive_path: Option<String>,
    /// The client's own label for whoever asks.
    #[schema(min_length = 1, max_length = 255)]
    requested_by: Option<String>,
    /// Which profile.
    #[schema(default = "light", max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    profile: Option<String>,
    /// The scan manifest itself; wins over `manifest_path`, which wins over `manifest_uri`.
    #[schema(value_type = Option<Object>)]
    manifest: Option<Value>,
    /// A detached signature over the canonical form (RFC 8785) of `manifest`, in base64.
    #[schema(min_length = 1, max_length = 16384)]
    manifest_signature: Option<String>,
    /// A manifest in the tree that is scanned.
    #[schema(min_length = 1, max_length = 1024)]
    manifest_path: Option<String>,
    /// A manifest somewhere else: `https`, `oci`, `s3` in a bucket that the operator has named, or `file` in the
    /// workspace root.
    #[schema(min_length = 1, max_length = 2048)]
    manifest_uri: Option<String>,
    /// Its detached signature; required with `manifest_uri`, but for `oci`, where the artifact holds it.
    #[schema(min_length = 1, max_length = 2048)]
    manifest_signature_uri: Option<String>,
    /// How long the scan may take once it runs.
    #[schema(default = 600, minimum = 1, maximum = 86400)]
    timeout_seconds: Option<u64>,
    #[schema(default = "interactive")]
    priority: Option<Priority>,
}

/// Where the source comes from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it describes the words; they are read as text")]
pub(crate) enum SourceType {
    Git,
    Directory,
    Archive,
}

/// Which lane it waits in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it describes the words; they are read as text")]
pub(crate) enum Priority {
    Interactive,
    Batch,
}

/// A submit whose fields are each valid. Serialised it is what makes two submits the same.
#[derive(Debug, Serialize)]
pub(super) struct Wanted {
    pub(super) workspace: WorkspaceId,
    pub(super) component: ComponentId,
    pub(super) assessment: AssessmentId,
    pub(super) request: ScanRequest,
    pub(super) requested_by: Option<String>,
    pub(super) timeout_ms: i64,
    pub(super) lane: Lane,
    pub(super) manifest_digest: Option<Sha256>,
}

const DEFAULT_PROFILE: &str = "light";

/// # Errors
/// Every field that is not valid.
pub(super) fn read(body: Value, config: &Config, lane: Lane) -> Result<Wanted, Vec<FieldError>> {
    let mut fields = Fields::of(body)?;
    let workspace = fields.required("workspace_id");
    let component = fields.required("component_id");
    let assessment = fields.required("assessment_id");
    let source = source(&mut fields, config);
    let requested_by = fields.text("requested_by", 255);
    let profile = profile(&mut fields);
    let manifest = manifest(&mut fields, config);
    let seconds = fields.number("timeout_seconds", 1..=config.max_timeout.as_secs());
    let seconds = seconds.unwrap_or(config.default_timeout.as_secs());
    let lane = fields.parsed("priority").unwrap_or(lane);
    let manifest_digest = match &manifest {
        Some(RequestedManifest::Inline { text, .. }) => Some(Sha256::of(text.as_bytes())),
        _ => None,
    };
    let source = if config.sample { Some(RequestedSource::Sample) } else { source };
    let wanted = || {
        Some(Wanted {
            workspace: workspace?,
            component: component?,
            assessment: assessment?,
            request: ScanRequest { source: source?, profile: profile?, manifest: manifest? },
            requested_by,
            timeout_ms: i64::try_from(seconds * 1000).ok()?,
            lane,
            manifest_digest,
        })
    };
    fields.finish(wanted())
}

fn source(fields: &mut Fields, config: &Config) -> Option<RequestedSource> {
    let kind = fields.text("source_type", 16);
    let git_url = fields.text("git_url", 2048);
    let branch = fields.text("branch", 255);
    let commit = fields.text("commit", 64);
    let credential: Option<CredentialName> = fields.parsed("git_credential");
    let directory = fields.text("directory_path", 1024);
    let archive = fields.text("archive_path", 1024);
    let kind = kind.as_deref().unwrap_or("git");
    if let Some(commit) = &commit
        && (commit.len() < 7 || !commit.bytes().all(|b| b.is_ascii_hexdigit()))
    {
        fields.error("commit", "has to be a commit id of 7 to 64 hex digits");
    }
    if branch.as_ref().is_some_and(|branch| branch.starts_with('-')) {
        fields.error("branch", "may not begin with `-`");
    }
    let required = |fields: &mut Fields, field: &str| {
        fields.error(field, format!("is required where `source_type` is `{kind}`"));
        None
    };
    match kind {
        "git" => match git_url {
            None => required(fields, "git_url"),
            Some(url) => {
                let url = source::git(fields, url, config)?;
                if credential.is_some() && !url.contains("://") {
                    fields.error("git_credential", "goes with an `https` address");
                }
                Some(RequestedSource::Git { url, branch, commit, credential })
            }
        },
        "directory" => match directory {
            None => required(fields, "directory_path"),
            Some(path) => Some(RequestedSource::Directory { path: path_of(fields, "directory_path", path, config)? }),
        },
        "archive" => match archive {
            None => required(fields, "archive_path"),
            Some(given) => match given.parse::<UploadId>() {
                Ok(id) => Some(RequestedSource::Upload { id }),
                Err(_) => Some(RequestedSource::Archive { path: path_of(fields, "archive_path", given, config)? }),
            },
        },
        _ => {
            fields.error("source_type", "has to be `git`, `directory` or `archive`");
            None
        }
    }
}

fn profile(fields: &mut Fields) -> Option<String> {
    if fields.is_absent("profile") {
        return Some(DEFAULT_PROFILE.to_owned());
    }
    let profile = fields.text("profile", 64)?;
    let is_name = profile.starts_with(|c: char| c.is_ascii_alphanumeric())
        && profile.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if !is_name {
        fields.error("profile", "has to be a name of letters, digits, `.`, `_` and `-`");
    }
    is_name.then_some(profile)
}

fn manifest(fields: &mut Fields, config: &Config) -> Option<RequestedManifest> {
    let inline = fields.take("manifest");
    let signature = fields.text("manifest_signature", 16 * 1024);
    let path = fields.text("manifest_path", 1024);
    let uri = fields.text("manifest_uri", 2048);
    let signature_uri = fields.text("manifest_signature_uri", 2048);
    if signature.is_some() && inline.is_none() {
        fields.error("manifest_signature", "goes with `manifest`, which is absent");
    }
    let is_artifact = uri.as_ref().is_some_and(|uri| uri.starts_with("oci://"));
    if uri.is_some() && signature_uri.is_none() && !is_artifact {
        fields.error("manifest_signature_uri", "is required with `manifest_uri`");
    }
    if signature_uri.is_some() && uri.is_none() {
        fields.error("manifest_signature_uri", "goes with `manifest_uri`, which is absent");
    }
    match (inline, path, uri) {
        (Some(inline @ Value::Object(_)), ..) => {
            if signature.is_none() && config.manifest_verification_required {
                fields.error("manifest_signature", "is required: this service runs signed manifests only");
            }
            let text = canonical_json(&inline).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            if text.is_none() {
                fields.error("manifest", "holds a number that JSON readers disagree about");
            }
            Some(RequestedManifest::Inline { text: text?, signature })
        }
        (Some(_), ..) => {
            fields.error("manifest", "has to be an object");
            None
        }
        (None, Some(path), _) => {
            if path.starts_with('/') || path.split('/').any(|part| part == "..") {
                fields.error("manifest_path", "has to be relative to the root of the tree and inside it");
                return None;
            }
            Some(RequestedManifest::InTree { path })
        }
        (None, None, Some(uri)) => {
            let uri = source::manifest(fields, "manifest_uri", uri, config);
            let signature_uri = match signature_uri {
                // It comes with the artifact.
                None if is_artifact => Some(String::new()),
                given => source::manifest(fields, "manifest_signature_uri", given?, config),
            };
            Some(RequestedManifest::Uri { uri: uri?, signature_uri: signature_uri? })
        }
        (None, None, None) => Some(RequestedManifest::None),
    }
}
