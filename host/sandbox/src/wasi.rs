//! WASI 0.2, virtualised: a read-only tree, clocks that stand still, randomness from a fixed seed, an
//! empty environment, captured output. Interfaces are linked one by one; `wasi:sockets` and
//! `wasi:http` are never among them.

mod clock;
mod files;
mod output;

use certus_model::limits::Limits;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use wasmtime::Result;
use wasmtime::component::Linker;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, random};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiView as _};

use self::clock::{Frozen, Monotonic};
pub(crate) use self::files::Files;
use self::files::FilesView;
use self::output::Captured;
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
    clocks::monotonic_clock::add_to_linker::<State, Monotonic<'static>>(l, |s| Monotonic(&mut s.table))?;
    files::link(l, |s| FilesView { files: &mut s.files, table: &mut s.table })?;
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

/// The context of one instance, but for its files.
pub(crate) fn context(limits: &Limits, log: &SharedLog) -> WasiCtx {
    let stream = Captured { log: log.clone(), limit: limits.log };
    WasiCtxBuilder::new()
        .wall_clock(Frozen)
        .secure_random(StdRng::from_seed([0; 32]))
        .insecure_random(StdRng::from_seed([0; 32]))
        .insecure_random_seed(0)
        .max_random_size(limits.random)
        .stdout(stream.clone())
        .stderr(stream)
        .build()
}
