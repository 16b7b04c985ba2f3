use std::fmt;

use serde::{Deserialize, Serialize};

/// What a plugin asks for beyond the files it is given; every entry carries its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Capabilities {
    /// Reading the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<WorkspaceCapability>,
    /// Looking into data packs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataCapability>,
    /// Running on WASI 0.2 with a read-only file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wasi: Option<WasiCapability>,
    /// Writing to the operator's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogCapability>,
}

/// The kinds of capability. `sockets` and `http` are no capability and never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// Reading what the globs allow, through the contract.
    Workspace,
    /// Look-ups in data packs that are granted by digest.
    Data,
    /// WASI 0.2: a read-only file system of what the globs allow, frozen clocks, seeded random.
    Wasi,
    /// Lines for the operator.
    Log,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Workspace, Self::Data, Self::Wasi, Self::Log];

    /// The table's name under `[capabilities]`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Data => "data",
            Self::Wasi => "wasi",
            Self::Log => "log",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// `[capabilities.workspace]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WorkspaceCapability {
    /// Path globs that may be listed and read.
    pub include: Vec<String>,
    /// Why, for the operator.
    pub reason: String,
}

/// `[capabilities.data]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DataCapability {
    /// Names of data packs.
    pub packs: Vec<crate::ids::Name>,
    /// Why, for the operator.
    pub reason: String,
}

/// `[capabilities.wasi]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WasiCapability {
    /// Path globs that are laid out read-only at `/`.
    pub filesystem: Vec<String>,
    /// Why, for the operator.
    pub reason: String,
}

/// `[capabilities.log]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LogCapability {
    /// Why, for the operator.
    pub reason: String,
}

impl Capabilities {
    /// What is declared, in a fixed order.
    pub fn declared(&self) -> Vec<Capability> {
        Capability::ALL.into_iter().filter(|c| self.reason(*c).is_some()).collect()
    }

    /// The reason given for `capability`, if it is declared.
    pub fn reason(&self, capability: Capability) -> Option<&str> {
        match capability {
            Capability::Workspace => self.workspace.as_ref().map(|c| c.reason.as_str()),
            Capability::Data => self.data.as_ref().map(|c| c.reason.as_str()),
            Capability::Wasi => self.wasi.as_ref().map(|c| c.reason.as_str()),
            Capability::Log => self.log.as_ref().map(|c| c.reason.as_str()),
        }
    }

    /// The globs of the files that may be read beyond those that are pushed.
    pub fn read_globs(&self) -> impl Iterator<Item = &str> {
        let workspace = self.workspace.iter().flat_map(|c| &c.include);
        let wasi = self.wasi.iter().flat_map(|c| &c.filesystem);
        workspace.chain(wasi).map(String::as_str)
    }
}
