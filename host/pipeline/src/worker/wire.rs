//! What host and worker say to each other over their socket: frames of a length and JSON. Both are this
//! very program; the host still believes the worker no more than it must.

use std::collections::BTreeMap;
use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use certus_checkout::Table;
use certus_engine::Times;
use certus_model::coverage::{FileState, Refused, RunStatus};
use certus_model::inventory::Dependency;
use certus_model::ledger::Uses;
use certus_model::limits::Limits;
use certus_model::plugin::SettingValue;
use certus_model::run::Cost;
use certus_model::{Finding, PluginRun};
use certus_sandbox::{Confinement, Passport};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Largest frame, in bytes: what all plugins of a scan may keep, written out, and far more than any
/// compiled plugin.
const MAX_FRAME: u64 = 4 << 30;
/// Most files that go along with a message: a workspace has two.
const MAX_FILES: usize = 2;

/// All that a worker is told; each task's code follows in a frame of its own.
#[derive(Serialize)]
pub(super) struct Order<'a> {
    pub(super) table: &'a Table,
    pub(super) jobs: NonZeroUsize,
    pub(super) tasks: Vec<Task<'a>>,
}

/// One plugin, but for its code.
#[derive(Serialize)]
pub(super) struct Task<'a> {
    pub(super) passport: &'a Passport,
    pub(super) settings: &'a BTreeMap<String, SettingValue>,
    pub(super) limits: &'a Limits,
    /// Where its files are laid out, and which could not be.
    pub(super) root: Option<(&'a PathBuf, &'a Vec<usize>)>,
}

/// [`Order`], as it arrives.
#[derive(Deserialize)]
pub(super) struct ReceivedOrder {
    pub(super) table: Table,
    pub(super) jobs: NonZeroUsize,
    pub(super) tasks: Vec<ReceivedTask>,
}

/// [`Task`], as it arrives.
#[derive(Deserialize)]
pub(super) struct ReceivedTask {
    pub(super) passport: Passport,
    pub(super) settings: BTreeMap<String, SettingValue>,
    pub(super) limits: Limits,
    pub(super) root: Option<(PathBuf, Vec<usize>)>,
}

/// What a worker says; after anything but progress it ends.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Report {
    Progress {
        files: u64,
        bytes: u64,
    },
    Done(Box<Answered>),
    /// The host's own failure, in one sentence.
    Failed(String),
}

/// The worker's answer.
#[derive(Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) runs: Vec<Run>,
    pub(super) times: Times,
    pub(super) confinement: Confinement,
}

/// What the host does not know of a run before.
#[derive(Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) status: RunStatus,
    pub(super) findings: Vec<Finding>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) files: Vec<FileState>,
    pub(super) refused: Refused,
    pub(super) problems: u64,
    pub(super) uses: Uses,
    pub(super) cost: Cost,
}

impl From<PluginRun> for Run {
    fn from(run: PluginRun) -> Self {
        Self {
            status: run.status,
            findings: run.findings,
            dependencies: run.dependencies,
            files: run.files,
            refused: run.refused,
            problems: run.problems,
            uses: run.uses,
            cost: run.cost,
        }
    }
}

pub(super) fn send(stream: &UnixStream, message: &impl Serialize) -> io::Result<()> {
    send_bytes(stream, &serde_json::to_vec(message)?)
}

pub(super) fn send_bytes(mut stream: &UnixStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(&(bytes.len() as u64).to_le_bytes())?;
    stream.write_all(bytes)
}

pub(super) fn receive<T: DeserializeOwned>(stream: &UnixStream) -> io::Result<T> {
    Ok(serde_json::from_slice(&receive_bytes(stream)?)?)
}

pub(super) fn receive_bytes(mut stream: &UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    stream.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_FRAME {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    // The length is believed as far as bytes come.
    stream.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Sends open files along with one byte.
pub(super) fn send_files(stream: &UnixStream, files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(stream, &[IoSlice::new(b"f")], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

/// The other side of [`send_files`].
pub(super) fn receive_files(stream: &UnixStream) -> io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let messages = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    Ok(messages.flatten().collect())
}
