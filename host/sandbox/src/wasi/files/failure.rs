//! Why a function of the file system gives no answer, and what the guest is told.

use rustix::io::Errno;
use wasmtime_wasi::ResourceTableError;

use super::types::ErrorCode;

/// Why a function gives no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The guest is told.
    Code(ErrorCode),
    /// The guest is at its end.
    Trap(wasmtime::Error),
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<ResourceTableError> for Failure {
    fn from(error: ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Code(code(errno))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Code(Errno::from_io_error(&error).map_or(ErrorCode::Io, code))
    }
}

/// The standard's word for what the kernel says.
pub(super) fn code(errno: Errno) -> ErrorCode {
    match errno {
        // The last is the kernel's word for a path that would leave the root.
        Errno::PERM | Errno::XDEV => ErrorCode::NotPermitted,
        Errno::ACCESS => ErrorCode::Access,
        Errno::AGAIN => ErrorCode::Busy,
        // A name with a NUL byte in it: no file has one.
        Errno::INVAL | Errno::NOENT => ErrorCode::NoEntry,
        Errno::LOOP => ErrorCode::Loop,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => ErrorCode::InsufficientMemory,
        Errno::NAMETOOLONG => ErrorCode::NameTooLong,
        Errno::NOTDIR => ErrorCode::NotDirectory,
        // A socket or a device without a driver.
        Errno::NXIO | Errno::NODEV => ErrorCode::NotPermitted,
        _ => ErrorCode::Io,
    }
}
