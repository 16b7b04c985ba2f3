//! Where the configured scanner lives between calls. Compiled into each kind crate.

use std::cell::RefCell;

use certus_sdk_core::{Problem, Settings};

/// Empty until `configure`; every `configure` replaces what was there.
#[doc(hidden)]
pub struct Slot<S>(RefCell<Option<S>>);

impl<S> Slot<S> {
    pub const fn empty() -> Self {
        Self(RefCell::new(None))
    }

    pub(crate) fn configure(
        &self,
        build: impl FnOnce(&Settings) -> Result<S, Problem>,
        settings: &Settings,
    ) -> Result<(), Problem> {
        // A scanner of earlier settings must not answer for refused ones.
        *self.0.borrow_mut() = None;
        *self.0.borrow_mut() = Some(build(settings)?);
        Ok(())
    }

    pub(crate) fn with<T>(&self, scan: impl FnOnce(&S) -> Result<T, Problem>) -> Result<T, Problem> {
        match &*self.0.borrow() {
            Some(scanner) => scan(scanner),
            None => {
                Err(Problem::internal("scan was called before configure: the host must configure an instance first"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(settings: &Settings) -> Result<i64, Problem> {
        settings.number("depth")
    }

    fn depth(depth: i64) -> Settings {
        [("depth", certus_sdk_core::SettingValue::Number(depth))].into_iter().collect()
    }

    #[test]
    fn a_scan_before_configure_is_a_problem() {
        let slot: Slot<i64> = Slot::empty();
        assert!(slot.with(|depth| Ok(*depth)).is_err());
    }

    #[test]
    fn a_later_configure_replaces_the_state() {
        let slot = Slot::empty();
        assert_eq!(slot.configure(build, &depth(1)), Ok(()));
        assert_eq!(slot.configure(build, &depth(2)), Ok(()));
        assert_eq!(slot.with(|depth| Ok(*depth)), Ok(2));
    }

    #[test]
    fn after_a_refused_configure_nothing_answers() {
        let slot = Slot::empty();
        assert_eq!(slot.configure(build, &depth(1)), Ok(()));
        assert!(slot.configure(build, &Settings::default()).is_err());
        assert!(slot.with(|depth| Ok(*depth)).is_err());
    }
}
