#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod access;
mod audit;
mod backup;
mod crash;
mod database;
mod error;
mod event;
mod finding;
mod folder;
mod queue;
mod scan;
mod schema;
mod sql;
mod stats;
mod submit;
mod upload;

pub use access::{ApiKey, NewKey, NewUser, Principal, Tenant, TenantChange, User};
pub use audit::{AuditEvent, AuditFault, AuditFilter, Checkpoint, Head, NewAudit};
pub use crash::{arm as arm_crash_points, point as crash_point};
pub use database::{DatabaseUrl, Reach, Store};
pub use error::Error;
pub use event::StoredEvent;
pub use finding::{FindingFilter, FindingRow};
pub use folder::Folders;
pub use queue::{Cancel, Claim, Ending, Heartbeat, JobEnd, Lease, Requeue};
pub use scan::{Page, Position, Scan, ScanFilter};
pub use schema::{Migrated, SchemaState};
pub use stats::{QueueDepth, Stats};
pub use submit::{Idempotency, NewScan, Submitted};
pub use upload::Upload;
