//! WASI 0.2, virtualised: a read-only tree, clocks that stand still, randomness from a fixed seed, an
//! empty environment, captured output. Interfaces are linked one by one; `wasi:sockets` and
//! `wasi:http` are never among them.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use certus_model::limits::Limits;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use wasmtime::Result;
use wasmtime::component::Linker;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{HostMonotonicClock, HostWallClock, WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{FsPerms, WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiView as _};

use crate::state::{SharedLog, State};

/// The interfaces that a declared `[capabilities.wasi]` may import, without their version.
const OFFERED: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Whether `import` is WASI 0.2 as this host offers it.
pub(crate) fn offers(import: &str) -> bool {
    import.split_once('@').is_some_and(|(name, version)| OFFERED.contains(&name) && version.starts_with("0.2."))
}

/// Links every offered interface.
pub(crate) fn link(linker: &mut Linker<State>) -> Result<()> {
    let l = linker;
    wasmtime_wasi::p2::bindings::io::error::add_to_linker::<State, Io>(l, |s| s.ctx().table)?;
    wasmtime_wasi::p2::bindings::io::poll::add_to_linker::<State, Io>(l, |s| s.ctx().table)?;
    wasmtime_wasi::p2::bindings::io::streams::add_to_linker::<State, Io>(l, |s| s.ctx().table)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    filesystem::types::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    random::random::add_to_linker::<State, WasiRandom>(l, |s| s.ctx().ctx.random())?;
    random::insecure::add_to_linker::<State, WasiRandom>(l, |s| s.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, |s| s.ctx().ctx.random())?;
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)
}

struct Io;

impl wasmtime::component::HasData for Io {
    type Data<'a> = &'a mut wasmtime_wasi::ResourceTable;
}

/// The context of one instance; `root` is laid out at `/` and can only be read.
pub(crate) fn context(root: Option<&Path>, limits: &Limits, log: &SharedLog) -> Result<WasiCtx> {
    let stream = Captured { log: log.clone(), limit: limits.log };
    let mut builder = WasiCtxBuilder::new();
    builder
        .wall_clock(Frozen)
        .monotonic_clock(Frozen)
        .secure_random(StdRng::from_seed([0; 32]))
        .insecure_random(StdRng::from_seed([0; 32]))
        .insecure_random_seed(0)
        .max_random_size(limits.random)
        .stdout(stream.clone())
        .stderr(stream);
    if let Some(root) = root {
        builder.preopened_dir(root, "/", FsPerms::ReadOnly)?;
    }
    Ok(builder.build())
}

/// Clocks that stand still: an answer cannot depend on when it was given.
struct Frozen;

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Standard output and error: the first bytes are kept for the operator, the rest is counted. It is
/// always ready and never fails, so that no guest waits on it.
#[derive(Clone)]
struct Captured {
    log: SharedLog,
    limit: u64,
}

/// Bytes that a guest may hand over in one write.
const WRITE: usize = 64 << 10;

impl IsTerminal for Captured {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Captured {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this form, and it is never linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Captured {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > WRITE {
            return Err(StreamError::trap("a write larger than its permit"));
        }
        self.log.push(&bytes, self.limit);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Captured {
    async fn ready(&mut self) {}
}
