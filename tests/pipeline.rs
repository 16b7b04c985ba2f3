//! The pipeline as the service calls it: what it tells, what it records, what it refuses.

mod events;
mod failure;
mod manifest;
mod records;
