-- What Trust has decided, the denials too, with what it rests on and what it signed.
CREATE TABLE permits (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    scan_id TEXT NOT NULL,
    tier TEXT NOT NULL CHECK (tier IN ('basic', 'verified')),
    permitted BIGINT NOT NULL,
    reason TEXT,
    detail TEXT,
    evidence TEXT NOT NULL,
    index_digest TEXT NOT NULL,
    destination TEXT NOT NULL,
    signer TEXT,
    answer TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX permits_by_scan ON permits (tenant_id, scan_id, issued_at);

-- What each decision rests on, so that a revocation finds all of them.
CREATE TABLE permit_inputs (
    permit_id TEXT NOT NULL REFERENCES permits (id),
    tenant_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('plugin', 'signer')),
    digest TEXT NOT NULL,
    PRIMARY KEY (permit_id, kind, digest)
);
CREATE INDEX permit_inputs_by_digest ON permit_inputs (kind, digest);

-- Which plugins and signers are no longer trusted.
CREATE TABLE revocations (
    kind TEXT NOT NULL CHECK (kind IN ('plugin', 'signer')),
    digest TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (kind, digest)
);

-- What is to be published, one row a scan; without `due_at` there is nothing left to do.
CREATE TABLE publications (
    scan_id TEXT PRIMARY KEY REFERENCES scans (id),
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    tier TEXT NOT NULL CHECK (tier IN ('basic', 'verified')),
    requested_by TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    fence BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT,
    last_error TEXT,
    permit_id TEXT,
    answer TEXT,
    expires_at BIGINT,
    published TEXT,
    uploaded_at BIGINT
);
CREATE INDEX publications_by_time ON publications (due_at);

-- Permits that a publication was begun with: each is used once.
CREATE TABLE used_permits (
    permit_id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    scan_id TEXT NOT NULL REFERENCES scans (id),
    at BIGINT NOT NULL
);

-- Where the transparency log ends. Whoever appends holds the row.
CREATE TABLE log_head (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    checkpoint TEXT NOT NULL
);
INSERT INTO log_head (id, checkpoint) VALUES (1, '');

-- What was logged, so that it is found by what people know of it.
CREATE TABLE log_entries (
    id TEXT PRIMARY KEY,
    log_index BIGINT NOT NULL UNIQUE,
    tenant_id TEXT NOT NULL,
    scan_id TEXT,
    assessment_id TEXT,
    signer TEXT NOT NULL,
    artifact TEXT NOT NULL,
    kind TEXT NOT NULL,
    signature TEXT NOT NULL,
    envelope TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX log_entries_by_tenant ON log_entries (tenant_id, log_index);
CREATE INDEX log_entries_by_artifact ON log_entries (artifact);
