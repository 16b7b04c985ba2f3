//! The summing limiter: all memories and tables of one store count together.

use wasmtime::{ResourceLimiter, Result};

use certus_model::limits::Limits;

/// Counts what a store's guests have grown to, and remembers that it said no.
pub(crate) struct Limiter {
    memory_left: u64,
    elements_left: u64,
    instances: usize,
    tables: usize,
    memories: usize,
    denied: bool,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_left: limits.memory,
            elements_left: limits.table_elements,
            instances: limits.instances,
            tables: limits.tables,
            memories: limits.memories,
            denied: false,
        }
    }

    /// Whether a growth was denied since this was asked last.
    pub(crate) fn take_denied(&mut self) -> bool {
        std::mem::take(&mut self.denied)
    }

    fn take(left: &mut u64, denied: &mut bool, current: usize, desired: usize) -> bool {
        let growth = desired.saturating_sub(current) as u64;
        match left.checked_sub(growth) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => {
                *denied = true;
                false
            }
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        Ok(Self::take(&mut self.memory_left, &mut self.denied, current, desired))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        Ok(Self::take(&mut self.elements_left, &mut self.denied, current, desired))
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}
