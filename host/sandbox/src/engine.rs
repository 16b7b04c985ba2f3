//! The one wasmtime engine of a process, and the clock that lets it interrupt guests.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certus_model::limits::AdmissionLimits;
use certus_model::plugin::Capability;
use wasmtime::{Config, Engine, EngineWeak};

use crate::cache::Cache;
use crate::compile::Compiler;
use crate::error::{AdmitError, Error};
use crate::inspect::inspect;
use crate::plugin::Plugin;

/// How often a running guest is asked to yield, so that its wall clock can strike.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// What a sandbox is made with.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// The program that compiles: `certus` itself, which answers to [`crate::COMPILE_ARGUMENT`].
    pub compiler: PathBuf,
    /// Folder of compiled plugins; none compiles every time.
    pub cache: Option<PathBuf>,
    /// Limits of admission.
    pub admission: AdmissionLimits,
    /// Guest stack in bytes.
    pub stack: usize,
}

/// Admits components and makes instances of them.
pub struct Sandbox {
    engine: Engine,
    compiler: Compiler,
    admission: AdmissionLimits,
}

impl Sandbox {
    /// Sets up the engine, its ticker thread and the cache.
    ///
    /// # Errors
    /// When wasmtime refuses its configuration, or the cache folder is not safe to use.
    pub fn new(config: SandboxConfig) -> Result<Self, Error> {
        let engine = new_engine(config.stack)?;
        start_ticker(engine.weak())?;
        let cache = config.cache.map(|folder| Cache::open(&folder, &engine)).transpose()?;
        let compiler =
            Compiler { program: config.compiler, cache, limits: config.admission.clone(), stack: config.stack };
        Ok(Self { engine, compiler, admission: config.admission })
    }

    /// Checks `bytes` and makes them runnable: the manifest is read, imports are compared with what
    /// it declares and with what is `granted`, exports with what it names; then the very same bytes
    /// are compiled in a limited child process or taken from the authenticated cache.
    ///
    /// # Errors
    /// A [`crate::Refusal`] with its reason, or the host's own failure.
    pub fn admit(&self, bytes: &[u8], granted: &[Capability]) -> Result<Plugin, AdmitError> {
        let passport = inspect(bytes, &self.admission)?;
        passport.permit(granted)?;
        let component = self.compiler.component(&self.engine, &passport.digest, bytes)?;
        Plugin::link(&self.engine, component, Arc::new(passport))
    }
}

/// The configuration that parent and compile child share: a component compiled under another one
/// does not load.
pub(crate) fn new_engine(stack: usize) -> Result<Engine, Error> {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(stack)
        // The difference is for the host's own code on the guest's stack.
        .async_stack_size(stack + (1536 << 10))
        .async_stack_zeroing(true)
        .cranelift_nan_canonicalization(true)
        .wasm_backtrace_max_frames(None)
        .native_unwind_info(false)
        // The child's address space is limited; threads each reserve a stack.
        .parallel_compilation(false);
    // An allow list: simd, bulk memory, multi-value, reference types, sign extension, component model.
    // (Component-model async is not even compiled in.)
    config
        .wasm_component_model(true)
        .wasm_simd(true)
        .wasm_bulk_memory(true)
        .wasm_multi_value(true)
        .wasm_reference_types(true)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_extended_const(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        .wasm_threads(false)
        .wasm_function_references(false)
        .wasm_gc(false)
        .gc_support(false)
        .wasm_exceptions(false)
        .wasm_stack_switching(false)
        .concurrency_support(false)
        .shared_memory(false);
    Engine::new(&config).map_err(|error| Error::Engine(error.to_string()))
}

/// Advances the engine's epoch for as long as the engine lives. The thread holds it weakly and ends
/// by itself.
fn start_ticker(engine: EngineWeak) -> Result<(), Error> {
    std::thread::Builder::new()
        .name("sandbox-ticker".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })
        .map(drop)
        .map_err(|error| Error::Engine(error.to_string()))
}
