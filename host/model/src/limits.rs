//! Every limit and its default (design, section 6; sources in docs/operations/limits.md).

use std::time::Duration;

use serde::{Deserialize, Serialize};

const MIB: u64 = 1 << 20;

/// Longest text parameter of a finding as it is shown, in bytes; longer ones are cut.
pub const MAX_TEXT: usize = 256;
/// Longest text parameter that is taken from a guest, in bytes; a finding with a longer one is refused.
pub const MAX_RAW_TEXT: usize = 64 << 10;
/// Most sensitive ranges and most related places of one finding; a finding with more is refused.
pub const MAX_PLACES: usize = 1_000;

/// Limits of one plugin's run. A plugin may ask for less or more in its manifest; the operator's
/// value is the ceiling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Sum of all linear memories, in bytes.
    pub memory: u64,
    /// Number of linear memories.
    pub memories: usize,
    /// Elements in all tables together.
    pub table_elements: u64,
    /// Number of tables.
    pub tables: usize,
    /// Core instances within the component.
    pub instances: usize,
    /// Handles (resources) that the guest may hold.
    pub handles: usize,
    /// Directory entries in all listings that a WASI guest holds open together.
    pub listed: usize,
    /// Instruction budget.
    pub fuel: FuelLimits,
    /// Wall clock of one call.
    pub call_deadline: Duration,
    /// Wall clock of a run, all its calls together.
    pub run_deadline: Duration,
    /// What the guest may hand to the host in one call, in bytes of host memory: `files` exports.
    pub file_transfer: u64,
    /// The same for `tree` and `change` exports.
    pub tree_transfer: u64,
    /// Bytes of guest log that are kept; the rest is counted.
    pub log: u64,
    /// Keyword hits handed to the guest for one file.
    pub hits: usize,
    /// Findings kept of one run; beyond, the run is truncated.
    pub findings_per_run: usize,
    /// Bytes of host memory that are kept of all answers of one run: findings, inventory, names in the
    /// ledger that the guest has made up. The call whose answer goes beyond fails.
    pub output: u64,
    /// Guest stack in bytes.
    pub stack: usize,
    /// Bytes of randomness in one call, from a fixed seed.
    pub random: u64,
}

/// Instruction budgets in wasmtime's fuel units (about one per instruction; a Rust guest uses about
/// 70 a byte of content).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FuelLimits {
    /// For `configure`.
    pub configure: u64,
    /// For a `files` call, before content is counted.
    pub file_call: u64,
    /// For a `tree` or `change` call, before what it reads is counted.
    pub tree_call: u64,
    /// Added per MiB of content given or read.
    pub per_mib: u64,
}

impl FuelLimits {
    /// The share of `per_mib` that `bytes` earn, rounded up.
    pub fn for_content(&self, bytes: u64) -> u64 {
        let units = u128::from(self.per_mib) * u128::from(bytes) / u128::from(MIB) + 1;
        u64::try_from(units).unwrap_or(u64::MAX)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 256 * MIB,
            memories: 8,
            table_elements: 100_000,
            tables: 64,
            instances: 64,
            handles: 1024,
            // As many as a workspace has: a walk holds each directory open once.
            listed: 200_000,
            fuel: FuelLimits {
                configure: 5_000_000_000,
                file_call: 500_000_000,
                tree_call: 10_000_000_000,
                per_mib: 1_000_000_000,
            },
            call_deadline: Duration::from_secs(60),
            run_deadline: Duration::from_secs(600),
            file_transfer: 4 * MIB,
            tree_transfer: 32 * MIB,
            log: 64 << 10,
            hits: 65_536,
            findings_per_run: 10_000,
            output: 64 * MIB,
            stack: 512 << 10,
            random: 64 << 10,
        }
    }
}

/// Limits of admission: parsing and compiling a component, in a child process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// Largest component file, in bytes.
    pub component: u64,
    /// Address space of the admission child, in bytes.
    pub child_memory: u64,
    /// CPU time of the admission child.
    pub child_cpu: Duration,
    /// Wall clock of the admission child.
    pub child_wall: Duration,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            component: 64 * MIB,
            child_memory: 2 << 30,
            child_cpu: Duration::from_secs(120),
            child_wall: Duration::from_secs(180),
        }
    }
}

/// Budgets of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceLimits {
    /// Entries in the whole tree, directories included.
    pub entries: u64,
    /// Entries in one directory.
    pub directory_entries: u64,
    /// Largest file, in bytes.
    pub file: u64,
    /// All files together, in bytes.
    pub total: u64,
    /// Uncompressed bytes per compressed byte of an archive, once past 1 MiB.
    pub archive_ratio: u64,
    /// Wall clock of a fetch.
    pub fetch_wall: Duration,
    /// CPU time of the fetch child.
    pub fetch_cpu: Duration,
    /// Largest pack that a fetch may write, in bytes.
    pub fetch_pack: u64,
}

impl Default for WorkspaceLimits {
    fn default() -> Self {
        Self {
            entries: 200_000,
            directory_entries: 20_000,
            file: 64 * MIB,
            total: 2 << 30,
            archive_ratio: 200,
            fetch_wall: Duration::from_secs(300),
            fetch_cpu: Duration::from_secs(120),
            fetch_pack: 2 << 30,
        }
    }
}

/// Findings kept of one scan, all plugins together; beyond, the scan is truncated.
pub const FINDINGS_PER_SCAN: usize = 100_000;
