//! Who looks at what has come in, before any of it is copied.

use std::fmt;

use certus_model::{ScanId, TenantId};
use futures_util::future::BoxFuture;

/// Looks at what has come in.
pub trait Screen: fmt::Debug + Send + Sync {
    /// What of a scan is held back, by key; nothing when all of it may be copied.
    ///
    /// # Errors
    /// Why that cannot be said, in one sentence; then nothing is copied.
    fn held_back<'a>(&'a self, scan: &'a ScanId, tenant: &'a TenantId) -> BoxFuture<'a, Result<Vec<String>, String>>;
}
