//! Arguments of the commands that run and operate a service.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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
        /// The key that its bundles are signed with, its own and for ever: a name of the key folder, `pkcs11:…`
        /// or `awskms:///…`; `none` for the host's
        #[arg(long, value_name = "REF")]
        signing_key: Option<String>,
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
