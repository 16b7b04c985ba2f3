#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/scanner",
        world: "file-scanner",
        pub_export_macro: true,
        export_macro_name: "export",
        default_bindings_module: "certus_sdk_files::bindings",
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
#[path = "../../core/bridge/slot.rs"]
mod slot;

pub use certus_sdk_core::{
    Confidence, DataError, File, FileScanner, Finding, Hit, Location, Pack, Parameter, Problem, Reason, Revision,
    SettingValue, Settings, Severity, Span, Value, testing,
};

/// Makes the given [`FileScanner`] the component's. Natively it only checks the type, so that a
/// scanner is an ordinary library to tests and benchmarks.
///
/// ```
/// use certus_sdk_files::{File, FileScanner, Finding, Problem, Settings};
///
/// struct Todo;
///
/// impl FileScanner for Todo {
///     fn configure(_: &Settings) -> Result<Self, Problem> {
///         Ok(Self)
///     }
///
///     fn scan(&self, file: &File<'_>) -> Result<Vec<Finding>, Problem> {
///         let finding = |start| Finding::at("todo", file.path, start..start + 4);
///         Ok(file.hits.iter().map(|hit| finding(hit.start)).collect())
///     }
/// }
///
/// certus_sdk_files::register!(Todo);
/// ```
#[macro_export]
macro_rules! register {
    ($scanner:ty) => {
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() = || {
            fn is_a_file_scanner<S: $crate::FileScanner>() {}
            is_a_file_scanner::<$scanner>();
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
                    SCANNER.with(|scanner| $crate::guest::configure(scanner, settings))
                }
            }

            impl $crate::guest::Files for Component {
                fn scan(
                    file: $crate::guest::File,
                ) -> ::std::result::Result<::std::vec::Vec<$crate::guest::Finding>, $crate::guest::Problem> {
                    SCANNER.with(|scanner| $crate::guest::scan(scanner, file))
                }
            }

    $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}
