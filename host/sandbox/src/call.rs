//! One guarded call: fuel, wall clock, and the reason that struck.

use std::time::Duration;

use certus_model::finding::UnverifiedProblem;
use certus_model::outcome::CallReason;
use wasmtime::{Store, Trap};
use wasmtime_wasi::{I32Exit, ResourceTableError};

use crate::error::Error;
use crate::state::State;

/// Why a call gave no answer.
#[derive(Debug)]
pub enum CallError {
    /// The guest answered that it has none. Its instance lives on.
    Guest(UnverifiedProblem),
    /// A limit or a rule of the sandbox struck; the instance is gone.
    Struck {
        /// Which one.
        reason: CallReason,
        /// The engine's words, for the operator's log alone.
        note: String,
    },
    /// The host could not do its part; the instance is gone.
    Host(Error),
}

impl CallError {
    pub(crate) fn struck(reason: CallReason, note: impl Into<String>) -> Self {
        Self::Struck { reason, note: note.into() }
    }
}

/// Runs `call` with `fuel` and at most `deadline` of wall clock, sleeping and host calls included.
pub(crate) async fn guarded<T>(
    store: &mut Store<State>,
    fuel: u64,
    deadline: Duration,
    call: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<T>,
) -> Result<T, CallError> {
    store.data_mut().limiter.take_denied();
    store.set_fuel(fuel).map_err(|e| CallError::Host(Error::Engine(e.to_string())))?;
    match tokio::time::timeout(deadline, call(store)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(classify(store.data_mut(), &error)),
        Err(_) => Err(CallError::struck(CallReason::Deadline, format!("no answer within {deadline:?}"))),
    }
}

fn classify(state: &mut State, error: &wasmtime::Error) -> CallError {
    if let Some(failure) = state.failure.take() {
        return CallError::Host(failure);
    }
    let reason = if state.limiter.take_denied() { CallReason::Memory } else { reason_of(error) };
    CallError::struck(reason, certus_model::escape::one_line(&format!("{error:#}"), 1000))
}

fn reason_of(error: &wasmtime::Error) -> CallReason {
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match trap {
            Trap::OutOfFuel => CallReason::Fuel,
            Trap::StackOverflow => CallReason::Stack,
            Trap::Interrupt => CallReason::Deadline,
            // Raised by the canonical ABI's own checks, not by an instruction of the guest.
            Trap::StringOutOfBounds
            | Trap::ListOutOfBounds
            | Trap::InvalidDiscriminant
            | Trap::InvalidChar
            | Trap::UnalignedPointer
            | Trap::CannotEnterComponent
            | Trap::CannotLeaveComponent => CallReason::BadAbi,
            _ => CallReason::Trap,
        };
    }
    if error.downcast_ref::<I32Exit>().is_some() {
        return CallReason::Exit;
    }
    if matches!(error.downcast_ref::<ResourceTableError>(), Some(ResourceTableError::Full)) {
        return CallReason::Handles;
    }
    // These errors have no public type: the one place where a text decides. The hostile cases pin it.
    let text = format!("{error:#}");
    for (words, reason) in [
        ("fuel allocated for hostcalls has been exhausted", CallReason::TooMuchData),
        ("store handle limit exceeded", CallReason::Handles),
        ("resource limit exceeded", CallReason::Memory),
    ] {
        if text.contains(words) {
            return reason;
        }
    }
    CallReason::BadAbi
}
