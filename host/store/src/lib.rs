#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod access;
mod audit;
mod backup;
mod blob;
mod crash;
mod credential;
mod database;
mod ending;
mod error;
mod event;
mod finding;
mod queue;
mod retention;
mod scan;
mod schema;
mod seal;
mod sql;
mod stats;
mod submit;
mod upload;
mod webhook;

pub use access::{ApiKey, NewKey, NewUser, Principal, Tenant, TenantChange, User};
pub use audit::{AuditEvent, AuditFault, AuditFilter, Checkpoint, Head, NewAudit};
pub use blob::{Area, BlobStore, Blobs, Fetched, Folder, Incoming, Kept, S3, S3Config, S3Login, digest};
pub use crash::{arm as arm_crash_points, point as crash_point};
pub use credential::{GitCredential, NewGitCredential, OpenGitCredential};
pub use database::{DatabaseUrl, Reach, Store};
pub use ending::{Ending, JobEnd};
pub use error::Error;
pub use event::StoredEvent;
pub use finding::{FindingFilter, FindingRow};
pub use queue::{Cancel, Claim, Heartbeat, Lease, Requeue};
pub use retention::{Prunable, Retention};
pub use scan::{Page, Position, Scan, ScanFilter};
pub use schema::{Migrated, SchemaState};
pub use seal::MasterKey;
pub use stats::{QueueDepth, Stats};
pub use submit::{Idempotency, NewScan, Submitted};
pub use upload::Upload;
pub use webhook::{Delivery, Told, Webhook};
