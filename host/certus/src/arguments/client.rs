//! Arguments of the commands that ask a service.

use std::path::PathBuf;

use certus_model::{AssessmentId, ComponentId, Lane, ScanId, Tier, WorkspaceId};
use clap::{Args, ValueEnum};

use super::{Answer, Choice};

/// Have a service scan.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --wait the scan's id is printed. With it the answer, the bundle and the exit codes are those of `certus scan`:
0 pass, 2 fail, 3 error (something was not looked at), 1 no answer, 64 usage, 130 interrupted (the scan is called off).

Examples:
  certus submit https://host/team/repo --ref main --wait    a remote branch
  certus submit . --wait                                    this repository's HEAD, packed and sent
  certus submit dir:. --wait --format sarif                 the files as they are on disk
  certus submit server:team/repo.git                        a path in the service's workspace root"
)]
pub(crate) struct Submit {
    /// https URL, archive, directory or git repository as for `certus scan`, or `server:PATH`
    pub(crate) source: String,
    #[command(flatten)]
    pub(crate) choice: Choice,
    /// Your name for the workspace
    #[arg(long, value_name = "ID", default_value = "default")]
    pub(crate) workspace: WorkspaceId,
    /// The asset under test [default: the last word of the source]
    #[arg(long, value_name = "ID")]
    pub(crate) component: Option<ComponentId>,
    /// The campaign
    #[arg(long, value_name = "ID", default_value = "manual")]
    pub(crate) assessment: AssessmentId,
    /// How long the scan may take once it runs
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    /// Which lane it waits in: interactive or batch
    #[arg(long)]
    pub(crate) priority: Option<Lane>,
    /// Submits with the same key are one scan, for a day [default: a new one]
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// The login that the service keeps under this name, for a private repository
    #[arg(long, value_name = "NAME")]
    pub(crate) credential: Option<String>,
    /// Wait for the end and fetch the bundle
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) destination: Destination,
}

/// Where a fetched bundle goes and how it is believed.
#[derive(Debug, Args)]
pub(crate) struct Destination {
    #[command(flatten)]
    pub(crate) answer: Answer,
    /// Believe this public key and no other, as `certus verify` takes it; may be repeated [default: those of the key
    /// folder]
    #[arg(long = "key", value_name = "PUB")]
    pub(crate) keys: Vec<String>,
    /// Believe this transparency log (a verifier key) too; may be repeated
    #[arg(long = "log-key", value_name = "FILE")]
    pub(crate) log_keys: Vec<PathBuf>,
}

/// Ask for a scan's publication.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 asked for (with --wait: permitted or published), 2 denied, 1 not published, 64 usage."
)]
pub(crate) struct Publish {
    /// The scan's id
    pub(crate) id: ScanId,
    /// What it is to be trusted with: basic or verified
    #[arg(long, default_value = "verified")]
    pub(crate) tier: Tier,
    /// Wait until it is published, or will not be
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Print how a scan stands.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The scan's id
    pub(crate) id: ScanId,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = View::Table)]
    pub(crate) format: View,
}

/// List scans, the newest first.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Of this workspace
    #[arg(long, value_name = "ID")]
    pub(crate) workspace: Option<String>,
    /// Of this component
    #[arg(long, value_name = "ID")]
    pub(crate) component: Option<String>,
    /// Of this assessment
    #[arg(long, value_name = "ID")]
    pub(crate) assessment: Option<String>,
    /// queued, running, succeeded, failed or cancelled
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// With this profile
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// Accepted at this time or later, as in 2026-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) limit: u32,
    /// Go on where the page before has ended
    #[arg(long)]
    pub(crate) cursor: Option<String>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = View::Table)]
    pub(crate) format: View,
}

/// Print what has happened in a scan.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The scan's id
    pub(crate) id: ScanId,
    /// Go on until the scan has ended
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How it is printed; `json` is one event a line
    #[arg(long, value_enum, default_value_t = LogsFormat::Text)]
    pub(crate) format: LogsFormat,
}

/// Fetch a scan's bundle and verify it before it is put in place.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: the bundle's decision (0 pass, 2 fail, 3 error), 1 there is no bundle or it is refused, 64 usage."
)]
pub(crate) struct Fetch {
    /// The scan's id
    pub(crate) id: ScanId,
    #[command(flatten)]
    pub(crate) destination: Destination,
}

/// Call a scan off.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The scan's id
    pub(crate) id: ScanId,
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum View {
    /// For people
    Table,
    /// The service's own answer
    Json,
}

/// How events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogsFormat {
    /// For people
    Text,
    /// One object a line
    Json,
}
