//! Arguments of what is trusted: the transparency log, its witnesses, waivers, revocations.

use std::path::PathBuf;

use certus_model::Sha256;
use certus_model::ids::Name;
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Read the whole log again and check every entry, every tile and every signature
    #[command(after_help = "Exit codes: 0 verified, 2 refused, 1 the host failed, 64 usage.")]
    Verify {
        #[command(flatten)]
        place: LogPlace,
        /// Believe this verifier key (NAME+HHHHHHHH+BASE64) and no other; may be repeated
        #[arg(long = "log-key", value_name = "FILE")]
        keys: Vec<PathBuf>,
        /// The log has to continue this checkpoint, which was seen before
        #[arg(long, value_name = "FILE")]
        remembered: Option<PathBuf>,
    },
    /// Print the log's signed checkpoint
    Show {
        #[command(flatten)]
        place: LogPlace,
    },
    /// Sign, as a witness, that a log of somebody else continues what this witness saw before
    #[command(after_help = "Exit codes: 0 cosigned, 2 refused, 1 the host failed, 64 usage.")]
    Cosign(Cosign),
    /// Add what witnesses have signed to the current checkpoint of this machine's log
    #[command(after_help = "Exit codes: 0 added, 2 refused, 1 the host failed, 64 usage.")]
    Accept {
        /// The checkpoint as a witness gave it back
        note: PathBuf,
        #[command(flatten)]
        place: LogPlace,
        /// Believe this witness (a verifier key) and no other; may be repeated [default: those of the key folder]
        #[arg(long = "witness", value_name = "FILE")]
        witnesses: Vec<PathBuf>,
    },
    /// Print what verifies this machine's log; its key is made now if there is none
    Key {
        /// That of the service that the settings describe
        #[arg(long)]
        service: bool,
    },
    /// Print the logs that are believed here, as Sigstore clients read them (trusted_root.json)
    TrustedRoot,
}

/// Which log.
#[derive(Debug, Args)]
pub(crate) struct LogPlace {
    /// The folder of the log [default: this machine's; a service's, where its blobs are in a bucket]
    pub(crate) folder: Option<PathBuf>,
    /// The log of the service that the settings describe
    #[arg(long, conflicts_with = "folder")]
    pub(crate) service: bool,
}

/// Cosign a checkpoint.
#[derive(Debug, Args)]
pub(crate) struct Cosign {
    /// The folder of the log, or its checkpoint alone, which shows no more than that it is the first or the same
    /// [default: as for `certus log verify`]
    pub(crate) place: Option<PathBuf>,
    /// The log of the service that the settings describe
    #[arg(long, conflicts_with = "place")]
    pub(crate) service: bool,
    /// What verifies the log (a verifier key)
    #[arg(long = "log-key", value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// What this witness saw last of this log; made at the first time, and never to be lost
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// Where the cosigned checkpoint goes [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Waiver {
    /// Sign that a finding is accepted, for a reason and until a time
    #[command(after_help = "CERTUS_TRUST_POLICY, where it is set, says who may sign and for how long.

Example:
  certus waiver sign FINGERPRINT --bundle certus-out/latest --reviewer ada --key ada \\
    --reason \"key of the test server\" --until 2027-01-31T00:00:00Z --out waivers")]
    Sign {
        /// The finding's fingerprint
        fingerprint: String,
        /// The bundle whose finding it is
        #[arg(long, value_name = "DIR", required_unless_present = "content")]
        bundle: Option<PathBuf>,
        /// What the finding says, as SHA-256, in the bundle's place
        #[arg(long, value_name = "SHA256", conflicts_with = "bundle")]
        content: Option<Sha256>,
        /// Who accepts it, by the policy's name
        #[arg(long)]
        reviewer: Name,
        /// Why
        #[arg(long)]
        reason: String,
        /// From when on it no longer counts, as in 2027-01-31T00:00:00Z
        #[arg(long, value_name = "TIME")]
        until: String,
        /// The reviewer's key: a name of the key folder, a file, `pkcs11:…` or `awskms://…`
        #[arg(long, value_name = "REF")]
        key: String,
        /// The folder that it goes to
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
    },
    /// Verify a waiver and print what it says
    #[command(after_help = "Exit codes: 0 it counts, 2 it does not, 1 the host failed, 64 usage.")]
    Show {
        /// The waiver
        file: PathBuf,
        /// Accept the signature of this public key; may be repeated [default: the policy's reviewers]
        #[arg(long = "key", value_name = "REF")]
        keys: Vec<String>,
    },
}

/// Trust a plugin or a signer no longer, and list what rests on it.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// What it is
    #[arg(value_enum)]
    pub(crate) kind: RevokeKind,
    /// SHA-256 of the component, or the key's id
    pub(crate) digest: String,
    /// Why, for whoever reads the list
    #[arg(long)]
    pub(crate) reason: String,
}

/// What is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RevokeKind {
    /// A plugin
    Plugin,
    /// A key that signs scans
    Signer,
}

impl From<RevokeKind> for certus_store::Revocable {
    fn from(kind: RevokeKind) -> Self {
        match kind {
            RevokeKind::Plugin => Self::Plugin,
            RevokeKind::Signer => Self::Signer,
        }
    }
}
