//! The states of what the service keeps. Each is a closed set; the words are those that clients read.

use crate::words::words;

words!(
    /// Where a scan is. `queued` is entered by a submit, and again when a worker is lost; a claim makes it
    /// `running`; the last three are final.
    ScanStatus, "scan status", {
    /// Accepted, and waiting for a worker.
    Queued = "queued",
    /// A worker has it.
    Running = "running",
    /// A signed bundle exists, whatever the decision.
    Succeeded = "succeeded",
    /// There is no report; the signed bundle says why.
    Failed = "failed",
    /// A client has called it off.
    Cancelled = "cancelled",
});

words!(
    /// Where the publication of a scan is.
    UploadStatus, "upload status", {
    /// Trust has not been asked.
    Pending = "pending",
    /// Trust has permitted these bytes.
    Permitted = "permitted",
    /// They are on their way.
    Uploading = "uploading",
    /// All of them are published.
    Uploaded = "uploaded",
    /// Trust has refused them.
    Denied = "denied",
    /// They could not be published.
    UploadFailed = "upload_failed",
});

words!(
    /// Where a job of the queue is.
    JobState, "job state", {
    /// Waiting, or waiting again.
    Queued = "queued",
    /// Leased to a worker.
    Running = "running",
    /// Its scan has ended.
    Completed = "completed",
    /// Its workers were lost too often; it waits for somebody to replay it.
    DeadLetter = "dead_letter",
});

words!(
    /// Which of the two lanes a job waits in.
    Lane, "lane", {
    /// Somebody waits for it.
    Interactive = "interactive",
    /// Nobody does.
    Batch = "batch",
});

words!(
    /// What a user may do.
    Role, "role", {
    /// Everything within the tenant that is about scans.
    Tenant = "tenant",
    /// Everything, of every tenant.
    Admin = "admin",
});

words!(
    /// What an API key may be used for.
    Scope, "scope", {
    /// To look.
    Read = "read",
    /// To look and to submit, upload and cancel.
    Write = "write",
});

words!(
    /// What the decision `error` means to whoever gates on it: it never becomes `pass`.
    OnError, "stance on errors", {
    /// It blocks, as `fail` does.
    Closed = "closed",
    /// It does not block, and the bundle says so.
    Open = "open",
});

impl ScanStatus {
    /// Whether nothing changes it any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}
