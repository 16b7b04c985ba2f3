//! How things end: closed sets of reasons (design, section 3).

use crate::words::words;

words! {
    /// Why a guest says that it did not analyse something.
    ProblemReason, "problem reason", {
        /// Not what this scanner reads, although its name suggested so. Not a fault.
        Unsupported = "unsupported",
        /// The input breaks its own format.
        Malformed = "malformed",
        /// A bound of the scanner itself was reached.
        Exhausted = "exhausted",
        /// A fault of the scanner.
        Internal = "internal",
    }
}

words! {
    /// Why a call gave no answer: a limit of the sandbox that struck, or the guest's own word.
    CallReason, "call reason", {
        /// The sum of the guest's memories or tables reached its limit.
        Memory = "memory",
        /// The instruction budget ran out.
        Fuel = "fuel",
        /// The wall clock ran out, of the call or of the run.
        Deadline = "deadline",
        /// The guest's stack was exhausted.
        Stack = "stack",
        /// The guest trapped.
        Trap = "trap",
        /// The guest asked to end the process.
        Exit = "exit",
        /// What the guest handed over breaks the contract's binary form.
        BadAbi = "bad-abi",
        /// The guest handed over more than one call may.
        TooMuchData = "too-much-data",
        /// The guest opened too many handles.
        Handles = "handles",
        /// What would have to be kept of the answers exceeds its bound.
        Output = "output",
        /// The guest: not what this scanner reads.
        Unsupported = "unsupported",
        /// The guest: the input breaks its own format.
        Malformed = "malformed",
        /// The guest: a bound of its own was reached.
        Exhausted = "exhausted",
        /// The guest: a fault of its own.
        Internal = "internal",
    }
}

impl From<ProblemReason> for CallReason {
    fn from(reason: ProblemReason) -> Self {
        match reason {
            ProblemReason::Unsupported => Self::Unsupported,
            ProblemReason::Malformed => Self::Malformed,
            ProblemReason::Exhausted => Self::Exhausted,
            ProblemReason::Internal => Self::Internal,
        }
    }
}

words! {
    /// Why a component was not admitted.
    AdmissionReason, "admission reason", {
        /// The bytes are no WebAssembly component.
        NotAComponent = "not-a-component",
        /// The file is larger than the limit.
        TooLarge = "too-large",
        /// It imports something that no host offers.
        UnknownImport = "unknown-import",
        /// It imports a capability that its manifest does not declare, or the manifest is unusable.
        Undeclared = "undeclared",
        /// It declares a capability that the operator has not granted.
        NotGranted = "not-granted",
        /// It lacks an export that its manifest names.
        MissingExport = "missing-export",
        /// Compiling it exceeded its budget.
        CompileBudget = "compile-budget",
        /// Its signature does not verify.
        Signature = "signature",
        /// It has been revoked.
        Revoked = "revoked",
    }
}

words! {
    /// Why a source became no workspace.
    CheckoutReason, "checkout reason", {
        /// The URL or path has a form that is not accepted.
        BadUrl = "bad-url",
        /// There is nothing at that place, or it may not be read.
        NotFound = "not-found",
        /// The branch, tag or commit does not exist.
        UnknownRef = "unknown-ref",
        /// There is no commit or no file in it.
        Empty = "empty",
        /// The objects or the tree are malformed.
        Fsck = "fsck",
        /// Too many entries, too deep, or too long a path.
        TreeBudget = "tree-budget",
        /// One file or all files together are too large.
        FileBudget = "file-budget",
        /// The archive expands beyond its allowed ratio.
        ArchiveRatio = "archive-ratio",
        /// It took too long.
        Timeout = "timeout",
    }
}

words! {
    /// Why a scan ended without a report.
    FailureReason, "failure reason", {
        /// The URL or path has a form that is not accepted.
        BadUrl = "bad-url",
        /// There is nothing at that place, or it may not be read.
        NotFound = "not-found",
        /// The branch, tag or commit does not exist.
        UnknownRef = "unknown-ref",
        /// There is no commit or no file in it.
        Empty = "empty",
        /// The objects or the tree are malformed.
        Fsck = "fsck",
        /// Too many entries, too deep, or too long a path.
        TreeBudget = "tree-budget",
        /// One file or all files together are too large.
        FileBudget = "file-budget",
        /// The archive expands beyond its allowed ratio.
        ArchiveRatio = "archive-ratio",
        /// It took too long: a checkout, or the scan as a whole.
        Timeout = "timeout",
        /// The scan manifest is missing, does not parse, or is not signed as it has to be.
        Manifest = "manifest",
        /// The profile, its tools or their plugins cannot run.
        Selection = "selection",
        /// Somebody called the scan off.
        Cancelled = "cancelled",
        /// Whoever worked on it was lost, each time that it was tried.
        WorkerLost = "worker-lost",
        /// The host's own part failed.
        Internal = "internal",
    }
}

impl FailureReason {
    /// How the scan ended, in the word of `scan.json`.
    pub const fn status(self) -> &'static str {
        match self {
            Self::Cancelled => "CANCELLED",
            _ => "FAILED",
        }
    }
}

impl From<CheckoutReason> for FailureReason {
    fn from(reason: CheckoutReason) -> Self {
        match reason {
            CheckoutReason::BadUrl => Self::BadUrl,
            CheckoutReason::NotFound => Self::NotFound,
            CheckoutReason::UnknownRef => Self::UnknownRef,
            CheckoutReason::Empty => Self::Empty,
            CheckoutReason::Fsck => Self::Fsck,
            CheckoutReason::TreeBudget => Self::TreeBudget,
            CheckoutReason::FileBudget => Self::FileBudget,
            CheckoutReason::ArchiveRatio => Self::ArchiveRatio,
            CheckoutReason::Timeout => Self::Timeout,
        }
    }
}

words! {
    /// Whether what was scanned was asked for.
    Mode, "mode", {
        /// It was.
        Production = "production",
        /// The sample that comes with the host, for trying clients out. Never to be taken for a scan.
        Sample = "sample",
    }
}

words! {
    /// What the policy says of a scan.
    Verdict, "verdict", {
        /// Everything was looked at and no threshold is exceeded.
        Pass = "pass",
        /// Everything was looked at and a threshold is exceeded.
        Fail = "fail",
        /// Something was not looked at, so nothing is vouched for, whatever was found.
        Error = "error",
    }
}
