//! Scans, as they are read.

use std::collections::{BTreeMap, BTreeSet};

use certus_model::outcome::Verdict;
use certus_model::request::ScanRequest;
use certus_model::{
    AssessmentId, ComponentId, JobState, OnError, ScanId, ScanStatus, Sha256, TenantId, UploadStatus, WorkspaceId,
};
use serde_json::Value as Json;

use crate::blob::Blobs;
use crate::database::{Reach, Store};
use crate::error::Error;
use crate::sql::{Columns, Statement};

/// A scan as it stands. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// Its id.
    pub id: ScanId,
    /// Whose it is.
    pub tenant: TenantId,
    /// As the client named it.
    pub workspace: WorkspaceId,
    /// As the client named it.
    pub component: ComponentId,
    /// As the client named it.
    pub assessment: AssessmentId,
    /// Where it is.
    pub status: ScanStatus,
    /// `production` or `sample`.
    pub mode: String,
    /// What was asked for.
    pub request: ScanRequest,
    /// Who asked for it, by the client's own label.
    pub requested_by: Option<String>,
    /// What a decision `error` means to the tenant.
    pub on_error: OnError,
    /// How long it may take once it runs.
    pub timeout_ms: i64,
    /// When it was accepted.
    pub created_at: i64,
    /// When a worker first took it.
    pub started_at: Option<i64>,
    /// When it ended.
    pub completed_at: Option<i64>,
    /// SHA-256 of the manifest, once that is known.
    pub manifest_digest: Option<Sha256>,
    /// What was made of the manifest.
    pub manifest_metadata: Option<Json>,
    /// What identifies the content that was scanned.
    pub provenance_id: Option<String>,
    /// The commit that was scanned.
    pub resolved_commit: Option<String>,
    /// The policy's answer.
    pub decision: Option<Verdict>,
    /// Why there is no report: a reason of a closed set.
    pub failure: Option<String>,
    /// The digest over the bundle's `result` group.
    pub result_digest: Option<Sha256>,
    /// What somebody should know.
    pub warnings: Vec<String>,
    /// What went wrong.
    pub errors: Vec<String>,
    /// Key to path within the bundle.
    pub artifacts: BTreeMap<String, String>,
    /// The bundle's name, while it is kept.
    pub bundle: Option<String>,
    /// When the bundle was removed by the rules of retention.
    pub pruned_at: Option<i64>,
    /// The trace that the scan was submitted in, as W3C writes it.
    pub trace: Option<String>,
    /// Where its publication is.
    pub upload_status: UploadStatus,
    /// Trust's permission.
    pub upload_permission_id: Option<String>,
    /// Trust's proof.
    pub verification_proof: Option<Json>,
    /// Where it is published, in JSON.
    pub published: Option<Json>,
    /// What kept it from being published, or why Trust has refused.
    pub upload_error: Option<String>,
    /// Where its job is.
    pub job: JobState,
    /// How often a worker has taken it.
    pub attempts: i64,
    /// Whether somebody has called it off while it runs.
    pub cancel_requested: bool,
}

/// Which scans are wanted, the newest first.
#[derive(Clone, Debug, Default)]
pub struct ScanFilter {
    /// Only of this workspace.
    pub workspace: Option<WorkspaceId>,
    /// Only of this component.
    pub component: Option<ComponentId>,
    /// Only of this assessment.
    pub assessment: Option<AssessmentId>,
    /// Only in this state.
    pub status: Option<ScanStatus>,
    /// Only of this profile.
    pub profile: Option<String>,
    /// Only accepted at this time or later, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Only after this one in the list.
    pub after: Option<Position>,
    /// Leave out this many.
    pub offset: u32,
    /// At most this many.
    pub limit: u32,
}

/// A place in the list of scans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// When the scan there was accepted.
    pub created_at: i64,
    /// Which one it is.
    pub id: ScanId,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// What is in it.
    pub items: Vec<T>,
    /// Whether there is more.
    pub more: bool,
}

/// A scan with what is asked of its job.
pub(crate) const SELECT: &str = "SELECT s.*, j.state, j.attempt, j.cancel_requested, p.published, p.last_error AS upload_error FROM scans s \
     JOIN scan_jobs j ON j.scan_id = s.id LEFT JOIN publications p ON p.scan_id = s.id";

impl Store {
    /// One scan; none if there is none within `reach`.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn scan(&self, reach: Reach<'_>, id: &ScanId) -> Result<Option<Scan>, Error> {
        let mut select = Statement::new(SELECT);
        select.push(" WHERE s.id = ").bind(id.as_str());
        select.within(reach, " AND s.tenant_id = ");
        let mut transaction = self.read(reach).await?;
        let row = select.query().fetch_optional(&mut *transaction).await?;
        row.as_ref().map(|row| scan(&Columns(row))).transpose()
    }

    /// Scans, the newest first.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn scans(&self, reach: Reach<'_>, filter: &ScanFilter) -> Result<Page<Scan>, Error> {
        let mut select = Statement::new(SELECT);
        select.push(" WHERE 1 = 1");
        let tenant = reach.tenant().map(|tenant| tenant.as_str());
        for (column, wanted) in [
            (" AND s.tenant_id = ", tenant),
            (" AND s.workspace_id = ", filter.workspace.as_ref().map(WorkspaceId::as_str)),
            (" AND s.component_id = ", filter.component.as_ref().map(ComponentId::as_str)),
            (" AND s.assessment_id = ", filter.assessment.as_ref().map(AssessmentId::as_str)),
            (" AND s.status = ", filter.status.map(ScanStatus::as_str)),
            (" AND s.profile = ", filter.profile.as_deref()),
        ] {
            if let Some(wanted) = wanted {
                select.push(column).bind(wanted);
            }
        }
        if let Some(since) = filter.since {
            select.push(" AND s.created_at >= ").bind(since);
        }
        if let Some(after) = &filter.after {
            select.push(" AND (s.created_at, s.id) < (").bind(after.created_at).push(", ");
            select.bind(after.id.as_str()).push(")");
        }
        // One more than asked for shows whether there is more.
        select.push(" ORDER BY s.created_at DESC, s.id DESC LIMIT ").bind(i64::from(filter.limit) + 1);
        select.push(" OFFSET ").bind(i64::from(filter.offset));
        let mut transaction = self.read(reach).await?;
        let rows = select.query().fetch_all(&mut *transaction).await?;
        let mut items = rows.iter().map(|row| scan(&Columns(row))).collect::<Result<Vec<_>, _>>()?;
        let more = items.len() > filter.limit as usize;
        items.truncate(filter.limit as usize);
        Ok(Page { items, more })
    }

    /// Scans whose jobs were given up, the newest first; at most 1,000.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn dead_letters(&self) -> Result<Vec<Scan>, Error> {
        let mut select = Statement::new(SELECT);
        select.push(" WHERE j.state = 'dead_letter' ORDER BY s.created_at DESC, s.id DESC LIMIT 1000");
        let mut transaction = self.read(Reach::All).await?;
        select.query().fetch_all(&mut *transaction).await?.iter().map(|row| scan(&Columns(row))).collect()
    }

    /// The bundle folders that scans name, so that a sweeper knows what it may not take.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn bundles(&self) -> Result<BTreeSet<String>, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let rows =
            sqlx::query("SELECT bundle FROM scans WHERE bundle IS NOT NULL").fetch_all(&mut *transaction).await?;
        rows.iter().map(|row| Columns(row).text("bundle")).collect()
    }

    /// The bundle folders that running jobs are about to make.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn live_bundles(&self) -> Result<BTreeSet<String>, Error> {
        let mut transaction = self.read(Reach::All).await?;
        let select = "SELECT scan_id, fence FROM scan_jobs WHERE state = 'running'";
        let rows = sqlx::query(select).fetch_all(&mut *transaction).await?;
        let name = |row: Columns<'_>| Ok(Blobs::bundle_name(&row.parsed("scan_id")?, row.number("fence")?));
        rows.iter().map(|row| name(Columns(row))).collect()
    }
}

pub(crate) fn scan(row: &Columns<'_>) -> Result<Scan, Error> {
    let json = |name| -> Result<Option<Json>, Error> {
        let text = row.maybe_text(name)?;
        text.map(|text| serde_json::from_str(&text).map_err(|_| Error::Malformed { what: name })).transpose()
    };
    Ok(Scan {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant_id")?,
        workspace: row.parsed("workspace_id")?,
        component: row.parsed("component_id")?,
        assessment: row.parsed("assessment_id")?,
        status: row.parsed("status")?,
        mode: row.text("mode")?,
        request: row.json("request")?,
        requested_by: row.maybe_text("requested_by")?,
        on_error: row.parsed("on_error")?,
        timeout_ms: row.number("timeout_ms")?,
        created_at: row.number("created_at")?,
        started_at: row.maybe_number("started_at")?,
        completed_at: row.maybe_number("completed_at")?,
        manifest_digest: row.maybe_parsed("manifest_digest")?,
        manifest_metadata: json("manifest_metadata")?,
        provenance_id: row.maybe_text("provenance_id")?,
        resolved_commit: row.maybe_text("resolved_commit")?,
        decision: row.maybe_parsed("decision")?,
        failure: row.maybe_text("failure")?,
        result_digest: row.maybe_parsed("result_digest")?,
        warnings: row.json("warnings")?,
        errors: row.json("errors")?,
        artifacts: row.json("artifacts")?,
        bundle: row.maybe_text("bundle")?,
        pruned_at: row.maybe_number("pruned_at")?,
        trace: row.maybe_text("trace")?,
        upload_status: row.parsed("upload_status")?,
        upload_permission_id: row.maybe_text("upload_permission_id")?,
        verification_proof: json("verification_proof")?,
        published: json("published")?,
        upload_error: row.maybe_text("upload_error")?,
        job: row.parsed("state")?,
        attempts: row.number("attempt")?,
        cancel_requested: row.number("cancel_requested")? != 0,
    })
}
