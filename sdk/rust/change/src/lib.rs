#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/scanner",
        world: "change-scanner",
        pub_export_macro: true,
        export_macro_name: "export",
        default_bindings_module: "certus_sdk_change::bindings",
    });
}

mod change_set;
#[path = "../../core/bridge/convert.rs"]
mod convert;
#[path = "../../core/bridge/data.rs"]
pub mod data;
#[doc(hidden)]
pub mod guest;
#[path = "../../core/bridge/log.rs"]
pub mod log;
#[path = "../../core/bridge/report.rs"]
mod report;
#[path = "../../core/bridge/slot.rs"]
mod slot;
#[path = "../../core/bridge/workspace.rs"]
mod workspace;

pub use certus_sdk_core::{
    ChangeScanner, ChangeSet, Confidence, DataError, Dependency, Entry, FileChange, Finding, Hash, HashAlgorithm, Hunk,
    Kind, Location, Pack, Parameter, Problem, ReadError, Reason, Report, Revision, Scope, SettingValue, Settings,
    Severity, Side, Span, StandaloneChangeScanner, Status, Value, Walk, Workspace, testing,
};

/// Makes the given [`ChangeScanner`] the component's. Natively it only checks the type, so that a
/// scanner is an ordinary library to tests and benchmarks.
///
/// ```
/// use certus_sdk_change::{ChangeScanner, ChangeSet, Finding, Problem, Report, Settings, Workspace};
///
/// struct NewlyExecutable;
///
/// impl ChangeScanner for NewlyExecutable {
///     fn configure(_: &Settings) -> Result<Self, Problem> {
///         Ok(Self)
///     }
///
///     fn scan(&self, change: &ChangeSet, _: &dyn Workspace) -> Result<Report, Problem> {
///         let mut report = Report::default();
///         for file in &change.files {
///             let mode = |side: &certus_sdk_change::Side| side.mode;
///             if let Some(head) = &file.head
///                 && head.mode == 0o100755
///                 && file.base.as_ref().map(mode) != Some(head.mode)
///             {
///                 report.findings.push(Finding::on("newly-executable", &head.path));
///             }
///         }
///         Ok(report)
///     }
/// }
///
/// certus_sdk_change::register!(NewlyExecutable);
/// ```
#[macro_export]
macro_rules! register {
    ($scanner:ty) => {
        $crate::__register!($scanner, ChangeScanner, configure, scan);
    };
}

/// Makes the given [`StandaloneChangeScanner`] the component's; its component never imports
/// `workspace`.
#[macro_export]
macro_rules! register_standalone {
    ($scanner:ty) => {
        $crate::__register!($scanner, StandaloneChangeScanner, configure_standalone, scan_standalone);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($scanner:ty, $kind:ident, $configure:ident, $scan:ident) => {
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() = || {
            fn is_a_scanner<S: $crate::$kind>() {}
            is_a_scanner::<$scanner>();
        };

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            ::std::thread_local! {
                static SCANNER: $crate::guest::Slot<$scanner> =
                    const { $crate::guest::Slot::empty() };
            }

            struct Component;

            impl $crate::guest::Plugin for Component {
                fn configure(
                    settings: ::std::vec::Vec<$crate::guest::Setting>,
                ) -> ::std::result::Result<(), $crate::guest::Problem> {
                    SCANNER.with(|scanner| $crate::guest::$configure(scanner, settings))
                }
            }

            impl $crate::guest::Change for Component {
                fn scan(
                    change: $crate::guest::ChangeSet,
                ) -> ::std::result::Result<$crate::guest::Report, $crate::guest::Problem> {
                    SCANNER.with(|scanner| $crate::guest::$scan(scanner, change))
                }
            }

    $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}
