//! The command line.

pub(crate) mod client;
mod service;
mod trust;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use certus_model::Severity;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::service::{ApiKey, Backup, Config, Db, Doctor, Prune, Queue, Serve, Tenant, User};
pub(crate) use self::trust::{Cosign, LogCommand, LogPlace, Revoke, Waiver};

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
    /// Ask for the publication of a service's scan
    Publish(client::Publish),
    /// Call a service's scan off
    Cancel(client::Cancel),
    /// Audit and show the transparency log
    #[command(subcommand)]
    Log(LogCommand),
    /// Make, replace and list signing keys
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
    /// Run Trust alone, for services that ask it
    Trust,
    /// Run Transform alone: publish what is permitted, and look after stored objects
    Transform,
    /// Trust a plugin or a signer no longer, and list what rests on it
    Revoke(Revoke),
    /// List the publications that rest on what was revoked
    Tainted,
    /// Accept a finding for a time, signed by a reviewer, and show such a word
    #[command(subcommand)]
    Waiver(Waiver),
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
    #[command(flatten)]
    pub(crate) choice: Choice,
    /// Run this plugin too; may be repeated
    #[arg(long = "plugin", value_name = "FILE")]
    pub(crate) plugins: Vec<PathBuf>,
    /// Known findings that do not count (TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Fail on any finding of this severity or worse
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<Severity>,
    #[command(flatten)]
    pub(crate) answer: Answer,
    /// Worker threads [default: one per core]; the result does not depend on it
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Sign with this key of the key folder, or with this key file
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) key: Option<String>,
}

/// What of a source is scanned, and with what.
#[derive(Debug, Args)]
pub(crate) struct Choice {
    /// Branch, tag or full commit id of a git repository
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// Profile: which plugins run, and what they may find
    #[arg(long, default_value = "light")]
    pub(crate) profile: String,
    /// Scan manifest (JSON) that defines profiles
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
}

/// Where the answer goes.
#[derive(Debug, Args)]
pub(crate) struct Answer {
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Folder for the bundle [default: certus-out/NAME-SCANID, with a link `latest`]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace a bundle that is already there
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
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
    /// Accept signatures of this public key and no other: a PEM file, a name of the key folder, `pkcs11:…` or
    /// `awskms://…`; may be repeated
    #[arg(long = "key", value_name = "PUB")]
    pub(crate) keys: Vec<String>,
    /// Let permits and verdicts of this key count and of no other, named as for --key; may be repeated [default:
    /// CERTUS_TRUST_ANCHOR, else every key that is accepted]
    #[arg(long = "trust-key", value_name = "PUB")]
    pub(crate) trust_keys: Vec<String>,
    /// Believe this transparency log (a verifier key) too; may be repeated
    #[arg(long = "log-key", value_name = "FILE")]
    pub(crate) log_keys: Vec<PathBuf>,
    /// Run the recorded plugins over the recorded source again and compare the bytes
    #[arg(long)]
    pub(crate) replay: bool,
    /// Where the source is now [default: where it was]
    #[arg(long, requires = "replay", value_name = "SOURCE")]
    pub(crate) source: Option<String>,
    /// A plugin that ran beside the profile's; may be repeated
    #[arg(long = "plugin", requires = "replay", value_name = "FILE")]
    pub(crate) plugins: Vec<PathBuf>,
    /// The known findings that the scan was given
    #[arg(long, requires = "replay", value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// The severity that the scan was told to fail on
    #[arg(long, requires = "replay", value_name = "SEVERITY")]
    pub(crate) fail_on: Option<Severity>,
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
    /// Make the next key of a name; the old one goes on verifying
    Rotate {
        /// Its name in the key folder
        name: String,
    },
    /// Refuse what a key signs from now on
    Revoke {
        /// Its name or id
        key: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Make this machine's key as a witness of others' transparency logs; prints what verifies it
    GenerateWitness {
        /// The witness's name, as in witness.example.com
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
