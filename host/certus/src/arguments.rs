//! The command line.

pub(crate) mod client;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use certus_model::Severity;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs scanners in WebAssembly sandboxes over a repository and leaves a signed bundle that anyone
/// can verify offline.
#[derive(Debug, Parser)]
#[command(name = "certus", version, propagate_version = true, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Say more on stderr; twice for everything, plugins' logs included
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// Say nothing but results and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scan a repository, a directory or an archive
    Scan(Box<Scan>),
    /// Verify a bundle offline
    Verify(Verify),
    /// Have a service scan
    Submit(Box<client::Submit>),
    /// Print how a service's scan stands
    Status(client::Status),
    /// List a service's scans
    List(client::List),
    /// Print what has happened in a service's scan
    Logs(client::Logs),
    /// Fetch and verify the bundle of a service's scan
    Fetch(client::Fetch),
    /// Call a service's scan off
    Cancel(client::Cancel),
    /// Make and list signing keys
    #[command(subcommand)]
    Keys(Keys),
    /// Build, inspect and test plugins
    #[command(subcommand)]
    Plugin(Plugin),
    /// Check what this machine has for scanning, and what its kernel adds to the sandbox
    #[command(after_help = "Exit codes: 0 scans can run, 2 something is in their way, 1 the host failed, 64 usage.")]
    Doctor(Doctor),
    /// Run the service: HTTP API, queue and workers in one process
    #[command(after_help = "Settings come from certus.toml and the environment; see docs/operations/service.md.")]
    Serve(Serve),
    /// Run workers alone, for a service whose database they share
    Worker,
    /// Make, change and check the database
    #[command(subcommand)]
    Db(Db),
    /// Make and change tenants
    #[command(subcommand)]
    Tenant(Tenant),
    /// Make and disable users
    #[command(subcommand)]
    User(User),
    /// Make and revoke API keys
    #[command(subcommand)]
    ApiKey(ApiKey),
    /// Look at the queue and replay dead letters
    #[command(subcommand)]
    Queue(Queue),
    /// Back everything up, and put it back
    #[command(subcommand)]
    Backup(Backup),
    /// Remove the bundles and archives that the rules of retention let go
    Prune(Prune),
    /// Check and show the settings
    #[command(subcommand)]
    Config(Config),
    /// Print the API's description (OpenAPI)
    Openapi,
    /// Print what makes a shell complete this command
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages
    Man {
        /// The folder to write them to, such as ~/.local/share/man/man1
        folder: PathBuf,
    },
}

/// Check this machine.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Go through the security checklist of a service in production too
    #[arg(long)]
    pub(crate) production: bool,
}

/// Run the service.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address to listen at [default: 127.0.0.1:8056]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// The API alone; `certus worker` processes do the work
    #[arg(long)]
    pub(crate) no_workers: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Backup {
    /// Copy database, audit chain and blobs into a folder, and sign it; the service may go on meanwhile
    Create {
        /// The folder to make
        folder: PathBuf,
    },
    /// Check that a backup is whole
    #[command(after_help = "Exit codes: 0 it is whole, 2 it is not, 1 the host failed, 64 usage.")]
    Verify {
        /// The backup
        folder: PathBuf,
    },
    /// Put a backup into an empty database and an empty store of blobs, and verify the history of the restored host
    #[command(after_help = "Exit codes: 0 all is whole, 2 something is not, 1 the host failed, 64 usage.")]
    Restore {
        /// The backup
        folder: PathBuf,
    },
    /// Make a backup, restore it beside the service, and verify what was restored; nothing of it stays
    #[command(after_help = "Exit codes: 0 all is whole, 2 something is not, 1 the host failed, 64 usage.")]
    Drill {
        /// An empty Postgres database to restore into
        #[arg(long, value_name = "URL")]
        into: Option<certus_store::DatabaseUrl>,
    },
}

/// Remove what may go.
#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// Only say what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Try every setting: files are read, the database and the blobs are reached
    #[command(
        after_help = "Exit codes: 0 the service can start, 2 something is in its way, 1 the host failed, 64 usage."
    )]
    Check,
    /// Print what is set, and where; secrets are never printed
    Show {
        /// Leave secrets out, as it is done anyway
        #[arg(long)]
        redacted: bool,
    },
    /// Print the tables of the documentation
    #[command(hide = true)]
    Table {
        /// The README's
        #[arg(long)]
        brief: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Db {
    /// Bring the database to this program's schema
    Migrate,
    /// Take steps of the schema back, with what they hold
    Rollback {
        /// How many
        #[arg(long, default_value_t = 1)]
        steps: u32,
    },
    /// Check the schema and walk the audit chain
    #[command(after_help = "Exit codes: 0 all is whole, 2 something is not, 1 the host failed, 64 usage.")]
    Check {
        /// Fetch and verify every bundle on record too
        #[arg(long)]
        bundles: bool,
    },
    /// Write a copy of the database that can be put in its place
    Backup {
        /// The file to write; it must not exist
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tenant {
    /// Make a tenant
    Create {
        /// Its id: one lower-case word
        id: String,
        /// For people [default: the id]
        #[arg(long)]
        name: Option<String>,
    },
    /// List the tenants
    List,
    /// Change a tenant
    Set {
        /// Its id
        id: String,
        /// Its share of the workers beside other tenants
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..=1000))]
        weight: Option<i64>,
        /// What a decision `error` means to it: closed or open
        #[arg(long)]
        on_error: Option<certus_model::OnError>,
        /// Whether nothing is accepted from it
        #[arg(long)]
        disabled: Option<bool>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Make a user
    Create {
        /// Whose they are
        tenant: String,
        /// Unique within the tenant
        name: String,
        /// tenant or admin
        #[arg(long, default_value = "tenant")]
        role: certus_model::Role,
    },
    /// List the users
    List,
    /// Let a user's keys open nothing
    Disable {
        /// Their id
        id: String,
    },
    /// Let a user's keys open something again
    Enable {
        /// Their id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKey {
    /// Make a key; it is printed once and kept nowhere
    Create {
        /// Who sends it: a user's id
        user: String,
        /// For people
        #[arg(long, default_value = "key")]
        name: String,
        /// read or write
        #[arg(long, default_value = "write")]
        scope: certus_model::Scope,
        /// Until when it opens anything
        #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3660))]
        days: u32,
    },
    /// List the keys
    List,
    /// Take a key back
    Revoke {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Queue {
    /// Print how many jobs are where
    Show,
    /// List the dead letters
    Dead,
    /// Put a dead letter back into the queue
    Replay {
        /// The scan's id
        scan: String,
    },
}

/// Scan a repository, a directory or an archive.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 pass, 2 fail, 3 error (something was not looked at), 1 the host failed, 64 usage, 130 interrupted.

Examples:
  certus scan .                                    this repository's HEAD
  certus scan https://host/team/repo --ref main    a remote branch
  certus scan release.tar.gz --profile standard    an archive
  certus scan . --format sarif > findings.sarif    for a pipeline"
)]
pub(crate) struct Scan {
    /// Path of a git repository (its HEAD is scanned), a directory or an archive, or an https URL;
    /// `dir:PATH` scans a work tree as it is on disk
    pub(crate) source: String,
    /// Branch, tag or full commit id of a git repository
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// Profile: which plugins run, and what they may find
    #[arg(long, default_value = "light")]
    pub(crate) profile: String,
    /// Scan manifest (JSON) that defines profiles
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// Run this plugin too; may be repeated
    #[arg(long = "plugin", value_name = "FILE")]
    pub(crate) plugins: Vec<PathBuf>,
    /// Known findings that do not count (TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Fail on any finding of this severity or worse
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<Severity>,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Folder for the bundle [default: certus-out/NAME-SCANID, with a link `latest`]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace a bundle that is already there
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Worker threads [default: one per core]; the result does not depend on it
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Sign with this key of the key folder, or with this key file
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) key: Option<String>,
}

/// What `scan` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// findings.json
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// A page without scripts
    Html,
}

/// Verify a bundle offline.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 verified, 2 refused, 1 the host failed, 64 usage.")]
pub(crate) struct Verify {
    /// The bundle's folder
    pub(crate) bundle: PathBuf,
    /// Accept signatures of this public key (PEM) and no other; may be repeated
    #[arg(long = "key", value_name = "PUB")]
    pub(crate) keys: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a key pair; COSIGN_PASSWORD encrypts the private key
    Generate {
        /// Its name in the key folder
        name: String,
    },
    /// Print a public key
    Show {
        /// Its name in the key folder
        name: String,
    },
    /// List the keys
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// Compile a plugin to a component with its manifest inside
    Build {
        /// The plugin's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The file to write [default: NAME.wasm in the plugin's folder]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Print a plugin's passport: permissions, limits, settings, rules, digest
    Inspect {
        /// The component
        file: PathBuf,
    },
    /// Run a plugin's examples and fixtures in the sandbox
    Test {
        /// The plugin's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Test this component instead of building one
        #[arg(long, value_name = "FILE")]
        component: Option<PathBuf>,
        /// Write what the fixtures give as their expected answers
        #[arg(long)]
        bless: bool,
    },
}
