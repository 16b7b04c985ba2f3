//! The integration tests: through the public doors, on real input. A case of `hostile` is named after
//! its number in the catalogue of hostile cases (docs/operations/hostile.md).

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests panic where the product would report, read the environment they run in, and print figures and \
              what was skipped"
)]

mod command;
mod deploy;
mod hostile;
mod peers;
mod pipeline;
mod service;
mod store;
mod support;
mod tidy;
