#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/scanner",
        world: "tree-scanner",
        pub_export_macro: true,
        export_macro_name: "export",
        default_bindings_module: "certus_sdk_tree::bindings",
    });
}

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
    Confidence, DataError, Dependency, Entry, Finding, Hash, HashAlgorithm, Kind, Location, Pack, Parameter, Problem,
    ReadError, Reason, Report, Revision, Scope, SettingValue, Settings, Severity, Span, StandaloneTreeScanner,
    TreeScanner, Value, Walk, Workspace, testing,
};

/// Makes the given [`TreeScanner`] the component's. Natively it only checks the type, so that a
/// scanner is an ordinary library to tests and benchmarks.
///
/// ```
/// use certus_sdk_tree::{Finding, Problem, Report, Revision, Settings, TreeScanner, Workspace};
///
/// struct NoLicence;
///
/// impl TreeScanner for NoLicence {
///     fn configure(_: &Settings) -> Result<Self, Problem> {
///         Ok(Self)
///     }
///
///     fn scan(&self, workspace: &dyn Workspace) -> Result<Report, Problem> {
///         let mut report = Report::default();
///         for entry in workspace.walk(Revision::Head) {
///             let entry = entry?;
///             if entry.path.ends_with("LICENSE") && entry.size == 0 {
///                 report.findings.push(Finding::on("empty-licence", entry.path));
///             }
///         }
///         Ok(report)
///     }
/// }
///
/// certus_sdk_tree::register!(NoLicence);
/// ```
#[macro_export]
macro_rules! register {
    ($scanner:ty) => {
        $crate::__register!($scanner, TreeScanner, configure, scan);
    };
}

/// Makes the given [`StandaloneTreeScanner`] the component's; its component never imports
/// `workspace`.
#[macro_export]
macro_rules! register_standalone {
    ($scanner:ty) => {
        $crate::__register!($scanner, StandaloneTreeScanner, configure_standalone, scan_standalone);
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

            impl $crate::guest::Tree for Component {
                fn scan() -> ::std::result::Result<$crate::guest::Report, $crate::guest::Problem> {
                    SCANNER.with(|scanner| $crate::guest::$scan(scanner))
                }
            }

    $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}
