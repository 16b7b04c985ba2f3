//! One plugin in one scan: what came out of the engine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::coverage::{FileState, Refused, RunStatus};
use crate::inventory::Dependency;
use crate::ledger::Uses;
use crate::{Finding, PluginManifest, Sha256};

/// The result of one plugin's run over one workspace.
#[derive(Clone, Debug)]
pub struct PluginRun {
    /// The manifest that is embedded in the component.
    pub manifest: std::sync::Arc<PluginManifest>,
    /// SHA-256 of the component file, manifest included.
    pub digest: Sha256,
    /// The settings it ran with, complete with defaults.
    pub settings: BTreeMap<String, crate::plugin::SettingValue>,
    /// How it ended.
    pub status: RunStatus,
    /// Checked findings, sorted, without duplicates.
    pub findings: Vec<Finding>,
    /// The checked inventory, sorted by id.
    pub dependencies: Vec<Dependency>,
    /// One state per entry of the workspace, in its order.
    pub files: Vec<FileState>,
    /// What of the report was not taken over.
    pub refused: Refused,
    /// Problems that the plugin stated of no single file; any makes the run incomplete.
    pub problems: u64,
    /// What it was given and asked for.
    pub uses: Uses,
    /// Cost; kept out of everything that is compared.
    pub cost: Cost,
}

/// What a run cost. Never part of a result: it differs from run to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Fuel used, all calls together.
    pub fuel: u64,
    /// Calls made.
    pub calls: u64,
    /// Instances made.
    pub instances: u64,
    /// Time inside the sandbox, in nanoseconds, all workers together.
    pub sandbox_nanos: u64,
}

impl Cost {
    /// Adds `other`.
    pub fn add(&mut self, other: Self) {
        self.fuel += other.fuel;
        self.calls += other.calls;
        self.instances += other.instances;
        self.sandbox_nanos += other.sandbox_nanos;
    }
}
