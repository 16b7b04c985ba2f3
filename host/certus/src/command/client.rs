//! Commands that ask a certus service: what each does with its answers lies in the files below.

mod fetch;
mod follow;
mod pack;
mod show;
mod submit;
mod words;

use anyhow::Context as _;
use certus_model::ScanId;
use certus_outbound::Server;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use crate::command::service::runtime;
use crate::exit::Exit;
use crate::settings::{Settings, server};

pub(crate) use fetch::fetch;
pub(crate) use follow::logs;
pub(crate) use show::{cancel, list, publish, status};
pub(crate) use submit::submit;

/// Where the service has its scans.
const SCANS: &str = "/v1/security-scans";

/// Does `work` with the service that is set, until somebody interrupts it.
fn ask(settings: &Settings, work: impl AsyncFnOnce(&Server) -> anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    on_service(settings, async |server| match or_interrupted(work(server)).await? {
        Some(exit) => exit,
        None => Ok(Exit::Interrupted),
    })
}

/// Does `work` with the service that is set; it hears of interrupts by itself.
fn on_service(settings: &Settings, work: impl AsyncFnOnce(&Server) -> anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    let server = Server::new(server(&settings.reader)?)?;
    runtime()?.block_on(work(&server))
}

/// What comes of `work`; none if this process was told to stop before.
async fn or_interrupted<T>(work: impl Future<Output = T>) -> anyhow::Result<Option<T>> {
    tokio::select! {
        done = work => Ok(Some(done)),
        stopped = interrupted() => {
            stopped?;
            crate::command::note("interrupted; nothing was written");
            Ok(None)
        }
    }
}

/// Waits until this process is told to stop.
async fn interrupted() -> anyhow::Result<()> {
    let unhandled = "signals cannot be handled";
    let mut interrupt = signal(SignalKind::interrupt()).context(unhandled)?;
    let mut terminate = signal(SignalKind::terminate()).context(unhandled)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// The path of a scan, with what follows it.
fn path(id: &ScanId, rest: &str) -> String {
    format!("{SCANS}/{id}{rest}")
}

/// The scan as it stands.
async fn scan(server: &Server, id: &ScanId) -> anyhow::Result<Value> {
    Ok(server.get(&path(id, ""), &[]).await?)
}
