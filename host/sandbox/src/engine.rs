//! The one wasmtime engine of a process, and the clock that lets it interrupt guests.

use std::time::Duration;

use wasmtime::{Config, Engine, EngineWeak};

use crate::error::Error;

/// How often a running guest is asked to yield, so that its wall clock can strike.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// The configuration that admission child and worker share: a component compiled under another one
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
    // An allow list: simd, bulk memory, multi-value, reference types, sign extension, component model, and
    // extended constants (sums in initialisers), which Python's interpreter is linked with.
    // (Component-model async is not even compiled in.)
    config
        .wasm_component_model(true)
        .wasm_simd(true)
        .wasm_bulk_memory(true)
        .wasm_multi_value(true)
        .wasm_reference_types(true)
        .wasm_extended_const(true)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
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
pub(crate) fn start_ticker(engine: EngineWeak) -> Result<(), Error> {
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
