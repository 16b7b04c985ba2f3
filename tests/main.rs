//! The integration tests: through the public doors, on real input. A case of `hostile` is named after
//! its number in the catalogue of hostile cases (docs/operations/hostile.md).

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests panic where the product would report, and read the environment they run in"
)]

mod command;
mod hostile;
mod support;
mod tidy;
