//! Exit codes: a pipeline decides by them.

use std::process::ExitCode;

use certus_model::outcome::Verdict;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was looked at and nothing exceeds a threshold; or the command did what it should.
    Pass = 0,
    /// The host failed: there is no answer.
    Host = 1,
    /// The decision is `fail`; or `verify` or `plugin test` refused.
    Fail = 2,
    /// The decision is `error`: something was not looked at. Also when something was found too.
    Error = 3,
    /// The command line is wrong.
    Usage = 64,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail => Self::Fail,
            Verdict::Error => Self::Error,
        }
    }
}
