//! Clocks that stand still: an answer cannot depend on when it was given. A guest may sleep, which its
//! deadline bounds, but cannot see time pass.

use std::time::Duration;

use wasmtime::Result;
use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::ResourceTable;
use wasmtime_wasi::clocks::HostWallClock;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

/// The wall clock.
pub(super) struct Frozen;

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

/// The monotonic clock. Not wasmtime-wasi's: there a sleep runs from when it was asked for, so that a
/// guest could count how often `ready` says no and had a clock after all.
pub(super) struct Monotonic<'a>(pub(super) &'a mut ResourceTable);

impl HasData for Monotonic<'static> {
    type Data<'a> = Monotonic<'a>;
}

impl monotonic_clock::Host for Monotonic<'_> {
    fn now(&mut self) -> Result<u64> {
        Ok(0)
    }

    fn resolution(&mut self) -> Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> Result<Resource<DynPollable>> {
        self.subscribe_duration(when)
    }

    fn subscribe_duration(&mut self, duration: u64) -> Result<Resource<DynPollable>> {
        let sleep = self.0.push(Sleep { left: Duration::from_nanos(duration) })?;
        subscribe(self.0, sleep)
    }
}

/// Runs only while it is waited for.
struct Sleep {
    left: Duration,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Sleep {
    async fn ready(&mut self) {
        if !self.left.is_zero() {
            tokio::time::sleep(self.left).await;
            self.left = Duration::ZERO;
        }
    }
}
