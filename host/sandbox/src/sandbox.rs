//! Where admitted components become runnable.

use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::admission::Admitted;
use crate::engine::{new_engine, start_ticker};
use crate::error::{AdmitError, Error};
use crate::plugin::Plugin;

/// The engine of a process, and the clock that lets it interrupt guests.
pub struct Sandbox {
    engine: Engine,
}

impl Sandbox {
    /// Sets up the engine, with `stack` bytes for a guest's stack, and its ticker thread.
    ///
    /// # Errors
    /// When wasmtime refuses its configuration.
    pub fn new(stack: usize) -> Result<Self, Error> {
        let engine = new_engine(stack)?;
        start_ticker(engine.weak())?;
        Ok(Self { engine })
    }

    /// Makes an admitted component runnable: linked to the imports that its passport shows and to
    /// nothing else.
    ///
    /// # Errors
    /// A [`crate::Refusal`] when an import or export has another form than the contract's; the host's
    /// own failure when the code was compiled for another engine.
    pub fn load(&self, admitted: &Admitted) -> Result<Plugin, AdmitError> {
        let component = component(&self.engine, &admitted.code)?;
        Plugin::link(&self.engine, component, Arc::new(admitted.passport.clone()))
    }
}

/// Maps compiled code into this process.
fn component(engine: &Engine, code: &[u8]) -> Result<Component, Error> {
    #[expect(
        unsafe_code,
        reason = "compiled code is trusted by its origin: our own child's pipe, or a cache entry that our key vouches for"
    )]
    // SAFETY: `code` was made by `precompile_component` of this very program, either just now or
    // earlier by an entry whose MAC verified under a key that only this user can read.
    let component = unsafe { Component::deserialize(engine, code) };
    component.map_err(|error| Error::Load(format!("{error:#}")))
}
