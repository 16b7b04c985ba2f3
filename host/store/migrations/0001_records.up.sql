-- Types are BIGINT and TEXT alone, so that one SQL serves SQLite and Postgres. Times are milliseconds
-- since 1970, flags 0 or 1, lists and objects JSON text.

CREATE TABLE tenants (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    weight BIGINT NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
    on_error TEXT NOT NULL DEFAULT 'closed' CHECK (on_error IN ('closed', 'open')),
    last_turn BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('tenant', 'admin')),
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    UNIQUE (tenant_id, name)
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write')),
    secret_sha256 TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant_id, created_at);

CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    filename TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE scans (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    workspace_id TEXT NOT NULL,
    component_id TEXT NOT NULL,
    assessment_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    mode TEXT NOT NULL CHECK (mode IN ('production', 'sample')),
    request TEXT NOT NULL,
    profile TEXT NOT NULL,
    requested_by TEXT,
    on_error TEXT NOT NULL CHECK (on_error IN ('closed', 'open')),
    timeout_ms BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    completed_at BIGINT,
    manifest_digest TEXT,
    manifest_metadata TEXT,
    provenance_id TEXT,
    resolved_commit TEXT,
    decision TEXT CHECK (decision IN ('pass', 'fail', 'error')),
    failure TEXT,
    result_digest TEXT,
    warnings TEXT NOT NULL DEFAULT '[]',
    errors TEXT NOT NULL DEFAULT '[]',
    artifacts TEXT NOT NULL DEFAULT '{}',
    bundle TEXT,
    upload_status TEXT NOT NULL DEFAULT 'pending'
        CHECK (upload_status IN ('pending', 'permitted', 'uploading', 'uploaded', 'denied', 'upload_failed')),
    permitted_at BIGINT,
    upload_permission_id TEXT,
    verification_proof TEXT
);
CREATE INDEX scans_by_time ON scans (tenant_id, created_at DESC, id DESC);
CREATE INDEX scans_of_all_by_time ON scans (created_at DESC, id DESC);
-- Covers what `/stats` counts.
CREATE INDEX scans_by_state ON scans (status, upload_status, permitted_at);

CREATE TABLE scan_jobs (
    scan_id TEXT PRIMARY KEY REFERENCES scans (id),
    tenant_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'completed', 'dead_letter')),
    lane TEXT NOT NULL CHECK (lane IN ('interactive', 'batch')),
    turn BIGINT NOT NULL,
    available_at BIGINT NOT NULL,
    attempt BIGINT NOT NULL DEFAULT 0,
    fence BIGINT NOT NULL DEFAULT 0,
    worker TEXT,
    lease_until BIGINT,
    cancel_requested BIGINT NOT NULL DEFAULT 0,
    late_writes BIGINT NOT NULL DEFAULT 0,
    queued_at BIGINT NOT NULL
);
CREATE INDEX scan_jobs_by_turn ON scan_jobs (state, lane, turn);
CREATE INDEX scan_jobs_by_lease ON scan_jobs (state, lease_until);

CREATE TABLE scan_events (
    scan_id TEXT NOT NULL REFERENCES scans (id),
    seq BIGINT NOT NULL,
    tenant_id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (scan_id, seq)
);

CREATE TABLE findings (
    scan_id TEXT NOT NULL REFERENCES scans (id),
    ordinal BIGINT NOT NULL,
    tenant_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    plugin TEXT NOT NULL,
    rule TEXT NOT NULL,
    severity TEXT NOT NULL,
    path TEXT,
    line BIGINT,
    suppressed BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (scan_id, ordinal)
);
CREATE INDEX findings_by_fingerprint ON findings (tenant_id, fingerprint);

CREATE TABLE idempotency_keys (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    scan_id TEXT NOT NULL REFERENCES scans (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, idempotency_key)
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_at);

CREATE TABLE audit_events (
    seq BIGINT PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    digest TEXT NOT NULL
);
CREATE INDEX audit_events_by_tenant ON audit_events (tenant_id, seq);

-- The one row that says where the chain ends; whoever appends holds it.
CREATE TABLE audit_head (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL,
    digest TEXT NOT NULL
);
INSERT INTO audit_head (id, seq, digest)
VALUES (1, 0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');

-- Heads that a host has signed.
CREATE TABLE audit_checkpoints (
    seq BIGINT NOT NULL,
    digest TEXT NOT NULL,
    at BIGINT NOT NULL,
    envelope TEXT NOT NULL,
    PRIMARY KEY (seq, digest)
);
