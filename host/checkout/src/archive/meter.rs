//! What an archive may cost while it is read: bytes out per byte in, and bytes between two entries.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use certus_model::limits::WorkspaceLimits;

use crate::error::{Error, shown};

/// Below this many bytes out the ratio does not matter.
const FREE: u64 = 1 << 20;

/// Bytes that headers between two entries may take: names and attributes, which a tar reader holds in
/// memory. A path has 1 KiB, so this is generous.
const BETWEEN_ENTRIES: u64 = 1 << 20;

/// Counts what goes in and comes out of a decompressor; shared by both ends.
#[derive(Clone)]
pub(super) struct Meter(Rc<State>);

struct State {
    ratio: u64,
    most: u64,
    consumed: Cell<u64>,
    produced: Cell<u64>,
    gate: Cell<u64>,
    struck: Cell<Option<Struck>>,
}

/// The limit that stopped the reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Struck {
    Ratio,
    Total,
    /// More than so many bytes that name entries.
    Headers(u64),
}

impl Meter {
    pub(super) fn new(limits: &WorkspaceLimits) -> Self {
        Self(Rc::new(State {
            ratio: limits.archive_ratio,
            // All files, and as much again for headers, padding and what is passed over.
            most: limits.total.saturating_mul(2).saturating_add(64 << 20),
            consumed: Cell::new(0),
            produced: Cell::new(0),
            gate: Cell::new(u64::MAX),
            struck: Cell::new(None),
        }))
    }

    pub(super) fn struck(&self) -> Option<Struck> {
        self.0.struck.get()
    }

    /// From here on headers are read.
    pub(super) fn between_entries(&self) {
        self.0.gate.set(BETWEEN_ENTRIES);
    }

    /// From here on content is read.
    pub(super) fn within_entry(&self) {
        self.0.gate.set(u64::MAX);
    }

    pub(super) fn consume(&self, count: u64) {
        self.0.consumed.set(self.0.consumed.get().saturating_add(count));
    }

    /// Counts bytes that came out; fails when a limit strikes.
    pub(super) fn produce(&self, count: u64) -> io::Result<()> {
        let state = &self.0;
        let produced = state.produced.get().saturating_add(count);
        state.produced.set(produced);
        let gate = state.gate.get();
        state.gate.set(if gate == u64::MAX { gate } else { gate.saturating_sub(count) });
        let struck = if produced > FREE && produced > state.consumed.get().saturating_mul(state.ratio) {
            Struck::Ratio
        } else if produced > state.most {
            Struck::Total
        } else if gate < count {
            Struck::Headers(BETWEEN_ENTRIES)
        } else {
            return Ok(());
        };
        state.struck.set(Some(struck));
        Err(io::Error::other("a limit was reached"))
    }
}

impl Struck {
    pub(super) fn error(self, place: &str, limits: &WorkspaceLimits) -> Error {
        let path = shown(place);
        match self {
            Self::Ratio => Error::ArchiveRatio { archive: path, ratio: limits.archive_ratio },
            Self::Total => {
                Error::FileBudget { path, excess: format!("more than {} bytes in all files together", limits.total) }
            }
            Self::Headers(most) => {
                Error::TreeBudget { path, excess: format!("more than {most} bytes of names and attributes") }
            }
        }
    }
}

/// The compressed side.
pub(super) struct Consumed<R> {
    pub(super) inner: R,
    pub(super) meter: Meter,
}

impl<R: Read> Read for Consumed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.meter.consume(count as u64);
        Ok(count)
    }
}

/// The plain side. It also knows how many zeros were seen last, for a tar ends with zeros.
pub(super) struct Produced<R> {
    pub(super) inner: R,
    pub(super) meter: Meter,
    pub(super) zeros: Rc<Cell<u64>>,
}

impl<R: Read> Read for Produced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.meter.produce(count as u64)?;
        let trailing = buffer[..count].iter().rev().take_while(|byte| **byte == 0).count();
        let before = if trailing == count { self.zeros.get() } else { 0 };
        self.zeros.set(before.saturating_add(trailing as u64));
        Ok(count)
    }
}
