//! What Transform holds back is not published.

use std::fmt;

use certus_model::{ScanId, TenantId};
use certus_publish::Screen;
use certus_transform::Transform;
use futures_util::future::BoxFuture;

/// Lets nothing be copied that lies in quarantine.
pub struct Screening {
    /// Who holds it back.
    pub transform: Transform,
    /// Whether everything that comes in is looked at for personal data first.
    pub looks: bool,
}

impl fmt::Debug for Screening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screening").field("looks", &self.looks).finish_non_exhaustive()
    }
}

impl Screen for Screening {
    fn held_back<'a>(&'a self, scan: &'a ScanId, tenant: &'a TenantId) -> BoxFuture<'a, Result<Vec<String>, String>> {
        Box::pin(async move {
            let held = self.transform.held_back(scan, tenant, self.looks).await;
            held.map_err(|error| {
                tracing::warn!(scan_id = %scan, error = &error as &dyn std::error::Error, "raw objects could not be looked at");
                error.to_string()
            })
        })
    }
}
