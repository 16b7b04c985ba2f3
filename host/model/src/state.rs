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
    /// How much a published bundle may be trusted with.
    Tier, "tier", {
    /// The scanning host's signature alone.
    Basic = "basic",
    /// Trust's verdict as well, and an entry in the transparency log.
    Verified = "verified" | "premium",
});

words!(
    /// Why Trust denies a publication.
    DenialReason, "reason of a denial", {
    /// There is nothing to publish.
    NoArtifacts = "no_artifacts",
    /// What would be published is not what was signed.
    ArtifactMismatch = "artifact_mismatch",
    /// The policy accepts no such signer.
    InvalidSigner = "invalid_signer",
    /// The scan's signature does not verify.
    InnerSignature = "inner_signature_verification_failed",
    /// The signer's key had run out, or was not valid yet.
    SignerExpired = "certificate_expired",
    /// The signer was revoked.
    SignerRevoked = "signer_revoked",
    /// A key signed that was made on first use, by nobody's decision.
    DevelopmentKey = "development_key",
    /// There is no report.
    ScanNotSucceeded = "scan_not_succeeded",
    /// The scan was of the sample workspace.
    SampleMode = "sample_mode",
    /// The policy accepts no such plugin.
    PluginNotAccepted = "plugin_not_accepted",
    /// A plugin that ran was revoked.
    PluginRevoked = "plugin_revoked",
    /// The policy accepts no such decision.
    DecisionNotAccepted = "decision_not_accepted",
    /// Not everything was looked at.
    CoverageIncomplete = "coverage_incomplete",
    /// The scan's signature is not in a transparency log.
    LogEntryMissing = "log_entry_missing",
    /// It is said to be in a log, and is not proven to be.
    LogProofInvalid = "log_proof_invalid",
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
